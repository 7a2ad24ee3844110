//! The list of runs: what a filter found, and the runs below a run.

use ratatui::style::Color;

use super::driver::{Driver, Script, at};
use crate::model::{Next, Parent, Run, RunStatus, StageId};
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::theme::Role;

/// A console whose newest run has started one, which has started another.
fn driver(width: u16, height: u16) -> Driver {
    let mut driver = Driver::new(width, height, Charset::Unicode);
    let run = |id: &str, name: &str, seconds: f64| {
        let script = Script::new(id, name, &[("ship", "subpipeline", &[])], at(seconds)).start("ship", 1, at(seconds));
        script.fail("ship", 1, at(seconds + 1.0), "no", Next::Settle).end(RunStatus::Failed, at(seconds + 2.0), None).run()
    };
    let below = |mut child: Run, parent: &Run| {
        child.parent = Some(Parent { run: parent.id.clone(), stage: StageId::new("ship"), attempt: 1, depth: 1 });
        child
    };
    let top = run("1v9r8s0-ddddd", "release", 70.0);
    let middle = below(run("1v9r8s1-eeeee", "rollout", 71.0), &top);
    let last = below(run("1v9r8s2-fffff", "canary", 72.0), &middle);
    driver.runs.splice(0..0, [top, middle, last]);
    refresh(&mut driver);
    driver.keys("2");
    driver
}

fn refresh(driver: &mut Driver) {
    let listed = driver.runs.iter().filter(|run| run.parent.is_none()).map(Run::summary).collect();
    driver.reply(Reply::Runs(listed));
}

fn rows(driver: &Driver) -> Vec<String> {
    driver.screen().lines().filter(|line| line.contains("1v9r8")).map(str::to_owned).collect()
}

#[test]
fn the_runs_below_a_run_unfold_under_it_and_fold_again() {
    let mut driver = driver(120, 40);
    assert_eq!(rows(&driver).len(), 4);
    driver.keys("l j l");
    let shown = rows(&driver);
    assert_eq!(shown.len(), 6, "{}", driver.screen());
    assert!(shown[0].contains("▾ release") && shown[1].contains("  ▾ rollout") && shown[2].contains("    canary"), "{shown:#?}");
    driver.keys("j h");
    assert!(rows(&driver)[1].starts_with("▌"), "from the last one to the run above: {}", driver.screen());
    driver.keys("h");
    assert_eq!(rows(&driver).len(), 5, "{}", driver.screen());
    driver.keys("k space");
    assert_eq!(rows(&driver).len(), 4, "{}", driver.screen());
    driver.keys("space");
    assert_eq!(rows(&driver).len(), 5, "{}", driver.screen());
}

#[test]
fn what_is_unfolded_is_read_anew_with_the_list_and_a_run_without_others_says_so() {
    let mut driver = driver(120, 40);
    driver.keys("l");
    driver.asked.clear();
    refresh(&mut driver);
    assert_eq!(driver.asked, [Request::RunsBelow(driver.runs[0].id.clone())]);
    driver.keys("G l");
    assert!(driver.shows("this run has started no other run"), "{}", driver.screen());
}

#[test]
fn a_run_opened_from_below_another_says_where_it_belongs() {
    let mut driver = driver(120, 40);
    driver.keys("l j enter");
    assert!(driver.shows("Runs ▸ release ▸ rollout"), "{}", driver.screen());
    driver.keys("esc");
    assert!(rows(&driver).len() == 5, "the list is as it was: {}", driver.screen());
}

#[test]
fn the_letters_that_a_filter_found_are_marked() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.keys("2 /");
    driver.type_text("dpl ada");
    driver.keys("enter");
    let buffer = driver.buffer();
    let style = driver.app.world.look.theme.style(Role::Match);
    let wanted = (style.fg.unwrap_or(Color::Reset), style.bg.unwrap_or(Color::Reset));
    let row = (0..40).find(|y| (0..120).any(|x| buffer[(x, *y)].symbol() == "✗")).expect("the failed run");
    let marked: String = (0..120)
        .filter(|x| {
            let cell = &buffer[(*x, row)];
            (style.fg.is_none() || cell.fg == wanted.0) && (style.bg.is_none() || cell.bg == wanted.1)
        })
        .map(|x| buffer[(x, row)].symbol())
        .collect();
    assert_eq!(marked, "dplada", "{}", driver.screen());
}

/// A console whose runs are for production, for staging, for nothing in particular.
fn for_environments(width: u16) -> Driver {
    let mut driver = Driver::new(width, 40, Charset::Unicode);
    for (run, environment) in driver.runs.iter_mut().zip(["production", "staging"]) {
        run.environment = Some(environment.to_owned());
    }
    refresh(&mut driver);
    driver.keys("2");
    driver
}

#[test]
fn a_filter_finds_runs_by_their_environment_which_is_shown_where_there_is_room() {
    let mut driver = for_environments(120);
    let all = rows(&driver);
    assert!(driver.shows("environment") && all[0].contains("production") && all[1].contains("staging"), "{all:#?}");
    driver.keys("/");
    driver.type_text("production");
    driver.keys("enter");
    let found = rows(&driver);
    assert!(found.len() == 1 && found[0].contains(driver.runs[0].id.as_str()), "{found:#?}");
    let buffer = driver.buffer();
    let style = driver.app.world.look.theme.style(Role::Match);
    let is_marked = |x: &u16, y: u16| style.bg.is_some_and(|bg| buffer[(*x, y)].bg == bg);
    let marked = (0..40).map(|y| (0..120).filter(|x| is_marked(x, y)).map(|x| buffer[(x, y)].symbol()).collect::<String>());
    assert!(marked.into_iter().any(|row| row == "production"), "{}", driver.screen());
    let mut narrow = for_environments(80);
    assert!(!narrow.shows("environment"));
    narrow.keys("/");
    narrow.type_text("staging");
    narrow.keys("enter");
    assert_eq!(rows(&narrow).len(), 1, "found all the same: {}", narrow.screen());
}

#[test]
fn a_list_without_environments_has_no_column_for_them() {
    let driver = driver(200, 40);
    assert!(!driver.shows("environment"), "{}", driver.screen());
}

#[test]
fn nothing_is_cut_where_there_is_room() {
    let name = "deploy-the-shop-and-everything-that-belongs-to-it";
    let (mut driver, actor) = (Driver::new(200, 40, Charset::Unicode), "grace.hopper.of.the.navy");
    for run in &mut driver.runs {
        (run.pipeline.name, run.actor.name) = (name.to_owned(), actor.to_owned());
    }
    refresh(&mut driver);
    driver.keys("2");
    assert!(driver.shows(name) && driver.shows(actor) && driver.shows("tests failed"), "{}", driver.screen());
    driver.keys("9");
    assert!(driver.shows(name), "{}", driver.screen());
    driver.send(crate::tui::message::Message::Resize { width: 80, height: 24 });
    assert!(driver.shows("took, newest right") && driver.shows("39.0s"), "{}", driver.screen());
    driver.keys("2");
    assert!(driver.shows("started") && driver.shows("failed"), "{}", driver.screen());
}
