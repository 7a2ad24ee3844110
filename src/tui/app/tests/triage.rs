//! From the launch to the line that says what went wrong.

use super::driver::{Driver, Script, at};
use crate::model::{LogName, Next, RunStatus, StageId};
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::world::World;

const FAULT: &str = "error[E0308]: mismatched types";

fn driver(width: u16, height: u16) -> Driver {
    let mut driver = Driver::new(width, height, Charset::Unicode);
    (driver.lines, driver.fault) = (50_000, Some((25_001, FAULT)));
    driver
}

/// The row of a text on the screen.
fn row(driver: &Driver, text: &str) -> Option<usize> {
    driver.screen().lines().position(|row| row.contains(text))
}

#[test]
fn from_the_launch_one_key_shows_the_first_error_line_with_the_lines_around_it() {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let mut driver = driver(width, height);
        assert!(driver.screen().lines().last().is_some_and(|line| line.contains("F first error")), "{}", driver.screen());
        driver.keys("F");
        let at = row(&driver, FAULT).unwrap_or_else(|| panic!("{}", driver.screen()));
        let lines: Vec<String> = driver.screen().lines().map(str::to_owned).collect();
        assert!(driver.shows("─ unit-tests  ✗ failed"), "{}", driver.screen());
        assert!(lines[at - 2].contains("[24999] fetching") && lines[at - 1].contains("unused variable"), "{}", driver.screen());
        assert!(lines[at + 1].contains("case_25002") && lines[at + 2].contains("[25003] fetching"), "{}", driver.screen());
    }
}

#[test]
fn from_the_list_of_runs_it_is_the_selected_one_that_failed_or_else_the_newest() {
    let mut driver = driver(100, 30);
    let old = Script::new("1v9r8a0-ddddd", "nightly", &[("sweep", "shell", &[])], at(-99_000.0))
        .start("sweep", 1, at(-98_999.0))
        .fail("sweep", 1, at(-98_990.0), "no space", Next::Settle)
        .end(RunStatus::Failed, at(-98_989.0), Some(("sweep", "no space")));
    driver.runs.push(old.run());
    driver.reply(Reply::Runs(driver.runs.iter().map(crate::model::Run::summary).collect()));
    driver.keys("2 F");
    assert!(driver.shows("unit-tests  ✗ failed"), "the newest: {}", driver.screen());
    driver.keys("2 G F");
    assert!(driver.shows("sweep  ✗ failed") && row(&driver, FAULT).is_some(), "the selected: {}", driver.screen());
}

#[test]
fn again_it_moves_on_to_the_next_failed_stage_and_n_does_the_same_from_the_graph() {
    let mut driver = driver(120, 40);
    let stages: &[(&str, &str, &[&str])] = &[("first", "shell", &[]), ("second", "shell", &[]), ("third", "shell", &[])];
    let mut script = Script::new("1v9r8z0-zzzzz", "three", stages, at(0.0));
    for stage in ["first", "second", "third"] {
        script = script.start(stage, 1, at(1.0));
    }
    script = script.ok("second", 1, at(2.0), serde_json::json!({}));
    for stage in ["first", "third"] {
        script = script.fail(stage, 1, at(2.0), "no luck", Next::Settle);
    }
    driver.runs = vec![script.end(RunStatus::Failed, at(3.0), Some(("first", "no luck"))).run()];
    driver.reply(Reply::Runs(vec![driver.runs[0].summary()]));
    for title in ["─ first  ✗ failed", "─ third  ✗ failed", "─ first  ✗ failed"] {
        driver.keys("F");
        assert!(driver.shows(title) && row(&driver, FAULT).is_some(), "{title} in\n{}", driver.screen());
    }
    driver.keys("esc n");
    assert!(driver.shows("─ third  ✗ failed") && row(&driver, FAULT).is_some(), "{}", driver.screen());
}

#[test]
fn a_failure_in_a_run_below_is_shown_there() {
    let mut driver = driver(120, 40);
    let above = Script::new("1v9r8y0-yyyyy", "release", &[("ship", "pipeline", &[])], at(0.0))
        .start_child("ship", "1v9r8p0-bbbbb", at(1.0))
        .fail("ship", 1, at(2.0), "the run failed", Next::Settle)
        .end(RunStatus::Failed, at(3.0), Some(("ship", "the run failed")));
    driver.runs.insert(0, above.run());
    driver.reply(Reply::Runs(driver.runs.iter().map(crate::model::Run::summary).collect()));
    driver.keys("F");
    assert!(driver.shows("1v9r8p0-bbbbb") && row(&driver, FAULT).is_some(), "{}", driver.screen());
    driver.keys("esc esc");
    assert!(driver.shows("1v9r8y0-yyyyy"), "the run above is one step back: {}", driver.screen());
}

#[test]
fn a_log_without_an_error_shows_its_end_and_says_so() {
    let mut driver = driver(100, 30);
    driver.fault = None;
    driver.keys("F");
    assert!(driver.shows("no line of this log looks like an error") && driver.shows("case_49999"), "{}", driver.screen());
}

#[test]
fn whoever_moves_meanwhile_is_not_moved() {
    let mut driver = driver(100, 30);
    driver.keys("F j");
    let before = driver.screen();
    let (run, log) = (driver.runs[1].id.clone(), LogName { stage: StageId::new("unit-tests"), attempt: 2 });
    assert!(driver.asked.contains(&Request::Culprit(run.clone(), log.clone())));
    driver.reply(Reply::Culprit { run, log, line: Some(7), total: 50_000 });
    assert_eq!(driver.screen(), before);
}

#[test]
fn with_nothing_failed_it_is_not_offered_and_says_so() {
    let mut driver = driver(100, 30);
    driver.runs.retain(|run| run.status != RunStatus::Failed);
    driver.reply(Reply::Runs(driver.runs.iter().map(crate::model::Run::summary).collect()));
    assert!(!driver.shows("first error"));
    driver.keys("F");
    assert!(driver.shows("no run has failed"), "{}", driver.screen());
    assert!(World::default().failed_run().is_none());
}
