//! Who gets the rows between graph and log, and when that may change; what a rerun is called.

use serde_json::json;

use super::driver::{Driver, Script, at};
use super::graphs::on;
use crate::model::{Event, EventKind, Next, Outcome, Run, RunId, RunStatus, StageId};
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;

fn wide(ended: usize) -> Script {
    let names: Vec<String> = (0..28).map(|number| format!("part-{number}")).collect();
    let stages: Vec<(&str, &str, &[&str])> = names.iter().map(|name| (name.as_str(), "shell", &[] as &[&str])).collect();
    let mut script = Script::new("1v9r8z0-wwwww", "wide", &stages, at(0.0));
    for name in &names[..ended] {
        script = script.start(name, 1, at(1.0)).ok(name, 1, at(2.0), json!({}));
    }
    script
}

/// A console on this run whose logs have this many lines.
fn with_lines(run: Run, lines: u64) -> Driver {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    driver.lines = lines;
    driver.runs.insert(0, run);
    driver.reply(Reply::Runs(driver.runs.iter().map(Run::summary).collect()));
    driver.keys("2 g enter");
    driver
}

/// Rows of the graph: above the line that names the log.
fn rows(driver: &Driver) -> usize {
    driver.screen().lines().position(|line| line.starts_with("─ ")).expect("a title")
}

#[test]
fn the_graph_gets_the_rows_that_a_short_log_leaves() {
    let ended = || wide(28).end(RunStatus::Succeeded, at(3.0), None).run();
    let driver = with_lines(ended(), 1);
    assert!((0..28).all(|number| driver.shows(&format!(" part-{number} "))), "{}", driver.screen());
    let driver = with_lines(ended(), 1_000);
    assert!(rows(&driver) < 26, "a long log keeps its half: {}", driver.screen());
}

#[test]
fn the_rows_stay_as_they_are_until_somebody_acts_or_the_run_ends() {
    let run = wide(2).start("part-2", 1, at(3.0)).run();
    let (id, seq) = (run.id.clone(), run.seq);
    let mut driver = with_lines(run, 1);
    let event = |seq, kind| Reply::RunEvent(Box::new(Event { seq, at: at(9.0), run: id.clone(), kind }));
    let before = rows(&driver);
    let (stage, outcome) = (StageId::new("part-2"), Outcome::succeeded(json!({})));
    driver.reply(event(seq + 1, EventKind::AttemptFinished { stage, attempt: 1, outcome, next: Next::Settle }));
    assert_eq!(rows(&driver), before, "the stage has ended, and nobody has touched a key");
    driver.keys("g");
    let more = rows(&driver);
    assert!(more > before, "{}", driver.screen());
    driver.lines = 500;
    let (run, stage) = (id.clone(), StageId::new("part-0"));
    driver.reply(Reply::LogGrew { run, stage, attempt: 1, lines: 500, bytes: 9_000 });
    assert_eq!(rows(&driver), more, "a log that grows takes nothing away");
    driver.keys("G");
    assert_eq!(rows(&driver), before, "{}", driver.screen());
    driver.lines = 1;
    driver.keys("g");
    driver.reply(event(seq + 2, EventKind::RunFinished { status: RunStatus::Failed, output: json!(null), error: None }));
    assert!(rows(&driver) >= before);
}

#[test]
fn walking_is_along_the_picture_that_is_drawn_however_many_rows_it_has() {
    let mut driver = with_lines(wide(28).end(RunStatus::Succeeded, at(3.0), None).run(), 1);
    driver.keys("g j j j");
    assert!(driver.shows("─ part-3  "), "{}", driver.screen());
}

#[test]
fn a_rerun_with_the_file_as_it_is_now_is_not_called_an_edit() {
    let origin = RunId::from_text("1v9r8p0-bbbbb");
    let rerun = Script::edited("1v9r8z0-zzzzz", "deploy", &[("unit-tests", "shell", &[])], at(0.0), &origin);
    let mut run = rerun.start("unit-tests", 1, at(1.0)).run();
    run.pipeline.renewed_from = run.pipeline.edited_from.take();
    let driver = on(run, 120, 40, Charset::Unicode);
    assert!(driver.shows("again from 1v9r8p0-bbbbb with the file read anew"), "{}", driver.screen());
    assert!(!driver.shows("edited"));
}

#[test]
fn runs_of_one_pipeline_are_told_apart_in_the_way_to_them() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    let way = |driver: &Driver| driver.screen().lines().next().unwrap_or_default().to_owned();
    assert!(way(&driver).contains("Runs ▸ deploy"), "{}", way(&driver));
    driver.reply(Reply::RunCreated(driver.runs[0].id.clone()));
    let shown = way(&driver);
    assert!(shown.contains("1v9r8p0-bbbbb") && shown.contains("1v9r8q0-aaaaa") && !shown.contains("deploy"), "{shown}");
}
