//! The runner process, its protocol, and the engine's end of it.
//!
//! One runner per run starts the stage processes, writes their logs and keeps their results until the engine has them.
//! It outlives the engine. Must not know pipelines, statuses or the store: it gets a specification and reports an exit.

mod attempt;
mod committer;
mod crew;
mod handle;
mod identity;
mod link;
mod orphans;
mod outputs;
pub mod protocol;
mod pump;
mod results;
mod server;
mod stop;
mod table;

pub use handle::{Handle, Launch, Report, RunnerError};
pub use identity::{Identity, never_started, socket_path};
pub use orphans::end_orphans;
pub use protocol::{Known, Welcome};
pub use results::{forget_results, leftover_results};
pub use server::main;
