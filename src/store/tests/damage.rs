//! Damaged files: found, named, never touched.

use std::path::Path;

use super::{create, created, event, noted, refusal, store_with_run};
use crate::model::EventKind;
use crate::store::{Store, StoreError};

/// A closed store of about a hundred pages.
async fn sizeable(dir: &Path) -> std::path::PathBuf {
    let store = store_with_run(dir, "r-1").await;
    let notes = (0..400).map(|n| noted("r-1", format!("{n:04} {}", "x".repeat(1000))));
    store.append(notes.collect()).await.unwrap();
    let path = store.path().to_owned();
    store.close().await.unwrap();
    path
}

/// What anybody finds who opens the store and reads all of it.
async fn verdict(dir: &Path) -> Vec<String> {
    let store = match Store::open(dir) {
        Ok(store) => store,
        Err(error) => return vec![error.to_string()],
    };
    let mut found = store.check().await.unwrap_or_else(|error| vec![error.to_string()]);
    if let Err(error) = store.journal(&"r-1".into()).await {
        found.push(error.to_string());
    }
    found
}

#[tokio::test]
async fn a_missing_or_empty_file_is_a_fresh_store() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("flowdeck.db"), "").unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    assert_eq!(store.last_seq(), 1);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    for content in ["hello", &"not a database at all\n".repeat(1000)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flowdeck.db");
        std::fs::write(&path, content).unwrap();
        let error = refusal(dir.path());
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
        assert!(error.to_string().contains("flowdeck.db"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), *content);
    }
}

#[tokio::test]
async fn a_truncated_store_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = sizeable(dir.path()).await;
    let whole = std::fs::read(&path).unwrap();
    for kept in [whole.len() / 2, 4096, 700] {
        std::fs::write(&path, &whole[..kept]).unwrap();
        let error = refusal(dir.path());
        assert!(matches!(error, StoreError::Corrupt { .. }), "{kept} bytes: {error:?}");
        assert_eq!(std::fs::read(&path).unwrap().len(), kept);
    }
}

#[tokio::test]
async fn an_emptied_store_whose_log_still_has_events_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let crashed = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("flowdeck.db-wal"), crashed.path().join("flowdeck.db-wal")).unwrap();
    drop(store);
    let log = std::fs::read(crashed.path().join("flowdeck.db-wal")).unwrap();
    assert!(matches!(refusal(crashed.path()), StoreError::Corrupt { .. }));
    assert_eq!(std::fs::read(crashed.path().join("flowdeck.db-wal")).unwrap(), log);
}

#[tokio::test]
async fn a_garbled_page_is_found_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = sizeable(dir.path()).await;
    let whole = std::fs::read(&path).unwrap();
    assert!(whole.len() > 50 * 4096, "{}", whole.len());
    for page in (1..whole.len() / 4096).step_by(7) {
        let mut damaged = whole.clone();
        damaged[page * 4096..][..4096].fill(0xa5);
        std::fs::write(&path, &damaged).unwrap();
        let found = verdict(dir.path()).await;
        assert!(!found.is_empty(), "page {page} of {} is garbage and nobody noticed", whole.len() / 4096);
    }
}

#[tokio::test]
async fn one_changed_letter_in_an_event_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = sizeable(dir.path()).await;
    let mut content = std::fs::read(&path).unwrap();
    let at = memchr::memmem::find(&content, b"0123 xxx").unwrap();
    content[at + 6] = b'y';
    std::fs::write(&path, &content).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let error = store.journal(&"r-1".into()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Corrupt { detail, .. } if detail.contains("event 125")), "{error:?}");
    assert!(store.check().await.unwrap().iter().any(|line| line.contains("event 125")));
}

#[tokio::test]
async fn a_gap_or_a_wrong_listing_is_found_by_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    create(&store, vec![created("r-2", &[]), event("r-2", EventKind::RunStarted)]).await;
    store.close().await.unwrap();
    let conn = rusqlite::Connection::open(dir.path().join("flowdeck.db")).unwrap();
    conn.execute_batch("DELETE FROM events WHERE seq = 2; UPDATE runs SET stages_done = 1 WHERE id = 'r-1'").unwrap();
    conn.close().unwrap();
    let found = verdict(dir.path()).await;
    for expected in ["events 2 to 2 are missing", "journal of run r-2 does not begin", "listing of run r-1 differs"] {
        assert!(found.iter().any(|line| line.contains(expected)), "{expected}: {found:?}");
    }
}
