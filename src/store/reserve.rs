//! A block of disk held back, so that the failure of a run on a full disk can still be recorded.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::free_space;

const SIZE: u64 = 1024 * 1024;
/// How much must be free before the block is taken again.
const COMFORTABLE: u64 = 16 * SIZE;

#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    released: AtomicBool,
}

impl Reserve {
    /// Takes the block if it can be had; a store works without it.
    pub(super) fn take(dir: &Path) -> Self {
        let reserve = Self { path: Self::path_in(dir), released: AtomicBool::new(false) };
        reserve.allocate();
        reserve
    }

    pub(super) fn path_in(dir: &Path) -> PathBuf {
        dir.join("reserve")
    }

    /// Gives the space back to the file system. False when there was nothing to give.
    pub(super) fn release(&self) -> bool {
        self.released.store(true, Ordering::Relaxed);
        fs::remove_file(&self.path).is_ok()
    }

    /// Takes the block again when it was released and the disk has room; cheap when it was not.
    pub(super) fn restore(&self) {
        let roomy = || free_space(&self.path).is_some_and(|free| free > COMFORTABLE);
        if self.released.load(Ordering::Relaxed) && roomy() {
            self.released.store(false, Ordering::Relaxed);
            self.allocate();
        }
    }

    fn allocate(&self) {
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path);
        let Ok(file) = opened else { return };
        let missing = file.metadata().map_or(true, |found| found.len() < SIZE);
        if missing && rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, SIZE).is_err() {
            // Half a block, or one that holds no space, would only promise what it cannot keep.
            let _ = fs::remove_file(&self.path);
            self.released.store(true, Ordering::Relaxed);
        }
    }
}
