use std::time::{Duration, Instant};

use serde_json::json;

use super::reusable;
use crate::engine::scheduler::tests::{created, pipeline};
use crate::model::{Event, EventKind, RerunFrom, Run, StageId, StageStatus, Timestamp};

/// What is kept of a run in which everything but the stages named here succeeded.
fn kept(text: &str, bad: &[(&str, StageStatus)], from: &RerunFrom) -> Vec<String> {
    kept_but(text, bad, from, &[])
}

/// The same where these stages are not what they were.
fn kept_but(text: &str, bad: &[(&str, StageStatus)], from: &RerunFrom, changed: &[&str]) -> Vec<String> {
    let pipeline = pipeline(text);
    let mut run = Run::created(&created(&pipeline)).expect("a run");
    for stage in run.stages.values_mut() {
        let other = bad.iter().find(|(id, _)| *id == stage.id.as_str());
        stage.status = other.map_or(StageStatus::Succeeded, |(_, status)| *status);
    }
    let changed: Vec<StageId> = changed.iter().map(|id| StageId::new(id)).collect();
    let kept = reusable(&run, &pipeline, from, &changed).expect("a rerun");
    kept.into_iter().map(|(id, _)| id.to_string()).collect()
}

/// Two stages that have run, and the one that undid the first.
const UNDONE: &str = "{id: u, stages: [
  {id: a, type: shell, compensate: undo, config: {run: x}},
  {id: b, type: shell, depends_on: [a], config: {run: x}},
  {id: c, type: shell, config: {run: x}},
  {id: undo, type: shell, config: {run: x}}]}";

#[test]
fn what_was_undone_is_done_again_and_what_undid_it_is_not_taken_over() {
    let pipeline = pipeline(UNDONE);
    let mut run = Run::created(&created(&pipeline)).expect("a run");
    let kept = |run: &Run| {
        let kept = reusable(run, &pipeline, &RerunFrom::Failed, &[]).expect("a rerun");
        kept.into_iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>()
    };
    run.stages.values_mut().for_each(|stage| stage.status = StageStatus::Succeeded);
    assert_eq!(kept(&run), ["a", "b", "c"], "nothing was undone");
    let started =
        EventKind::AttemptStarted { stage: "undo".into(), attempt: 1, config: json!({}), child: None, unstarted: false };
    run.apply(&Event { seq: 2, at: Timestamp(0), run: run.id.clone(), kind: started });
    assert_eq!(kept(&run), ["c"]);
}

const READS: &str = "{id: r, stages: [
  {id: a, type: shell, config: {run: x}},
  {id: b, type: shell, config: {run: 'echo {{upstream.a.n}}'}},
  {id: c, type: shell, depends_on: [b], config: {run: x}},
  {id: each, type: foreach, config: {items: [1], loop_stages: [second, first]}},
  {id: first, type: shell, config: {run: 'echo {{upstream.second.n}}'}},
  {id: second, type: shell, config: {run: 'echo {{upstream.a.n}}'}},
  {id: apart, type: shell, config: {run: x}}]}";

#[test]
fn a_stage_that_only_reads_what_is_repeated_is_repeated() {
    assert_eq!(kept(READS, &[], &RerunFrom::Stage("a".into())), ["apart"]);
    assert_eq!(kept(READS, &[("c", StageStatus::Failed)], &RerunFrom::Failed).len(), 6);
    assert_eq!(kept(READS, &[("a", StageStatus::Failed)], &RerunFrom::Failed), ["apart"]);
}

#[test]
fn a_skipped_stage_is_decided_again_and_repeats_nothing() {
    let kept = kept(READS, &[("b", StageStatus::Skipped)], &RerunFrom::Failed);
    assert_eq!(kept, ["a", "c", "each", "first", "second", "apart"]);
}

#[test]
fn what_was_edited_is_repeated_with_all_that_has_to_do_with_it() {
    assert_eq!(kept_but(READS, &[], &RerunFrom::Failed, &["b"]), ["a", "each", "first", "second", "apart"]);
    let skipped = [("b", StageStatus::Skipped)];
    let kept = kept_but(READS, &skipped, &RerunFrom::Failed, &["b"]);
    assert_eq!(kept, ["a", "each", "first", "second", "apart"], "even when it was skipped before");
}

const GUARDED: &str = "{id: r, stages: [
  {id: guard, type: trycatch, config: {try_stages: [one, two], catch_stages: [mend]}},
  {id: one, type: shell, config: {run: x}}, {id: two, type: shell, config: {run: x}},
  {id: mend, type: shell, config: {run: 'echo {{upstream.one.error}}'}},
  {id: report, type: shell, depends_on: [mend], config: {run: x}},
  {id: last, type: shell, depends_on: [report], config: {run: x}}]}";

#[test]
fn a_failure_that_a_guard_made_up_for_repeats_nothing() {
    let old = [("one", StageStatus::Failed), ("two", StageStatus::Skipped), ("last", StageStatus::Failed)];
    assert_eq!(kept(GUARDED, &old, &RerunFrom::Failed), ["guard", "mend", "report"]);
}

#[test]
fn a_guard_is_repeated_as_a_whole() {
    assert!(kept(GUARDED, &[], &RerunFrom::Stage("two".into())).is_empty());
    assert_eq!(kept(GUARDED, &[], &RerunFrom::Stage("report".into())), ["guard", "one", "two", "mend"]);
}

#[test]
fn a_long_chain_is_followed_once() {
    let stage = |at: usize| format!("{{id: s{at}, type: shell, depends_on: [s{}], config: {{run: x}}}}", at.saturating_sub(1));
    let stages: Vec<String> = (1..5_000).rev().map(stage).collect();
    let text = format!("{{id: p, stages: [{}, {{id: s0, type: shell, config: {{run: x}}}}]}}", stages.join(",\n"));
    let begun = Instant::now();
    assert!(kept(&text, &[], &RerunFrom::Stage("s0".into())).is_empty());
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
