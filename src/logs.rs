//! Log segments, their index, the window reader, views over several logs, scans and masking.
//!
//! Owns the files below `RUN/logs/` and everything that is done to output between a process and a screen.
//! Must not know processes, runs beyond their ids, or terminals: making text safe to draw is up to who draws it.

pub mod filter;
pub mod index;
mod long;
pub mod mask;
pub mod read;
pub mod record;
pub mod scan;
pub mod segment;
pub mod view;
mod walk;

use std::path::{Path, PathBuf};

use crate::model::StageId;

/// The log of one attempt: `RUN/logs/STAGE/ATTEMPT.log`.
pub fn log_path(run_dir: &Path, stage: &StageId, attempt: u32) -> PathBuf {
    run_dir.join("logs").join(file_name(stage)).join(format!("{attempt}.log"))
}

/// A stage id as a file name: letters, digits, `_` and `-` as they are, everything else as `%xx`.
pub fn file_name(stage: &StageId) -> String {
    let mut name = String::with_capacity(stage.as_str().len());
    for byte in stage.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}
