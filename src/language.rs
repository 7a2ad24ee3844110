//! Pipeline text (JSON and YAML, both dialects) to a checked [`Pipeline`], and the templates and expressions inside it.
//!
//! Owns: documents with their places, diagnostics, the tables of fields and components, durations, the graph, templates,
//! expressions, JSON Schema checks, test files. Must not know files, clocks, processes or what a run is doing: a [`scope::Scope`]
//! tells an expression all it may see.

pub mod component;
pub mod duration;
mod effects;
pub mod enclosure;
pub mod expression;
pub mod field;
pub mod format;
pub mod graph;
pub mod inclusion;
pub mod inputs;
mod json;
pub mod json_schema;
pub mod limits;
mod load;
mod node;
pub mod output;
pub mod part;
pub mod pipeline;
pub mod plan;
pub mod problem;
mod report;
pub mod schema;
pub mod scope;
pub mod script;
pub mod stage_ids;
mod suggest;
pub mod suite;
pub mod support;
pub mod template;
mod yaml;

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use component::Component;
pub use expression::{EvalError, EvalErrorKind};
pub use format::Format;
pub use graph::Graph;
pub use load::{Loaded, load};
pub use pipeline::{Names, OnError, OnUnknown, Pipeline, Retry, StageSpec};
pub use problem::{Problem, Severity};
pub use report::report;
pub use scope::{Scope, StageView};
pub use stage_ids::StageIds;
