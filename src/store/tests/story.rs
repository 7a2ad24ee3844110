//! The life of a store whose disk and files are well.

use std::os::unix::fs::PermissionsExt;

use super::{create, created, definition, event, finished, noted, started, store_with_run, succeeded};
use crate::model::{ErrorKind, Event, EventKind, Run, RunId, RunStatus, StageError};
use crate::store::{RunFilter, Store, StoreError};

fn ids(runs: &[RunId]) -> Vec<&str> {
    runs.iter().map(RunId::as_str).collect()
}

#[tokio::test]
async fn what_was_appended_is_read_back_in_order_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let written = store.append(vec![event("r-1", EventKind::RunStarted), started("r-1", "build")]).await.unwrap();
    assert_eq!(written.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
    drop(store);

    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.last_seq(), 3);
    let journal = store.journal(&"r-1".into()).await.unwrap();
    assert_eq!(journal[1..], written[..]);
    assert_eq!(store.append(vec![succeeded("r-1", "build")]).await.unwrap()[0].seq, 4);
    let run = Run::fold(&store.journal(&"r-1".into()).await.unwrap()).unwrap();
    assert_eq!(store.runs(RunFilter::default()).await.unwrap(), [run.summary()]);
    assert_eq!(store.definition("abc123").await.unwrap(), Some(definition()));
    assert_eq!(store.definition("another").await.unwrap(), None);
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_run_that_ended_is_no_longer_unfinished_and_shows_its_failure() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    create(&store, vec![created("r-2", &[])]).await;
    let mut error = StageError::new(ErrorKind::Execution, "exit code 2");
    error.stage = Some("build".into());
    let kind = EventKind::RunFinished { status: RunStatus::Failed, output: serde_json::Value::Null, error: Some(error) };
    store.append(vec![event("r-1", kind)]).await.unwrap();
    assert_eq!(ids(&store.unfinished_runs().await.unwrap()), ["r-2"]);
    let filter = RunFilter { status: Some(RunStatus::Failed), ..RunFilter::default() };
    let listed = store.runs(filter).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].failure.as_deref(), Some("build: exit code 2"));
}

#[tokio::test]
async fn a_listing_says_what_a_run_acts_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let mut event = created("r-2", &[]);
    if let EventKind::RunCreated { environment, .. } = &mut event.kind {
        *environment = Some("production".to_owned());
    }
    create(&store, vec![event]).await;
    let listed = store.runs(RunFilter::default()).await.unwrap();
    assert_eq!(listed.iter().map(|run| run.environment.as_deref()).collect::<Vec<_>>(), [Some("production"), None]);
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn listings_come_newest_first_and_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "a-1").await;
    for run in ["a-2", "b-3", "b-4"] {
        store.append(vec![created(run, &[])]).await.unwrap();
    }
    let page = |before: Option<&str>| RunFilter { limit: 2, before: before.map(RunId::from), ..RunFilter::default() };
    let names = |runs: Vec<crate::model::RunSummary>| runs.into_iter().map(|run| run.id.to_string()).collect::<Vec<_>>();
    assert_eq!(names(store.runs(page(None)).await.unwrap()), ["b-4", "b-3"]);
    assert_eq!(names(store.runs(page(Some("b-3"))).await.unwrap()), ["a-2", "a-1"]);
    let of = |pipeline: &str| RunFilter { pipeline: Some(pipeline.to_owned()), ..RunFilter::default() };
    assert_eq!(store.runs(of("Deploy")).await.unwrap().len(), 4);
    assert_eq!(store.runs(of("rollback")).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_run_is_found_by_what_a_person_types() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "0abc-x1").await;
    for run in ["0abd-y2", "0abe-y3", "0abc"] {
        store.append(vec![created(run, &[])]).await.unwrap();
    }
    for (typed, expected) in [
        ("last", vec!["0abc"]),
        ("latest", vec!["0abc"]),
        ("0abc", vec!["0abc"]),
        ("0abc-", vec!["0abc-x1"]),
        ("0ABD", vec!["0abd-y2"]),
        ("y3", vec!["0abe-y3"]),
        ("0ab", vec!["0abc", "0abe-y3", "0abd-y2", "0abc-x1"]),
        ("%", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(ids(&store.find_run(typed).await.unwrap()), expected, "{typed:?}");
    }
}

#[tokio::test]
async fn a_reader_resumes_after_a_sequence_number() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    store.append(vec![created("r-2", &[]), noted("r-1", "one"), noted("r-2", "two"), noted("r-1", "three")]).await.unwrap();
    let seqs = |events: Vec<Event>| events.into_iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(seqs(store.events_after(2, None, 100).await.unwrap()), [3, 4, 5]);
    assert_eq!(seqs(store.events_after(2, None, 2).await.unwrap()), [3, 4]);
    assert_eq!(seqs(store.events_after(1, Some(&"r-1".into()), 100).await.unwrap()), [3, 5]);
    assert_eq!(seqs(store.events_after(5, None, 100).await.unwrap()), [0_u64; 0]);
}

#[tokio::test]
async fn an_event_that_fits_no_run_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let (stray, twice, good) = tokio::join!(
        store.append(vec![noted("r-1", "kept out with its neighbour"), noted("r-9", "stray")]),
        store.append(vec![created("r-1", &[])]),
        store.append(vec![noted("r-1", "good")]),
    );
    assert!(matches!(stray, Err(StoreError::UnknownRun { run }) if run == RunId::from("r-9")));
    assert!(matches!(twice, Err(StoreError::RunExists { .. })));
    assert_eq!(good.unwrap()[0].seq, 2);
    assert_eq!(store.journal(&"r-1".into()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn many_writers_get_consecutive_numbers_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let writers = (0..20).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..20 {
                store.append(vec![noted("r-1", format!("{writer}.{n}"))]).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let journal = store.journal(&"r-1".into()).await.unwrap();
    assert!(journal.iter().map(|event| event.seq).eq(1..=401));
    assert_eq!(Run::fold(&journal).unwrap().notes.len(), 400);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_more_and_leaves_no_log_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let other = store.clone();
    store.close().await.unwrap();
    assert!(matches!(other.append(vec![noted("r-1", "late")]).await, Err(StoreError::Closed)));
    let log = std::fs::metadata(dir.path().join("flowdeck.db-wal")).map_or(0, |found| found.len());
    assert_eq!(log, 0);
}

#[tokio::test]
async fn an_event_after_the_end_of_a_run_still_reaches_the_read_model() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    store.append(vec![started("r-1", "build"), finished("r-1", RunStatus::Failed)]).await.unwrap();
    store.append(vec![noted("r-1", "epilogue"), succeeded("r-1", "build")]).await.unwrap();
    let listed = store.runs(RunFilter::default()).await.unwrap();
    // The late event settles one stage; the other, which the run's end overtook, does not count.
    assert_eq!((listed[0].stages_done, listed[0].status), (1, RunStatus::Failed));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("state/api");
    let store = store_with_run(&dir, "r-1").await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in ["flowdeck.db", "flowdeck.db-wal", "flowdeck.db-shm", "reserve"] {
        let path = dir.join(name);
        assert!(!path.exists() && name == "reserve" || mode(&path) == 0o600, "{name}: {:o}", mode(&path));
    }
    drop(store);
}

#[tokio::test]
async fn a_value_too_deep_to_be_read_again_is_refused_and_an_allowed_one_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_with_run(dir.path(), "r-1").await;
    let nested = |depth: usize| {
        let brackets = serde_json::json!("[[[{{\"\\[");
        let output = (0..depth)
            .fold(brackets, |inner, n| if n % 2 == 0 { serde_json::json!([inner]) } else { serde_json::json!({"in": inner}) });
        event("r-1", EventKind::RunFinished { status: RunStatus::Succeeded, output, error: None })
    };
    let refused = store.append(vec![nested(100)]).await;
    assert!(matches!(&refused, Err(StoreError::Unrecordable { .. })), "{refused:?}");
    let written = store.append(vec![nested(99)]).await.unwrap();
    assert_eq!(store.events_after(1, None, 10).await.unwrap(), written);
}
