//! Settings: flags over environment over file over defaults, and the directories state lives in.
//!
//! Owns `flowdeck.toml`, the search for a workspace and every path of ours. Must not know what the settings are
//! used for, and never starts or connects to anything.

mod access;
mod ai;
mod audit;
mod duration;
mod environment;
mod error;
mod file;
mod freeze;
mod host;
mod lock;
mod network;
mod notify;
mod paths;
mod pipeline;
mod problem;
mod reader;
mod secret;
mod settings;
mod suggest;
mod text;
mod workspace;

pub use ai::{Ai, AiKind, AiProvider};
pub use audit::Audit;
pub use duration::{duration, spell};
pub use error::ConfigError;
pub use file::{Console, Engine, File, IdleTimeout, Probe, Secret, Service};
pub use host::Host;
pub use lock::EngineLock;
pub use network::Network;
pub use notify::{Channel, Notify};
pub use paths::Paths;
pub use pipeline::{EXTENSIONS, is_test, pipelines, resolve_pipeline, test_files, tested_pipeline};
pub use problem::{Problem, report};
pub use reader::{Node, Reader, document};
pub use secret::SecretReader;
pub use settings::{Flags, Settings};
pub use suggest::suggest;
pub use text::{read_file, read_if_there, read_pipe};
pub use workspace::Workspace;
