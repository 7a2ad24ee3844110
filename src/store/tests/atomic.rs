//! A decision, its audit record and the state of its gate: one transaction, and only one of two who race.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::sync::mpsc;

use super::{event, noted, store_with_run};
use crate::model::{Actor, AuditQuery, EventKind, NewRecord, Timestamp};
use crate::store::migrate::MIGRATIONS;
use crate::store::reserve::Reserve;
use crate::store::writer::{Message, Request, Writer};
use crate::store::{Batch, Expected, NewFact, Store, StoreError, open};

pub(super) fn record(subject: &str) -> NewRecord {
    NewRecord {
        at: Timestamp(1_700_000_000_000),
        actor: Actor::engine(),
        action: "gate.approved".to_owned(),
        subject: subject.to_owned(),
        body: json!({"digest": "abc"}),
    }
}

pub(super) fn fact(stream: &str, body: serde_json::Value) -> NewFact {
    NewFact { stream: stream.to_owned(), at: Timestamp(1_700_000_000_000), body }
}

fn expecting(stream: &str, length: u64) -> Vec<Expected> {
    vec![Expected { stream: stream.to_owned(), length }]
}

/// What a gatekeeper records: the event of the run, the fact of the gate, the record.
pub(super) fn decision(gate: &str, length: u64, by: &str) -> Batch {
    Batch {
        events: vec![noted("r-1", by)],
        expected: expecting(gate, length),
        facts: vec![fact(gate, json!({"by": by}))],
        audit: vec![NewRecord { body: json!({"by": by}), ..record(gate) }],
        ..Batch::default()
    }
}

async fn sums(store: &Store) -> (u64, usize, usize) {
    let audit = store.audit(AuditQuery { limit: Some(10_000), ..AuditQuery::default() }).await.unwrap();
    (store.last_seq(), store.facts("").await.unwrap().len(), audit.len())
}

#[tokio::test]
async fn a_batch_is_recorded_with_consecutive_numbers_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let first = store.record(decision("thing/1", 0, "dana")).await.unwrap();
    let second = store.record(decision("thing/2", 0, "eli")).await.unwrap();
    let third = store.record(decision("thing/1", 1, "fay")).await.unwrap();
    let places = |recorded: &crate::store::Recorded| (recorded.events[0].seq, recorded.facts[0].place, recorded.audit[0].seq);
    assert_eq!([places(&first), places(&second), places(&third)], [(2, 1, 1), (3, 1, 2), (4, 2, 3)]);
    assert_eq!(store.stream("thing/1").await.unwrap(), [first.facts.clone(), third.facts.clone()].concat());
    assert_eq!(store.stream("thing/").await.unwrap(), []);
    assert_eq!(store.facts("thing/").await.unwrap(), [first.facts, second.facts, third.facts].concat());
    assert_eq!(store.facts("thing/2").await.unwrap().len(), 1);
    let audit = store.audit(AuditQuery { after: Some(0), ..AuditQuery::default() }).await.unwrap();
    assert_eq!(audit, [first.audit, second.audit, third.audit].concat());
    assert_eq!(*store.audit_head().borrow(), crate::model::AuditHead::from(&audit[2]));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_decision_on_an_old_state_is_refused_whole_and_harms_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    store.record(decision("thing/1", 0, "dana")).await.unwrap();
    for (stale, found) in
        [(decision("thing/1", 0, "eve"), 1), (decision("thing/1", 2, "eve"), 1), (decision("thing/9", 1, "eve"), 0)]
    {
        let [expected] = &stale.expected[..] else { panic!("one stream") };
        let (stream, length) = (expected.stream.clone(), expected.length);
        let refused = store.record(stale).await.unwrap_err();
        assert!(
            matches!(&refused, StoreError::Conflict { stream: of, expected, found: there }
                if *of == stream && *expected == length && *there == found),
            "{refused:?}"
        );
    }
    // A stream that the decision only read counts as well, and so does an event that fits no run.
    let read_only =
        Batch { expected: [expecting("thing/2", 0), expecting("thing/1", 0)].concat(), ..decision("thing/2", 0, "eve") };
    assert!(matches!(store.record(read_only).await, Err(StoreError::Conflict { .. })));
    let stranger = Batch { events: vec![event("r-9", EventKind::RunStarted)], ..decision("thing/2", 0, "eve") };
    assert!(matches!(store.record(stranger).await, Err(StoreError::UnknownRun { .. })));
    assert_eq!(sums(&store).await, (2, 1, 1));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn what_could_not_be_read_again_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let facts = Batch { facts: vec![fact("thing/1", deep.clone())], ..Batch::default() };
    let audit = Batch { audit: vec![NewRecord { body: deep, ..record("thing/1") }], ..Batch::default() };
    for batch in [facts, audit] {
        let refused = store.record(batch).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Unrecordable { what, .. } if what.contains("thing/1")), "{refused:?}");
    }
    assert_eq!(sums(&store).await, (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_decisions_that_race_one_wins_each_round_and_the_others_decide_anew() {
    const RACERS: usize = 8;
    const EACH: u64 = 20;
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let conflicts = Arc::new(AtomicUsize::new(0));
    let start = Arc::new(tokio::sync::Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let (store, conflicts, start) = (store.clone(), Arc::clone(&conflicts), Arc::clone(&start));
            tokio::spawn(async move {
                for n in 0..EACH {
                    // All look at the same state before anybody decides, in the first round at least.
                    let mut known = store.stream("lock/production").await.unwrap().len() as u64;
                    if n == 0 {
                        start.wait().await;
                    }
                    while let Err(error) = store.record(decision("lock/production", known, &format!("{racer}-{n}"))).await {
                        assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
                        conflicts.fetch_add(1, Ordering::Relaxed);
                        known = store.stream("lock/production").await.unwrap().len() as u64;
                    }
                }
            })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    assert!(conflicts.load(Ordering::Relaxed) >= RACERS - 1, "nobody raced, so nothing was tried");
    let expected = RACERS as u64 * EACH;
    assert_eq!(sums(&store).await, (expected + 1, RACERS * 20, RACERS * 20));
    let facts = store.stream("lock/production").await.unwrap();
    assert!(facts.iter().map(|fact| fact.place).eq(1..=expected));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[test]
fn audit_records_and_facts_cost_no_commit_of_their_own() {
    let commits_of = |requests: Vec<Batch>| {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { store_with_run(dir.path(), "r-1").await.close().await.unwrap() });
        let mut conn = open::open(dir.path(), MIGRATIONS).unwrap();
        let commits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&commits);
        conn.commit_hook(Some(move || counter.fetch_add(1, Ordering::Relaxed) == usize::MAX)).unwrap();
        let writer = Writer::new(conn, dir.path().join(open::FILE), Arc::new(Reserve::take(dir.path()))).unwrap();
        let (queue, waiting) = mpsc::channel(requests.len());
        let answers: Vec<_> = requests
            .iter()
            .map(|batch| {
                let (request, answer) = Request::of(batch).unwrap();
                queue.try_send(Message::Append(request)).ok().unwrap();
                answer
            })
            .collect();
        drop(queue);
        writer.work(waiting);
        assert!(answers.into_iter().all(|mut answer| answer.try_recv().unwrap().is_ok()));
        commits.load(Ordering::Relaxed)
    };
    let plain = |n: u64| Batch { events: vec![noted("r-1", n.to_string())], ..Batch::default() };
    assert_eq!(commits_of((0..50).map(plain).collect()), 1);
    assert_eq!(commits_of((0..50).map(|n| decision("thing/1", n, "dana")).collect()), 1);
}
