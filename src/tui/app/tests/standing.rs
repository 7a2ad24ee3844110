//! Where a run stands, said the same in every place: the heading, the lists, a replay, what is left on the terminal.

use serde_json::{Value, json};

use super::driver::{Driver, Script, at};
use super::graphs::on;
use crate::model::{
    Actor, Ending, ErrorKind, EventKind, Next, Outcome, Resolution, Run, RunStatus, StageError, StageId, Verdict,
};
use crate::tui::glyph::Charset;

const FIVE: &[(&str, &str, &[&str])] = &[
    ("check", "conditional", &[]),
    ("other-way", "shell", &["check"]),
    ("build", "shell", &["check"]),
    ("test", "shell", &["build"]),
    ("publish", "shell", &["test"]),
];

/// One stage went well, one was left out, one failed; the run's end overtook the last two.
fn failed(name: &str) -> Script {
    Script::new("1v9r8z0-fffff", name, FIVE, at(0.0))
        .start("check", 1, at(1.0))
        .ok("check", 1, at(2.0), Value::Null)
        .skip("other-way", at(2.0), "branch:check")
        .start("build", 1, at(2.0))
        .fail("build", 1, at(5.0), "exit code 2", Next::Settle)
        .end(RunStatus::Failed, at(5.1), Some(("build", "exit code 2")))
}

fn cancelled() -> Run {
    let error = StageError::new(ErrorKind::Cancelled, "cancelled");
    let outcome = Outcome::ended(Ending::Cancelled, error.clone(), Value::Null);
    let stage = StageId::new("long");
    Script::new("1v9r8z0-ccccc", "long", &[("long", "shell", &[]), ("after", "shell", &["long"])], at(0.0))
        .start("long", 1, at(1.0))
        .happens(at(2.0), EventKind::CancelRequested { actor: Actor::engine(), force: false, reason: None })
        .happens(at(3.0), EventKind::AttemptFinished { stage, attempt: 1, outcome, next: Next::Settle })
        .end(RunStatus::Cancelled, at(3.1), None)
        .run()
}

/// Interrupted, and nobody has said yet what became of it.
fn asking() -> Script {
    Script::new("1v9r8z0-uuuuu", "asking", &[("first", "shell", &[]), ("send", "shell", &["first"])], at(0.0))
        .start("first", 1, at(1.0))
        .ok("first", 1, at(2.0), Value::Null)
        .start("send", 1, at(2.0))
        .unknown("send", 1, at(6.0))
}

fn heading(driver: &Driver) -> String {
    let screen = driver.screen();
    screen.lines().find(|line| line.contains("1v9r8z0") && !line.starts_with(" flowdeck")).unwrap_or_default().to_owned()
}

/// The row of the newest run in the list.
fn row(driver: &mut Driver) -> String {
    driver.keys("2 g");
    driver.screen().lines().find(|line| line.contains("1v9r8z0")).unwrap_or_default().to_owned()
}

#[test]
fn how_far_a_run_has_come_is_the_same_number_everywhere() {
    let script = failed("five");
    let mut driver = on(script.run(), 120, 40, Charset::Unicode);
    driver.journals.insert(script.run().id, script.events().to_vec());
    assert!(heading(&driver).contains("3/5 stages  1 failed  1 skipped  2 not reached"), "{}", driver.screen());
    let farewell = driver.app.farewell().lines;
    assert!(farewell[0].ends_with("3/5 stages"), "{farewell:?}");
    driver.keys("p $");
    assert!(heading(&driver).contains("3/5 stages"), "{}", driver.screen());
    driver.keys(",");
    assert!(heading(&driver).contains("3/5 stages"), "the end of a run takes no stage back: {}", driver.screen());
    assert!(row(&mut driver).contains(" 3/5 "), "{}", driver.screen());
}

#[test]
fn what_a_cancel_left_behind_does_not_count_as_done() {
    let mut driver = on(cancelled(), 120, 40, Charset::Unicode);
    assert!(heading(&driver).contains("1/2 stages  1 cancelled  1 not reached"), "{}", driver.screen());
    assert!(driver.app.farewell().lines[0].ends_with("1/2 stages"));
    assert!(row(&mut driver).contains(" 1/2 "), "{}", driver.screen());
}

#[test]
fn instances_inside_a_loop_are_no_stages_of_the_run() {
    let driver = on(super::graphs::release(), 120, 40, Charset::Unicode);
    assert!(heading(&driver).contains("9/14 stages"), "{}", driver.screen());
    assert!(driver.app.farewell().lines[0].ends_with("9/14 stages"), "{:?}", driver.app.farewell());
}

#[test]
fn a_narrow_heading_says_first_what_matters_first() {
    let driver = on(failed("Fails in the middle of a very long log").run(), 80, 24, Charset::Unicode);
    let heading = heading(&driver);
    assert!(heading.contains("✗ failed") && heading.contains("5.1s") && heading.contains("3/5 stages  1 failed"), "{heading}");
    assert!(heading.contains("Fails in the"), "{heading}");
    let driver = on(asking().run(), 80, 24, Charset::Unicode);
    assert!(self::heading(&driver).contains("1 unknown"), "{}", driver.screen());
}

#[test]
fn the_bottom_line_of_a_run_that_waits_for_somebody_says_how_to_answer() {
    let mut driver = on(asking().run(), 80, 24, Charset::Unicode);
    driver.keys("g");
    let screen = driver.screen();
    assert!(screen.lines().last().is_some_and(|line| line.starts_with(" R resolve")), "{screen}");
    driver.keys("R");
    assert!(driver.shows("What became of send?"), "{}", driver.screen());
}

#[test]
fn the_clock_of_an_interrupted_stage_stands_still() {
    let resolved = |script: Script| {
        let (stage, actor) = (StageId::new("send"), Actor::engine());
        script.happens(at(80.0), EventKind::AttemptResolved { stage, attempt: 1, resolution: Resolution::Succeed, actor })
    };
    let title = |run: Run| {
        let mut driver = on(run, 120, 40, Charset::Unicode);
        driver.keys("G");
        driver.screen().lines().find(|line| line.starts_with("─ send ")).expect("a title").to_owned()
    };
    let (asks, answered) = (title(asking().run()), title(resolved(asking()).run()));
    assert!(asks.contains("? unknown") && asks.contains("  4.0s "), "{asks}");
    assert!(answered.contains("✓ succeeded") && answered.contains("  4.0s "), "{answered}");
}

#[test]
fn a_guard_that_is_over_says_only_whether_it_recovered() {
    let title = |verdict: Verdict, phase: &str| {
        let stages = &[("guard", "trycatch", &[] as &[&str])];
        let script = Script::new("1v9r8z0-ggggg", "guarded", stages, at(0.0)).start("guard", 1, at(1.0));
        let (stage, phase) = (StageId::new("guard"), phase.to_owned());
        let (stages, verdict) = (Vec::new(), Some(verdict));
        let begun = EventKind::PhaseStarted { stage, attempt: 1, phase, round: 1, total: None, stages, error: None, verdict };
        let run = script.happens(at(3.0), begun).ok("guard", 1, at(4.0), json!({})).end(RunStatus::Succeeded, at(4.1), None);
        let driver = on(run.run(), 120, 40, Charset::Unicode);
        driver.screen().lines().find(|line| line.starts_with("─ guard ")).expect("a title").to_owned()
    };
    let caught = Verdict { caught: true, ..Verdict::default() };
    assert!(title(caught, "finally").contains("succeeded recovered"));
    assert!(title(Verdict::default(), "catch").contains("succeeded recovered"));
    let plain = title(Verdict::default(), "finally");
    assert!(plain.contains("✓ succeeded  3.0s"), "{plain}");
}
