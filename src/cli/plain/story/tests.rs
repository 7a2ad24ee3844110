//! Whole runs, told.

use serde_json::{Value, json};

use super::Story;
use crate::cli::plain::words::clock;
use crate::model::{
    Actor, Ending, ErrorKind, Event, EventKind, Next, NoteLevel, Outcome, PipelineRef, Proof, Resolution, Run, RunId, RunStatus,
    StageError, StageId, StageOutline, Timestamp,
};

/// 2026-11-21 10:00:00 UTC.
const START: i64 = 1_795_255_200_000;

/// A run that is told while it is written.
struct Told {
    story: Story,
    journal: Vec<Event>,
    now: i64,
    text: String,
}

impl Told {
    fn new(stages: &[(&str, &str, &[&str])]) -> Self {
        let outline = |(id, component, after): &(&str, &str, &[&str])| StageOutline {
            id: id_of(id),
            name: None,
            component: (*component).to_owned(),
            depends_on: after.iter().copied().map(id_of).collect(),
            enclosure: None,
            undoes: None,
        };
        let kind = EventKind::RunCreated {
            pipeline: PipelineRef { id: "ship".into(), name: "ship".into(), hash: "0".repeat(64), ..PipelineRef::default() },
            stages: stages.iter().map(outline).collect(),
            inputs: Value::Null,
            actor: ada(),
            workspace: "shop".to_owned(),
            rerun_of: None,
            environment: Some("staging".to_owned()),
            environment_names: Vec::new(),
            timeout_ms: None,
            reused: Vec::new(),
            parent: None,
            includes: Vec::new(),
            protected: Vec::new(),
            rollback: None,
        };
        let id = RunId::from_text("1v9r8q0-aaaaa");
        let mut told = Self { story: Story::new(&id), journal: Vec::new(), now: START, text: String::new() };
        told.add(0, kind);
        told.add(0, EventKind::RunStarted);
        told
    }

    /// Something that happens `millis` later.
    fn add(&mut self, millis: i64, kind: EventKind) -> &mut Self {
        self.now += millis;
        let event = Event { seq: self.journal.len() as u64 + 1, at: Timestamp(self.now), run: self.story.id.clone(), kind };
        self.journal.push(event.clone());
        for sentence in self.story.event(&event) {
            self.text.push_str(&format!("{} {}\n", clock(sentence.at), sentence.text));
        }
        self
    }

    fn start(&mut self, stage: &str, attempt: u32) -> &mut Self {
        self.add(
            0,
            EventKind::AttemptStarted { stage: id_of(stage), attempt, config: Value::Null, child: None, unstarted: false },
        )
    }

    fn end(&mut self, millis: i64, stage: &str, attempt: u32, outcome: Outcome, next: Next) -> &mut Self {
        self.add(millis, EventKind::AttemptFinished { stage: id_of(stage), attempt, outcome, next })
    }

    fn ok(&mut self, millis: i64, stage: &str, output: Value) -> &mut Self {
        self.end(millis, stage, 1, Outcome::succeeded(output), Next::Settle)
    }

    fn skip(&mut self, stage: &str, reason: &str) -> &mut Self {
        self.add(0, EventKind::StageSkipped { stage: id_of(stage), reason: reason.to_owned() })
    }

    fn phase(&mut self, stage: &str, phase: &str, total: Option<u64>, error: Option<StageError>) -> &mut Self {
        let (stage, phase) = (id_of(stage), phase.to_owned());
        self.add(
            0,
            EventKind::PhaseStarted { stage, attempt: 1, phase, round: 1, total, stages: Vec::new(), error, verdict: None },
        )
    }

    fn finish(&mut self, status: RunStatus, error: Option<StageError>) -> &str {
        self.add(0, EventKind::RunFinished { status, output: Value::Null, error });
        &self.text
    }
}

fn id_of(text: &str) -> StageId {
    StageId::from(text)
}

fn ada() -> Actor {
    Actor { name: "ada".to_owned(), uid: Some(1_000), proof: Proof::PeerCredentials }
}

fn broken(message: &str) -> StageError {
    StageError::new(ErrorKind::Execution, message).caused_by("exit code 2")
}

#[test]
fn a_run_with_retries_branches_and_skips() {
    let mut told = Told::new(&[
        ("build", "shell", &[]),
        ("decide", "conditional", &["build"]),
        ("route", "router", &["build"]),
        ("ship", "shell", &["decide"]),
        ("hold", "shell", &["decide"]),
        ("late", "shell", &["hold"]),
    ]);
    told.start("build", 1);
    let again = Timestamp(told.now + 1_200 + 2_500);
    told.end(1_200, "build", 1, Outcome::failed(broken("tests failed")), Next::Retry { at: again });
    told.now += 2_500;
    told.start("build", 2).end(64_000, "build", 2, Outcome::succeeded(json!({})), Next::Settle);
    told.start("decide", 1).ok(1, "decide", json!({"branch_taken": "false"}));
    told.start("route", 1).ok(1, "route", json!({"route_taken": "eu"}));
    told.skip("ship", "branch:decide").start("hold", 1);
    told.add(100, EventKind::Noted { stage: Some(id_of("hold")), level: NoteLevel::Warning, message: "is slow".to_owned() });
    told.end(900, "hold", 1, Outcome::failed(broken("no space")), Next::Settle).skip("late", "upstream_skipped");
    let mut error = broken("no space");
    error.stage = Some(id_of("hold"));
    insta::assert_snapshot!(told.finish(RunStatus::Failed, Some(error)));
}

#[test]
fn guards_children_questions_and_needs() {
    let mut told = Told::new(&[
        ("guard", "trycatch", &[]),
        ("risky", "subpipeline", &["guard"]),
        ("mend", "shell", &["guard"]),
        ("tidy", "shell", &["guard"]),
        ("cut", "shell", &["guard"]),
    ]);
    told.start("guard", 1).phase("guard", "try", None, None);
    let child = Some(RunId::from_text("1v9r8q1-bbbbb"));
    told.add(0, EventKind::AttemptStarted { stage: id_of("risky"), attempt: 1, config: Value::Null, child, unstarted: false });
    let lost = StageError::new(ErrorKind::Execution, "`below` (run 1v9r8q1-bbbbb) failed: check: exit code 1");
    told.end(2_000, "risky", 1, Outcome::failed(lost.clone()), Next::Settle);
    told.phase("guard", "catch", None, Some(lost)).start("mend", 1).ok(10, "mend", json!({}));
    told.phase("guard", "finally", None, None).start("tidy", 1).ok(10, "tidy", json!({})).ok(0, "guard", json!({}));
    told.start("cut", 1);
    let needs = vec!["env.TOKEN".to_owned()];
    let reason = "the engine was restarted and no longer has these values: env.TOKEN".to_owned();
    told.add(500, EventKind::RunPaused { reason, needs }).add(500, EventKind::RunResumed { by: Vec::new() });
    let unknown = Outcome::ended(Ending::Unknown, StageError::new(ErrorKind::Unknown, "interrupted"), Value::Null);
    told.end(0, "cut", 1, unknown, Next::Ask);
    told.add(
        60_000,
        EventKind::AttemptResolved { stage: id_of("cut"), attempt: 1, resolution: Resolution::Succeed, actor: ada() },
    );
    insta::assert_snapshot!(told.finish(RunStatus::Succeeded, None));
}

#[test]
fn a_guard_that_recovered_says_from_what() {
    let mut told = Told::new(&[("guard", "trycatch", &[])]);
    let output = json!({"status": "recovered", "error_type": "EXECUTION", "error_message": "no space", "recovered": true});
    told.start("guard", 1).ok(10, "guard", output);
    assert!(told.text.contains("stage guard succeeded after 0.0 s; it recovered from EXECUTION: no space\n"), "{}", told.text);
    told.start("guard", 1).ok(10, "guard", json!({"status": "success", "error_type": null, "error_message": null}));
    assert!(told.text.ends_with("stage guard succeeded after 0.0 s\n"), "{}", told.text);
}

#[test]
fn a_failed_attempt_took_as_long_as_it_took_itself() {
    let mut told = Told::new(&[("build", "shell", &[])]);
    for attempt in 1..3 {
        told.start("build", attempt);
        let again = Timestamp(told.now + 1_200 + 60_000);
        told.end(1_200, "build", attempt, Outcome::failed(broken("tests failed")), Next::Retry { at: again });
        told.now += 60_000;
    }
    told.start("build", 3).end(1_200, "build", 3, Outcome::failed(broken("tests failed")), Next::Settle);
    let after = |time: &str| told.text.matches(&format!("stage build failed after {time}:")).count();
    assert_eq!(after("1.2 s"), 3, "{}", told.text);
}

#[test]
fn a_cancel_with_its_grace() {
    let mut told = Told::new(&[("a", "shell", &[]), ("b", "shell", &[])]);
    told.start("a", 1).start("b", 1);
    told.add(3_000, EventKind::CancelRequested { actor: ada(), force: false, reason: None });
    let stopped = || Outcome::ended(Ending::Cancelled, StageError::new(ErrorKind::Cancelled, "cancelled"), Value::Null);
    told.end(100, "a", 1, stopped(), Next::Settle);
    told.add(5_000, EventKind::CancelRequested { actor: ada(), force: true, reason: None });
    told.end(50, "b", 1, stopped(), Next::Settle);
    insta::assert_snapshot!(told.finish(RunStatus::Cancelled, None));
}

#[test]
fn a_short_loop_is_told_item_by_item() {
    let mut told = Told::new(&[("each", "foreach", &[]), ("send", "shell", &["each"])]);
    told.start("each", 1).phase("each", "items", Some(2), None);
    told.start("send[0]", 1).ok(10, "send[0]", json!({})).start("send[1]", 1).ok(10, "send[1]", json!({}));
    assert!(told.text.contains("stage send[1] started") && told.text.contains("stage send[0] succeeded"), "{}", told.text);
}

/// 10 000 items and 700 failures: the counts are exact, the lines few.
#[test]
fn a_long_loop_is_told_in_few_lines() {
    let mut told = Told::new(&[("each", "foreach", &[]), ("send", "shell", &["each"])]);
    told.start("each", 1).phase("each", "items", Some(10_000), None);
    for item in 0..10_000 {
        let stage = format!("send[{item}]");
        if item % 20 == 19 {
            told.skip(&stage, "when");
            continue;
        }
        told.start(&stage, 1);
        let outcome = if item % 14 == 3 { Outcome::failed(broken("no answer")) } else { Outcome::succeeded(json!({})) };
        told.end(1, &stage, 1, outcome, Next::Settle);
    }
    told.ok(0, "each", json!({}));
    let text = told.finish(RunStatus::Succeeded, None);
    assert!(text.lines().count() < 30, "{}", text.lines().count());
    insta::assert_snapshot!(text);
}

#[test]
fn loops_in_loops_are_told_at_growing_distances() {
    let mut told = Told::new(&[("each", "foreach", &[]), ("inner", "foreach", &["each"]), ("send", "shell", &["inner"])]);
    told.start("each", 1).phase("each", "items", Some(100), None);
    for item in 0..100 {
        told.start(&format!("inner[{item}]"), 1).phase(&format!("inner[{item}]"), "items", Some(20), None);
        for below in 0..20 {
            let stage = format!("send[{item}][{below}]");
            told.start(&stage, 1).ok(1, &stage, json!({}));
        }
        told.ok(0, &format!("inner[{item}]"), json!({}));
    }
    let about = |stage: &str| told.text.lines().filter(|line| line.contains(stage)).count();
    assert_eq!((about("stage send "), about("stage inner ")), (3, 10), "{}", told.text);
}

/// Whoever was too slow for the events is told the state, once.
#[test]
fn a_snapshot_says_what_the_missed_events_would_have() {
    let mut told = Told::new(&[("a", "shell", &[]), ("b", "shell", &["a"]), ("c", "shell", &["a"])]);
    told.start("a", 1);
    let (seen, before) = (told.journal.len(), told.text.clone());
    told.ok(1_000, "a", json!({})).skip("c", "when").start("b", 1);
    told.end(5, "b", 1, Outcome::failed(broken("no")), Next::Settle).finish(RunStatus::Failed, None);
    let mut late = Story::new(&told.story.id);
    let heard = told.journal[..seen].iter().flat_map(|event| late.event(event)).count();
    assert_eq!(heard, before.lines().count());
    let run = Run::fold(&told.journal).expect("a run");
    let texts = |story: &mut Story| story.snapshot(run.clone()).into_iter().map(|said| said.text).collect::<Vec<_>>();
    let said = texts(&mut late);
    assert_eq!(
        said[..3],
        ["stage a succeeded", "stage b failed: EXECUTION: no: exit code 2", "stage c skipped: its `when` does not hold"]
    );
    assert!(said[3].starts_with("run 1v9r8q0-aaaaa failed"), "{said:?}");
}
