//! A real file system that is really full.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::atomic::decision;
use super::{finished, noted, store_with_run};
use crate::model::RunStatus;
use crate::store::{Store, StoreError};

/// A file system of a few megabytes; unmounted when it goes out of use.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, and a word about it, where the system does not let us mount.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { dir });
        }
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: a full disk cannot be tried out, because mounting a small tmpfs is not allowed"
        );
        None
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Takes all that is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        let block = [7_u8; 4096];
        while file.write_all(&block).is_ok() {}
    }

    fn filler(&self) -> PathBuf {
        self.dir.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.dir.path()).status();
    }
}

/// Appends until the disk is full; returns how many events the store acknowledged.
async fn append_until_full(store: &Store) -> u64 {
    loop {
        match store.append(vec![noted("r-1", "x".repeat(50_000))]).await {
            Ok(_) => {}
            Err(StoreError::Full { .. }) => return store.last_seq(),
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn sound(dir: &Path, last: u64) {
    let store = Store::open(dir).unwrap();
    assert_eq!((store.last_seq(), store.check().await.unwrap()), (last, Vec::new()));
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_reserve_still_records_the_end_of_a_run() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = store_with_run(&disk.state(), "r-1").await;
    let acknowledged = append_until_full(&store).await;
    disk.fill();
    assert!(store.append(vec![noted("r-1", "x".repeat(50_000))]).await.unwrap_err().is_full());
    assert_eq!(store.journal(&"r-1".into()).await.unwrap().len() as u64, acknowledged);

    assert!(store.release_reserve());
    let ended = store.append(vec![finished("r-1", RunStatus::Failed)]).await.unwrap();
    assert_eq!(ended[0].seq, acknowledged + 1, "a refused event must not leave a gap");
    drop(store);
    sound(&disk.state(), acknowledged + 1).await;
}

#[tokio::test]
async fn a_decision_on_a_full_disk_is_refused_whole() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = store_with_run(&disk.state(), "r-1").await;
    let mut length = 0;
    let large = |length| {
        let mut batch = decision("thing/1", length, "dana");
        batch.audit[0].body = serde_json::json!({"reason": "x".repeat(20_000)});
        batch
    };
    let error = loop {
        match store.record(large(length)).await {
            Ok(_) => length += 1,
            Err(error) => break error,
        }
    };
    disk.fill();
    assert!(error.is_full(), "{error:?}");
    assert!(store.record(large(length)).await.unwrap_err().is_full());
    let count = async |store: &Store| {
        (store.stream("thing/1").await.unwrap().len() as u64, store.audit_head().borrow().seq, store.last_seq() - 1)
    };
    assert_eq!(count(&store).await, (length, length, length));
    assert!(store.release_reserve());
    store.record(decision("thing/1", length, "eli")).await.unwrap();
    drop(store);
    let store = Store::open(&disk.state()).unwrap();
    assert_eq!(count(&store).await, (length + 1, length + 1, length + 1));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn appends_work_again_when_there_is_space_again() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = store_with_run(&disk.state(), "r-1").await;
    disk.fill();
    let acknowledged = append_until_full(&store).await;
    std::fs::remove_file(disk.filler()).unwrap();
    store.append(vec![noted("r-1", "x".repeat(50_000))]).await.unwrap();
    drop(store);
    sound(&disk.state(), acknowledged + 1).await;
}

#[tokio::test]
async fn a_store_opens_on_a_full_disk_by_giving_up_its_reserve() {
    let Some(disk) = SmallDisk::mount() else { return };
    store_with_run(&disk.state(), "r-1").await.close().await.unwrap();
    disk.fill();
    let store = Store::open(&disk.state()).unwrap();
    store.append(vec![finished("r-1", RunStatus::Failed)]).await.unwrap();
    drop(store);
    sound(&disk.state(), 2).await;
}
