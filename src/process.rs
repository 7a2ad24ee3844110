//! One child process: its group, output, termination with grace.
//!
//! Must not know runs, the engine or the network.

pub mod spec;

pub use spec::{Exit, Program, Spec};
