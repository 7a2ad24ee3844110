//! The inspector: searching, comparing attempts, what changed since the run before.

use serde_json::json;

use super::driver::{DOCUMENT, Driver, Script, at};
use crate::model::{EventKind, RunId, RunStatus, StageId};
use crate::tui::action::{Action, Context};
use crate::tui::backend::{Origin, Reply};
use crate::tui::glyph::Charset;
use crate::tui::message::Effect;
use crate::tui::screen::View;
use crate::tui::screen::run::RunScreen;
use crate::tui::world::World;

#[test]
fn a_search_in_the_tree_goes_from_match_to_match_and_escape_drops_it() {
    let mut driver = Driver::on_run(120, 40, Charset::Unicode);
    // From the error to the inputs.
    driver.keys("i h h /");
    driver.type_text("host");
    driver.keys("enter");
    assert!(driver.shows("/host 1/2"), "{}", driver.screen());
    driver.keys("Y n Y N Y");
    let path = |number: u32| format!("targets[{number}].host");
    assert_eq!(copied(&driver)[..3], [path(0), path(1), path(0)]);
    driver.keys("y");
    assert_eq!(copied(&driver)[0], "a");
    driver.keys("esc");
    assert!(!driver.shows("/host") && driver.shows("  inputs  "), "only the search is gone: {}", driver.screen());
    driver.keys("/");
    driver.type_text("nowhere");
    driver.keys("enter");
    assert!(driver.shows("no match"), "{}", driver.screen());
}

/// The texts that were copied, the last one first.
fn copied(driver: &Driver) -> Vec<String> {
    let text = |effect: &Effect| if let Effect::Copy { text, .. } = effect { Some(text.clone()) } else { None };
    driver.effects.iter().rev().filter_map(text).collect()
}

fn attempts(width: u16, height: u16) -> Driver {
    let mut driver = Driver::on_run(width, height, Charset::Unicode);
    driver.keys("i l");
    driver
}

#[test]
fn two_attempts_stand_side_by_side_where_there_is_room_and_one_above_the_other_elsewhere() {
    let wide = attempts(120, 40);
    let title =
        |driver: &Driver| driver.screen().lines().find(|line| line.contains("attempt 1: ")).unwrap_or_default().to_owned();
    assert!(title(&wide).contains("attempt 2: failed"), "{}", wide.screen());
    assert!(wide.shows("error") && wide.shows("cause") && wide.shows("end of the log"), "{}", wide.screen());
    let narrow = attempts(80, 24);
    assert!(!title(&narrow).contains("attempt 2") && narrow.shows("attempt 2: failed"), "{}", narrow.screen());
}

#[test]
fn what_differs_between_attempts_has_a_sign_and_what_is_the_same_has_none() {
    for (width, height, charset, sign) in [(120, 50, Charset::Unicode, "≠"), (80, 50, Charset::Ascii, "!")] {
        let mut driver = Driver::on_run(width, height, charset);
        driver.keys("i l");
        let screen = driver.screen();
        let line = |text: &str| screen.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text} in {screen}"));
        assert!(!line("make unit-tests").contains(sign), "{screen}");
        // The logs end one line apart.
        let log = screen.split("end of the log").nth(1).unwrap_or_default();
        assert!(log.lines().nth(1).is_some_and(|first| first.contains(sign)), "{screen}");
    }
}

#[test]
fn another_pair_of_attempts_can_be_chosen() {
    let mut driver = Driver::new(120, 50, Charset::Unicode);
    let mut script = Script::new("1v9r8z0-zzzzz", "flaky", &[("s", "shell", &[])], at(0.0));
    for attempt in 1..=3 {
        let next =
            if attempt < 3 { crate::model::Next::Retry { at: at(f64::from(attempt)) } } else { crate::model::Next::Settle };
        script = script.start("s", attempt, at(f64::from(attempt))).fail("s", attempt, at(f64::from(attempt) + 0.5), "no", next);
    }
    driver.runs = vec![script.end(RunStatus::Failed, at(9.0), None).run()];
    driver.reply(Reply::Runs(vec![driver.runs[0].summary()]));
    driver.keys("2 enter i l");
    assert!(driver.shows("attempt 2: ") && driver.shows("attempt 3: ") && !driver.shows("attempt 1: "), "{}", driver.screen());
    driver.keys("<");
    assert!(driver.shows("attempt 1: ") && driver.shows("attempt 3: ") && !driver.shows("attempt 2: "), "{}", driver.screen());
    driver.keys("> >");
    assert!(driver.shows("attempt 2: ") && driver.shows("attempt 3: "), "{}", driver.screen());
}

#[test]
fn the_run_of_a_subpipeline_is_named_and_opened() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    let child = driver.runs[2].id.clone();
    let start = EventKind::AttemptStarted {
        stage: StageId::new("s"),
        attempt: 1,
        config: json!({}),
        child: Some(child.clone()),
        unstarted: false,
    };
    let script = Script::new("1v9r8z0-zzzzz", "outer", &[("s", "subpipeline", &[])], at(0.0)).happens(at(1.0), start);
    driver.runs.push(script.run());
    driver.reply(Reply::Runs(vec![script.run().summary()]));
    driver.keys("2 enter i");
    assert!(driver.shows(&format!("runs as {child}")), "{}", driver.screen());
    driver.keys("o");
    assert!(driver.shows("ci 1v9r8k0-ccccc"), "{}", driver.screen());
}

#[test]
fn a_rerun_says_what_it_was_made_from_and_what_is_different() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    let origin = RunId::from_text("1v9r8p0-bbbbb");
    let script = Script::edited("1v9r8z0-zzzzz", "deploy", &[("unit-tests", "shell", &[])], at(0.0), &origin);
    let script = script.start("unit-tests", 1, at(1.0)).ok("unit-tests", 1, at(2.0), json!({}));
    driver.runs.push(script.end(RunStatus::Succeeded, at(3.0), None).run());
    let run = driver.runs.last().expect("a run").summary();
    driver.reply(Reply::Runs(vec![run]));
    driver.papers.origin = Some(Origin {
        run: origin,
        inputs: json!({"version": "1.4.0", "environment": "staging", "targets": []}),
        text: DOCUMENT.replace("600s", "10s"),
    });
    driver.keys("2 enter");
    assert!(driver.shows("edited from 11111111 of 1v9r8p0-bbbbb"), "{}", driver.screen());
    driver.keys("i h h h");
    assert!(driver.shows("inputs, since 1v9r8p0-bbbbb"), "{}", driver.screen());
    assert!(driver.shows("- version: \"1.4.0\"") && driver.shows("+ version: \"1.5.0\""), "{}", driver.screen());
    assert!(driver.shows("-       grace_period: 10s") && driver.shows("+       grace_period: 600s"), "{}", driver.screen());
    // A run that was made from none has no such tab.
    let mut first = Driver::on_run(120, 40, Charset::Unicode);
    first.keys("i");
    assert!(first.shows("attempts") && !first.shows("changes"), "{}", first.screen());
}

#[test]
fn the_focus_does_not_go_to_an_inspector_that_is_not_open() {
    let mut screen = RunScreen::new(RunId::from_text("1v9r8q0-aaaaa"), Charset::Unicode);
    screen.act(Action::FocusNext, &mut World::default());
    assert_eq!(screen.focus(), [Context::Log], "before anything has a size");
}
