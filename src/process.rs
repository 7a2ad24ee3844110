//! One child process: how it is started, its group, signals, and what `/proc` knows about it and its offspring.
//!
//! Must not know runs, the engine or the network.

pub mod group;
pub mod inherited;
pub mod kin;
pub mod procfs;
pub mod spawn;
pub mod spec;

pub use spawn::{Child, SpawnError, Started, Status, spawn};
pub use spec::{Exit, Program, Spec};
