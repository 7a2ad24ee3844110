//! What an engine says of itself.

use serde::{Deserialize, Serialize};

use super::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStatus {
    pub pid: u32,
    pub version: String,
    pub socket: String,
    pub state_dir: String,
    pub started_at: Timestamp,
    /// Runs that have not ended.
    pub runs: usize,
    /// Stages running at this moment.
    pub stages: usize,
    /// The journal's last sequence number.
    pub seq: u64,
}
