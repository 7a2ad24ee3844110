//! Results on disk: batches of JSON lines in `RUN/results/`, each whole or not there at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::StageId;
use crate::process::Exit;

#[derive(Serialize, Deserialize)]
struct Row {
    stage: StageId,
    attempt: u32,
    exit: Exit,
}

/// The place where one runner writes its batches.
#[derive(Debug)]
pub struct Results {
    dir: PathBuf,
    next: u64,
}

impl Results {
    pub fn new(run_dir: &Path) -> Self {
        Self { dir: run_dir.join("results"), next: 0 }
    }

    /// Writes a batch so that it survives a power cut; returns its file.
    pub fn write(&mut self, batch: &[(StageId, u32, Exit)]) -> io::Result<PathBuf> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        self.next += 1;
        let path = self.dir.join(format!("{}-{}.jsonl", std::process::id(), self.next));
        let temporary = path.with_extension("new");
        let mut bytes = Vec::new();
        for (stage, attempt, exit) in batch {
            let row = Row { stage: stage.clone(), attempt: *attempt, exit: exit.clone() };
            serde_json::to_writer(&mut bytes, &row)?;
            bytes.push(b'\n');
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(&self.dir)?.sync_all()?;
        Ok(path)
    }
}

/// The results that a dead runner left; some may have been acknowledged, for a batch is removed as a whole. A line that cannot be read is left out: its attempt counts as unknown.
pub fn leftover_results(run_dir: &Path) -> io::Result<Vec<(StageId, u32, Exit)>> {
    let mut found = Vec::new();
    for path in batches(run_dir)? {
        let text = fs::read_to_string(path)?;
        let rows = text.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
        found.extend(rows.map(|row| (row.stage, row.attempt, row.exit)));
    }
    Ok(found)
}

/// Removes what `leftover_results` returned, once it is recorded elsewhere and no runner is alive.
pub fn forget_results(run_dir: &Path) -> io::Result<()> {
    batches(run_dir)?.into_iter().try_for_each(fs::remove_file)
}

fn batches(run_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(run_dir.join("results")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
