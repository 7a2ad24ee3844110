//! Stores of other versions and of other programs.

use rusqlite::Connection;

use super::{noted, refusal, store_with_run};
use crate::store::migrate::{MIGRATIONS, Migration, backup_path};
use crate::store::{RunFilter, Store, StoreError};

const TOMORROW: &[Migration] =
    &[Migration { version: 1, sql: MIGRATIONS[0].sql }, Migration { version: 2, sql: "ALTER TABLE runs ADD COLUMN mood TEXT" }];

fn sqlite(dir: &std::path::Path) -> Connection {
    Connection::open(dir.join("flowdeck.db")).unwrap()
}

#[test]
fn migrations_are_numbered_one_after_the_other() {
    assert!(MIGRATIONS.iter().map(|migration| migration.version).eq(1..=MIGRATIONS.len() as u32));
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    store_with_run(dir.path(), "r-1").await.close().await.unwrap();
    sqlite(dir.path()).pragma_update(None, "user_version", 7).unwrap();
    let before = std::fs::read(dir.path().join("flowdeck.db")).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, StoreError::Newer { found: 7, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("run the newer flowdeck"), "{error}");
    assert_eq!(std::fs::read(dir.path().join("flowdeck.db")).unwrap(), before);
}

#[tokio::test]
async fn an_older_store_is_upgraded_after_a_copy_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let path = store.path().to_owned();
    store.close().await.unwrap();

    let store = Store::open_with(dir.path(), TOMORROW).unwrap();
    store.append(vec![noted("r-1", "after the upgrade")]).await.unwrap();
    assert_eq!(store.runs(RunFilter::default()).await.unwrap().len(), 1);
    store.close().await.unwrap();
    assert!(matches!(refusal(dir.path()), StoreError::Newer { found: 2, .. }));

    let old = tempfile::tempdir().unwrap();
    std::fs::copy(backup_path(&path, 1), old.path().join("flowdeck.db")).unwrap();
    let store = Store::open(old.path()).unwrap();
    assert_eq!((store.last_seq(), store.check().await.unwrap()), (1, Vec::new()));
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_old_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    store_with_run(dir.path(), "r-1").await.close().await.unwrap();
    let broken =
        [Migration { version: 1, sql: "" }, Migration { version: 2, sql: "DROP TABLE events; ALTER TABLE nothing ADD x" }];
    assert!(matches!(Store::open_with(dir.path(), &broken), Err(StoreError::Database { .. })));
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.journal(&"r-1".into()).await.unwrap().len(), 1);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    sqlite(dir.path()).execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = std::fs::read(dir.path().join("flowdeck.db")).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(&error, StoreError::Foreign { .. }), "{error:?}");
    assert_eq!(std::fs::read(dir.path().join("flowdeck.db")).unwrap(), before);
}
