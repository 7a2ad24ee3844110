use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::{MOST_FRAMES, Replay};
use crate::model::{
    Actor, ErrorKind, Event, EventKind, Next, NoteLevel, Outcome, PipelineRef, Run, RunId, RunStatus, StageError, StageId,
    StageOutline, Timestamp,
};

fn created() -> EventKind {
    let outline = |id: &str| StageOutline {
        id: StageId::new(id),
        name: None,
        component: "shell".to_owned(),
        depends_on: Vec::new(),
        enclosure: None,
        undoes: None,
    };
    EventKind::RunCreated {
        pipeline: PipelineRef { id: "p".to_owned(), name: "p".to_owned(), ..PipelineRef::default() },
        stages: ["a", "b", "c"].map(outline).to_vec(),
        inputs: json!({}),
        actor: Actor::engine(),
        workspace: "w".to_owned(),
        rerun_of: None,
        environment: None,
        environment_names: Vec::new(),
        timeout_ms: None,
        reused: Vec::new(),
        parent: None,
        includes: Vec::new(),
        protected: Vec::new(),
        rollback: None,
    }
}

/// Something that may happen, also where it makes no sense: the fold takes everything.
fn kind((what, stage, number): (u8, u8, u32)) -> EventKind {
    let stage = StageId::new(["a", "b", "c"][usize::from(stage % 3)]);
    let error = || StageError::new(ErrorKind::Execution, format!("broke {number}"));
    match what % 8 {
        0 => EventKind::RunStarted,
        1 | 2 => EventKind::AttemptStarted {
            stage,
            attempt: number % 3 + 1,
            config: json!({"n": number}),
            child: None,
            unstarted: false,
        },
        3 => {
            let outcome = Outcome::succeeded(json!(number));
            EventKind::AttemptFinished { stage, attempt: number % 3 + 1, outcome, next: Next::Settle }
        }
        4 => {
            let next = if number % 2 == 0 { Next::Settle } else { Next::Retry { at: Timestamp(i64::from(number)) } };
            EventKind::AttemptFinished { stage, attempt: number % 3 + 1, outcome: Outcome::failed(error()), next }
        }
        5 => EventKind::StageSkipped { stage, reason: format!("reason {number}") },
        6 => EventKind::Noted { stage: Some(stage), level: NoteLevel::Info, message: format!("note {number}") },
        _ => EventKind::RunFinished { status: RunStatus::Failed, output: json!(null), error: Some(error()) },
    }
}

fn journal(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((any::<(u8, u8, u32)>(), -3_i64..50), 0..most).prop_map(|steps| {
        let run = RunId::from_text("r");
        let mut at = Timestamp(1_000);
        let mut events = vec![Event { seq: 1, at, run: run.clone(), kind: created() }];
        for (seq, (what, ms)) in (2..).zip(steps) {
            at = Timestamp(at.0 + ms);
            events.push(Event { seq, at, run: run.clone(), kind: kind(what) });
        }
        events
    })
}

proptest! {
    #[test]
    fn wherever_one_goes_from_wherever_the_run_is_as_a_fresh_fold(events in journal(900),
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..12)) {
        let mut replay = Replay::new(events.clone()).unwrap();
        for place in places {
            let position = place.index(events.len()) + 1;
            replay.go(position);
            prop_assert_eq!(replay.position(), position);
            let fresh = Run::fold(&events[..position]);
            prop_assert_eq!(Some(replay.run()), fresh.as_ref());
        }
    }

    #[test]
    fn a_moment_has_everything_up_to_it(events in journal(60), after in -5_i64..2_000) {
        let mut replay = Replay::new(events.clone()).unwrap();
        let at = Timestamp(1_000 + after);
        replay.go(replay.position_at(at));
        prop_assert!(replay.time_of(replay.position()) <= at || replay.position() == 1);
        prop_assert!(replay.position() == replay.len() || replay.time_of(replay.position() + 1) > at);
    }
}

#[test]
fn a_long_run_keeps_few_snapshots_and_every_position() {
    let run = RunId::from_text("r");
    let start = std::iter::once(created());
    let kinds = start.chain((0..60_000).map(|n| kind((u8::try_from(n % 7).unwrap(), u8::try_from(n % 3).unwrap(), n))));
    let events: Vec<Event> = (1..)
        .zip(kinds)
        .map(|(seq, kind)| Event { seq, at: Timestamp(seq.try_into().unwrap()), run: run.clone(), kind })
        .collect();
    // Notes would make the snapshots large, not many.
    let events: Vec<Event> = events.into_iter().filter(|event| !matches!(event.kind, EventKind::Noted { .. })).collect();
    let mut replay = Replay::new(events.clone()).unwrap();
    for position in [events.len(), 1, 40_000, 39_999, 7, 50_001] {
        replay.go(position);
        assert!(replay.frames.len() <= MOST_FRAMES, "{} snapshots", replay.frames.len());
        assert_eq!(Some(replay.run()), Run::fold(&events[..position]).as_ref(), "at {position}");
    }
}

#[test]
fn the_first_failure_is_one_that_nothing_was_tried_against() {
    let run = RunId::from_text("r");
    let kinds = [created(), EventKind::RunStarted, kind((4, 0, 1)), kind((3, 0, 1)), kind((4, 1, 2)), kind((4, 2, 4))];
    let events = (1..).zip(kinds).map(|(seq, kind)| Event { seq, at: Timestamp(0), run: run.clone(), kind }).collect();
    let replay = Replay::new(events).unwrap();
    assert_eq!(replay.first_failure(), Some(5));
    assert_eq!(replay.event().seq, 1);
}
