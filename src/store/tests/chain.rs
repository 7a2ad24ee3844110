//! Attacks on the audit chain with a database tool: the store names the first bad record.

use std::path::Path;

use rusqlite::Connection;

use super::atomic::record;
use super::store_with_run;
use crate::model::checkpoint::{self, Checkpoint};
use crate::model::{AuditHead, AuditQuery, AuditRecord, AuditVerdict, Break, Flaw, NewRecord, Place, SignedHead, Timestamp};
use crate::store::{Batch, Signer, Store};

/// A store with nine records, closed.
async fn nine(dir: &Path) {
    let store = store_with_run(dir, "r-1").await;
    for n in 1..=9 {
        let audit = vec![NewRecord {
            action: format!("run.{}", if n % 3 == 0 { "created" } else { "done" }),
            ..record(&format!("run/{n}"))
        }];
        store.record(Batch { audit, ..Batch::default() }).await.unwrap();
    }
    store.close().await.unwrap();
}

/// What is found after somebody changed the file.
async fn after(sql: &str) -> AuditVerdict {
    let dir = tempfile::tempdir().unwrap();
    nine(dir.path()).await;
    Connection::open(dir.path().join("flowdeck.db")).unwrap().execute_batch(sql).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let verdict = store.verify_audit(Vec::new()).await.unwrap();
    let told = store.check().await.unwrap().iter().any(|line| line.starts_with("the audit chain is broken"));
    assert_eq!(told, matches!(verdict, AuditVerdict::Broken(_)), "{sql}");
    verdict
}

fn at(record: u64, flaw: Flaw) -> AuditVerdict {
    AuditVerdict::Broken(Break { place: Place::Record(record), flaw })
}

#[tokio::test]
async fn rows_that_were_changed_deleted_moved_or_inserted_are_named() {
    assert!(matches!(after("VACUUM").await, AuditVerdict::Whole(summary) if summary.records == 9));
    for column in [
        "at = at + 1",
        "actor = 'eve'",
        "uid = 0",
        "auth_method = 'peer_credentials'",
        "action = 'x'",
        "subject = ''",
        "body = '{}'",
    ] {
        assert_eq!(after(&format!("UPDATE audit SET {column} WHERE seq = 5")).await, at(5, Flaw::Changed), "{column}");
    }
    assert_eq!(after("DELETE FROM audit WHERE seq = 5").await, at(5, Flaw::Missing { found: 6 }));
    assert_eq!(after("DELETE FROM audit WHERE seq = 1").await, at(1, Flaw::Missing { found: 2 }));
    let swap = "UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 6; UPDATE audit SET seq = 6 WHERE seq = 99";
    assert_eq!(after(swap).await, at(4, Flaw::Unlinked));
    let insert = "UPDATE audit SET seq = -seq WHERE seq > 4; UPDATE audit SET seq = 1 - seq WHERE seq < 0;
        INSERT INTO audit SELECT 5, at, 'eve', uid, auth_method, action, subject, body, prev_hash, hash FROM audit WHERE seq = 6";
    assert_eq!(after(insert).await, at(5, Flaw::Changed));
}

#[tokio::test]
async fn rows_that_are_not_as_they_are_written_cannot_be_read() {
    for sql in [
        "body = '{'",
        "body = '{ \"digest\":\"abc\"}'",
        "body = '{\"digest\":\"x\",\"digest\":\"abc\"}'",
        "auth_method = 'honest'",
        "uid = -1",
        "actor = CAST(x'ff' AS TEXT)",
    ] {
        let found = after(&format!("UPDATE audit SET {sql} WHERE seq = 5")).await;
        assert!(
            matches!(&found, AuditVerdict::Broken(Break { place: Place::Record(5), flaw: Flaw::Unreadable { .. } })),
            "{sql}: {found:?}"
        );
    }
}

/// Replaces the chain from a record on by one that is whole in itself.
fn rewrite(dir: &Path, store: &str, mut records: Vec<AuditRecord>, from: usize) {
    let conn = Connection::open(dir.join("flowdeck.db")).unwrap();
    let mut head = if from == 0 { AuditHead::start(store) } else { AuditHead::from(&records[from - 1]) };
    for record in &mut records[from..] {
        (record.seq, record.prev_hash, record.actor) = (head.seq + 1, head.hash.clone(), "eve".to_owned());
        record.hash = record.digest();
        head = AuditHead::from(&*record);
        let sql = "UPDATE audit SET actor = ?2, prev_hash = ?3, hash = ?4 WHERE seq = ?1";
        conn.execute(sql, (i64::try_from(record.seq).unwrap(), &record.actor, &record.prev_hash, &record.hash)).unwrap();
    }
}

/// A checkpoint of the store as it is.
fn checkpoint_of(dir: &Path, store: &Store) -> Vec<SignedHead> {
    let signer = Signer::open(dir).unwrap();
    let head = store.audit_head().borrow().clone();
    let line: Checkpoint = signer.checkpoint(head, Timestamp(1_700_000_000_000), store.identity());
    checkpoint::read(&serde_json::to_string(&line).unwrap(), &signer.public()).unwrap()
}

#[tokio::test]
async fn a_chain_cut_off_written_anew_or_swapped_is_found_with_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    nine(dir.path()).await;
    let store = Store::open(dir.path()).unwrap();
    let identity = store.identity().to_owned();
    let signed = checkpoint_of(dir.path(), &store);
    let records = store.audit(AuditQuery { after: Some(0), ..AuditQuery::default() }).await.unwrap();
    assert!(
        matches!(store.verify_audit(signed.clone()).await.unwrap(), AuditVerdict::Whole(summary) if summary.signed_up_to == 9)
    );
    store.close().await.unwrap();

    rewrite(dir.path(), &identity, records, 0);
    let store = Store::open(dir.path()).unwrap();
    assert!(matches!(store.verify_audit(Vec::new()).await.unwrap(), AuditVerdict::Whole(_)));
    assert_eq!(store.verify_audit(signed.clone()).await.unwrap(), at(9, Flaw::Rewritten { line: 1 }));
    store.close().await.unwrap();

    Connection::open(dir.path().join("flowdeck.db")).unwrap().execute_batch("DELETE FROM audit WHERE seq > 6").unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(matches!(store.verify_audit(Vec::new()).await.unwrap(), AuditVerdict::Whole(_)));
    assert_eq!(store.verify_audit(signed.clone()).await.unwrap(), at(7, Flaw::CutOff { line: 1, seq: 9 }));

    let other = tempfile::tempdir().unwrap();
    nine(other.path()).await;
    let other = Store::open(other.path()).unwrap();
    let flaw = Flaw::OtherStore { theirs: identity.clone(), ours: other.identity().to_owned() };
    let swapped = AuditVerdict::Broken(Break { place: Place::Checkpoint(1), flaw });
    assert_eq!(other.verify_audit(signed).await.unwrap(), swapped);
    assert_ne!(identity, other.identity());
}

#[tokio::test]
async fn records_carried_over_from_another_store_do_not_begin_the_chain() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    nine(from.path()).await;
    nine(to.path()).await;
    let conn = Connection::open(to.path().join("flowdeck.db")).unwrap();
    conn.execute("ATTACH ?1 AS other", [from.path().join("flowdeck.db").to_str().unwrap()]).unwrap();
    conn.execute_batch("DELETE FROM main.audit; INSERT INTO main.audit SELECT * FROM other.audit").unwrap();
    conn.close().unwrap();
    let store = Store::open(to.path()).unwrap();
    assert_eq!(store.verify_audit(Vec::new()).await.unwrap(), at(1, Flaw::Transplanted));
}

#[tokio::test]
async fn listings_are_filtered_newest_first_and_pages_go_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    nine(dir.path()).await;
    let store = Store::open(dir.path()).unwrap();
    let seqs = async |query: AuditQuery| store.audit(query).await.unwrap().iter().map(|record| record.seq).collect::<Vec<_>>();
    let action = |text: &str| AuditQuery { action: Some(text.to_owned()), ..AuditQuery::default() };
    assert_eq!(seqs(action("run.created")).await, [9, 6, 3]);
    assert_eq!(seqs(action("run")).await.len(), 9);
    assert_eq!(seqs(action("ru")).await.len(), 0);
    assert_eq!(seqs(AuditQuery { actor: Some("dana".to_owned()), ..AuditQuery::default() }).await.len(), 0);
    assert_eq!(seqs(AuditQuery { since: Some(Timestamp(1_700_000_000_001)), ..AuditQuery::default() }).await.len(), 0);
    assert_eq!(seqs(AuditQuery { after: Some(7), limit: Some(1), ..AuditQuery::default() }).await, [8]);
    assert_eq!(seqs(AuditQuery { limit: Some(2), ..AuditQuery::default() }).await, [9, 8]);
    assert_eq!(seqs(AuditQuery { before: Some(8), limit: Some(2), ..AuditQuery::default() }).await, [7, 6]);
    assert_eq!(seqs(AuditQuery { before: Some(6), ..action("run.created") }).await, [3]);
}

#[tokio::test]
async fn a_chain_of_a_hundred_thousand_is_verified_in_one_pass() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    for _ in 0..25 {
        let audit = (0..4000).map(|n| record(&format!("run/{n}"))).collect();
        store.record(Batch { audit, ..Batch::default() }).await.unwrap();
    }
    let AuditVerdict::Whole(summary) = store.verify_audit(Vec::new()).await.unwrap() else { panic!("it is whole") };
    assert_eq!(summary.records, 100_000);
    store.close().await.unwrap();
    Connection::open(dir.path().join("flowdeck.db"))
        .unwrap()
        .execute_batch("UPDATE audit SET uid = 1 WHERE seq = 99999")
        .unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.verify_audit(Vec::new()).await.unwrap(), at(99_999, Flaw::Changed));
}
