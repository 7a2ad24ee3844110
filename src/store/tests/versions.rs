//! Stores of other versions and of other programs.

use rusqlite::Connection;

use super::{noted, refusal, store_with_run};
use crate::store::migrate::{MIGRATIONS, Migration, backup_path};
use crate::store::{Offline, RunFilter, Store, StoreError};

/// The version this program writes.
const TODAY: u32 = MIGRATIONS.len() as u32;

/// All migrations there are, and one more.
fn and_then(sql: &'static str) -> Vec<Migration> {
    let known = MIGRATIONS.iter().map(|migration| Migration { version: migration.version, sql: migration.sql });
    known.chain([Migration { version: TODAY + 1, sql }]).collect()
}

fn sqlite(dir: &std::path::Path) -> Connection {
    Connection::open(dir.join("flowdeck.db")).unwrap()
}

#[test]
fn migrations_are_numbered_one_after_the_other() {
    assert!(MIGRATIONS.iter().map(|migration| migration.version).eq(1..=TODAY));
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    store_with_run(dir.path(), "r-1").await.close().await.unwrap();
    sqlite(dir.path()).pragma_update(None, "user_version", 7).unwrap();
    let before = std::fs::read(dir.path().join("flowdeck.db")).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, StoreError::Newer { found: 7, known: TODAY, .. }), "{error:?}");
    assert!(error.to_string().contains("run the newer flowdeck"), "{error}");
    assert_eq!(std::fs::read(dir.path().join("flowdeck.db")).unwrap(), before);
}

#[tokio::test]
async fn an_older_store_is_upgraded_after_a_copy_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let path = store.path().to_owned();
    store.close().await.unwrap();

    let store = Store::open_with(dir.path(), &and_then("ALTER TABLE runs ADD COLUMN mood TEXT")).unwrap();
    store.append(vec![noted("r-1", "after the upgrade")]).await.unwrap();
    assert_eq!(store.runs(RunFilter::default()).await.unwrap().len(), 1);
    store.close().await.unwrap();
    assert!(matches!(refusal(dir.path()), StoreError::Newer { known: TODAY, .. }));

    let old = tempfile::tempdir().unwrap();
    std::fs::copy(backup_path(&path, TODAY), old.path().join("flowdeck.db")).unwrap();
    let store = Store::open(old.path()).unwrap();
    assert_eq!((store.last_seq(), store.check().await.unwrap()), (1, Vec::new()));
}

#[tokio::test]
async fn a_store_of_version_1_goes_on_with_this_one() {
    let dir = tempfile::tempdir().unwrap();
    sqlite(dir.path()).execute_batch(include_str!("version_1.sql")).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    let runs = store.runs(RunFilter::default()).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.pipeline_id.as_str()).collect::<Vec<_>>(), ["p"]);
    store.append(vec![noted(runs[0].id.as_str(), "after the upgrade")]).await.unwrap();
}

#[tokio::test]
async fn runs_of_an_older_store_are_listed_with_their_environment() {
    let dir = tempfile::tempdir().unwrap();
    let old =
        include_str!("version_1.sql").replace(r#""workspace":"/srv/ops""#, r#""workspace":"/srv/ops","environment":"staging""#);
    sqlite(dir.path()).execute_batch(&old).unwrap();
    let runs = Store::open(dir.path()).unwrap().runs(RunFilter::default()).await.unwrap();
    assert_eq!(runs[0].environment.as_deref(), Some("staging"));
}

#[test]
fn whoever_only_looks_upgrades_nothing() {
    let dir = tempfile::tempdir().unwrap();
    sqlite(dir.path()).execute_batch(include_str!("version_1.sql")).unwrap();
    let before = std::fs::read(dir.path().join("flowdeck.db")).unwrap();
    let error = Offline::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 1, .. }), "{error:?}");
    assert_eq!(std::fs::read(dir.path().join("flowdeck.db")).unwrap(), before);
    let nowhere = tempfile::tempdir().unwrap();
    assert!(matches!(Offline::open(nowhere.path()), Err(StoreError::Io { .. })));
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_old_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    store_with_run(dir.path(), "r-1").await.close().await.unwrap();
    let broken = and_then("DROP TABLE events; ALTER TABLE nothing ADD x");
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
