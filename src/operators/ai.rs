//! Stages that ask a language model: one file per node, one per provider's dialect.
//!
//! Owns the step from a stage's config to a question and from the answer to the output. Must not know where settings
//! and keys come from, runs, or retries.

mod answer;
mod anthropic;
pub(super) mod critic;
mod events;
mod exchange;
pub(super) mod generator;
pub(super) mod improver;
mod openai;
mod provider;
mod question;
mod sample;
pub(super) mod selector;
mod shape;
pub(super) mod synthesizer;
mod task;

pub use events::{Events, TooLarge};
pub use provider::{Ai, Key, Provider, ProviderKind};
pub use shape::find as find_json;

#[cfg(test)]
mod tests;
