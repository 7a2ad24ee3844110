//! flowdeck: a terminal ops console with an embedded, durable pipeline executor.
//!
//! The library exists so that tests and benches reach every layer; its API is not a promise to other crates.
//! Modules are listed lowest layer first; `tests/layers.rs` enforces who may use whom.

pub mod model;

pub mod accounts;
pub mod config;
pub mod language;
pub mod logs;
pub mod policy;
pub mod process;

pub mod operators;
pub mod runner;
pub mod store;

pub mod engine;

pub mod api;
pub mod client;

pub mod cli;
pub mod demo;
pub mod tui;
