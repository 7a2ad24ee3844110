//! Which run each console of a workspace shows, so that the next console after a cut connection comes back to it.
//!
//! One small file per console, locked while it lives: the kernel lets go of the lock however the console ends, and an
//! unlocked file is what a cut one left behind. All of it is a convenience; whatever fails here fails silently.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use flowdeck::model::RunId;
use flowdeck::tui::backend::Followed;
use rustix::fs::{FlockOperation, flock};

/// Writes in a thread of its own: a slow disk holds up nobody.
pub struct Memory {
    tell: Sender<Step>,
    writer: JoinHandle<()>,
}

enum Step {
    Show(Option<RunId>),
    /// Others may still hold on to the sending end.
    End,
}

/// This console's file and the lock on it.
struct Own {
    path: PathBuf,
    _lock: File,
}

impl Memory {
    pub fn start(dir: PathBuf) -> Self {
        let (tell, told) = channel();
        let work = move || {
            let mut own: Option<Own> = None;
            while let Ok(Step::Show(run)) = told.recv() {
                own = match run {
                    Some(run) => write(&dir, &run).ok(),
                    None => own.and_then(forget),
                };
            }
        };
        Self { tell, writer: std::thread::spawn(work) }
    }

    /// What the backend tells which run is shown.
    pub fn followed(&self) -> Followed {
        let tell = self.tell.clone();
        Arc::new(move |run| {
            let _ = tell.send(Step::Show(run.cloned()));
        })
    }

    /// Ends the writing. The file stays when the terminal was lost, and goes when the console was left.
    pub fn end(self, lost: bool) {
        if !lost {
            let _ = self.tell.send(Step::Show(None));
        }
        let _ = self.tell.send(Step::End);
        let _ = self.writer.join();
    }
}

fn forget(own: Own) -> Option<Own> {
    let _ = fs::remove_file(own.path);
    None
}

/// Beside the old file, locked, and then in its place.
fn write(dir: &Path, run: &RunId) -> std::io::Result<Own> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let path = dir.join(std::process::id().to_string());
    let next = path.with_extension("next");
    let mut file = File::create(&next)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    writeln!(file, "{run}")?;
    fs::rename(&next, &path)?;
    Ok(Own { path, _lock: file })
}

/// The run that the console which was cut off last showed. What cut consoles left behind is gone afterwards.
pub fn take(dir: &Path) -> Option<RunId> {
    let left = fs::read_dir(dir).ok()?.flatten().filter_map(|entry| {
        let file = File::open(entry.path()).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        let text = fs::read_to_string(entry.path()).ok()?;
        let at = file.metadata().and_then(|facts| facts.modified()).ok()?;
        fs::remove_file(entry.path()).ok()?;
        let run = text.strip_suffix('\n').map(RunId::from_text)?;
        Some((at, run))
    });
    left.max_by_key(|(at, _)| *at).map(|(_, run)| run)
}
