//! Whatever happens to runs, the read model says what the fold of the journal says.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::{collection, prop_assert_eq, sample};

use super::{create, created, event, noted};
use crate::model::{
    Actor, Ending, ErrorKind, Event, EventKind, Next, Outcome, Resolution, Run, RunId, RunStatus, StageError, Timestamp,
};
use crate::store::{NewEvent, RunFilter, Store};

const RUNS: [&str; 3] = ["r-1", "r-2", "r-3"];
const STAGES: [&str; 4] = ["build", "test", "deploy", "verify"];

fn error() -> impl Strategy<Value = Option<StageError>> {
    prop_oneof![
        Just(None),
        any::<bool>().prop_map(|named| {
            let mut error = StageError::new(ErrorKind::Execution, "exit code 1").with_details(serde_json::json!({"code": 1}));
            error.stage = named.then(|| "test".into());
            Some(error)
        }),
    ]
}

fn kind() -> impl Strategy<Value = EventKind> {
    // Also a stage the pipeline does not have: the fold ignores it, and so must the read model.
    let stage = || prop_oneof![sample::select(&STAGES[..]), Just("stranger")];
    let ending = sample::select(vec![Ending::Succeeded, Ending::Failed, Ending::TimedOut, Ending::Cancelled, Ending::Unknown]);
    let next = prop_oneof![Just(Next::Settle), Just(Next::Ask), Just(Next::Retry { at: Timestamp(7) })];
    let resolution = sample::select(vec![Resolution::Retry, Resolution::Succeed, Resolution::Fail]);
    prop_oneof![
        1 => Just(EventKind::RunStarted),
        4 => (stage(), 1..3_u32).prop_map(|(stage, attempt)| EventKind::AttemptStarted {
            stage: stage.into(),
            attempt,
            config: serde_json::json!({"command": "true"}),
            child: None,
            unstarted: false,
        }),
        4 => (stage(), 1..3_u32, ending, next, error()).prop_map(|(stage, attempt, ending, next, error)| {
            let outcome = Outcome { ending, output: serde_json::json!([1, "two"]), error };
            EventKind::AttemptFinished { stage: stage.into(), attempt, outcome, next }
        }),
        1 => stage().prop_map(|stage| EventKind::StageSkipped { stage: stage.into(), reason: "not needed".to_owned() }),
        1 => (stage(), resolution).prop_map(|(stage, resolution)| EventKind::AttemptResolved {
            stage: stage.into(),
            attempt: 1,
            resolution,
            actor: Actor::engine(),
        }),
        1 => Just(EventKind::CancelRequested { actor: Actor::engine(), force: false, reason: None }),
        1 => any::<bool>().prop_map(|needy| EventKind::RunPaused {
            reason: "a value is missing".to_owned(),
            needs: if needy { vec!["TOKEN".to_owned()] } else { Vec::new() },
        }),
        1 => Just(EventKind::RunResumed { by: Vec::new() }),
        1 => (sample::select(RunStatus::ALL), error())
            .prop_map(|(status, error)| EventKind::RunFinished { status, output: serde_json::json!({"n": 1}), error }),
    ]
}

/// Batches of events; `true` in front of one means a restart of the store.
fn history() -> impl Strategy<Value = Vec<(bool, Vec<NewEvent>)>> {
    let one = (sample::select(&RUNS[..]), kind(), 0..1_000_i64)
        .prop_map(|(run, kind, at)| NewEvent { at: Timestamp(at), ..event(run, kind) });
    let one = prop_oneof![9 => one, 1 => sample::select(&RUNS[..]).prop_map(|run| noted(run, "a note"))];
    collection::vec((proptest::bool::weighted(0.2), collection::vec(one, 1..8)), 1..8)
}

fn beginnings(reused: bool) -> Vec<NewEvent> {
    let mut events: Vec<_> = RUNS.iter().map(|run| created(run, &STAGES)).collect();
    if let EventKind::RunCreated { reused: taken, .. } = &mut events[0].kind
        && reused
    {
        taken.push(("build".into(), serde_json::json!({"artifact": "a.tar"})));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_read_model_equals_the_fold_of_the_journal(history in history(), reused: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let mut store = Store::open(dir.path()).unwrap();
            let mut told = create(&store, beginnings(reused)).await;
            for (restart, events) in history {
                if restart {
                    store.close().await.unwrap();
                    store = Store::open(dir.path()).unwrap();
                }
                told.extend(store.append(events).await.unwrap());
            }
            for listed in store.runs(RunFilter::default()).await.unwrap() {
                let journal = store.journal(&listed.id).await.unwrap();
                let mine: Vec<_> = told.iter().filter(|event| event.run == listed.id).cloned().collect();
                prop_assert_eq!(&journal, &mine);
                for event in &journal {
                    let sent = serde_json::to_string(event).unwrap();
                    prop_assert_eq!(&serde_json::from_str::<Event>(&sent).unwrap(), event);
                }
                prop_assert_eq!(&listed, &Run::fold(&journal).unwrap().summary());
            }
            let unfinished: Vec<RunId> = store.unfinished_runs().await.unwrap();
            let open = |run: &str| !Run::fold(told.iter().filter(|event| event.run.as_str() == run)).unwrap().status.is_final();
            let expected: Vec<RunId> = RUNS.iter().filter(|run| open(run)).map(|run| RunId::from(*run)).collect();
            prop_assert_eq!(unfinished, expected);
            prop_assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
            Ok(())
        })?;
    }
}
