//! The way from screen to screen, and what the screens of many runs and services say.

use super::driver::{Driver, Script, at};
use crate::model::Run;
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::screen::Screen;

fn shown(driver: &Driver) -> Option<usize> {
    driver.app.shown().map(Screen::number)
}

#[test]
fn numbers_open_screens_and_tab_goes_round_all_but_a_run() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    for number in 1..=9 {
        driver.keys(&number.to_string());
        assert_eq!(shown(&driver), Some(number));
    }
    let round: Vec<_> = (0..8).map(|_| (driver.keys("tab"), shown(&driver)).1).collect();
    assert_eq!(round, [1, 2, 4, 5, 6, 7, 8, 9].map(Some));
    driver.keys("4 backtab");
    assert_eq!(shown(&driver), Some(2));
    driver.keys("9 esc");
    assert_eq!(shown(&driver), Some(1), "esc goes home");
}

#[test]
fn asking_the_services_again_makes_their_history_longer() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.keys("6");
    let bars = |driver: &Driver| driver.screen().matches('█').count();
    let before = bars(&driver);
    driver.keys("p p");
    assert_eq!(driver.asked.last(), Some(&Request::Services));
    assert_eq!(bars(&driver), 3 * before);
}

#[test]
fn metrics_count_what_ended_and_open_the_newest_run() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.keys("9");
    let screen = driver.screen();
    let (ci, deploy) = (screen.find("ci  ").expect("ci"), screen.find(" deploy  ").expect("deploy"));
    assert!(ci < deploy, "the slowest first");
    let line =
        |word: &str| screen.lines().find(|line| line.contains(word)).expect("a line").split_whitespace().collect::<Vec<_>>();
    assert_eq!(line(" deploy  ")[1..5], ["2", "0.0%", "39.0s", "39.0s"]);
    assert_eq!(line("ci  ")[1..3], ["1", "100.0%"]);
    driver.keys("j enter");
    assert!(driver.shows("1v9r8q0-aaaaa"));
}

#[test]
fn a_stage_opens_the_run_below_it_and_escape_comes_back() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    let below = driver.runs[1].id.clone();
    let parent = Script::new("1v9r8s0-ddddd", "release", &[("ship", "subpipeline", &[]), ("tell", "logger", &["ship"])], at(0.0))
        .start_child("ship", below.as_str(), at(0.1))
        .run();
    driver.runs.insert(0, parent);
    driver.keys("2");
    driver.reply(Reply::Runs(driver.runs.iter().map(Run::summary).collect()));
    driver.keys("g enter");
    assert!(driver.shows("1v9r8s0-ddddd") && driver.shows("o run below"));
    driver.keys("o");
    assert!(driver.shows(below.as_str()) && driver.shows("unit-tests"));
    driver.keys("esc");
    assert!(driver.shows("1v9r8s0-ddddd") && driver.shows("ship"));
    let followed = |request: &&Request| matches!(request, Request::Follow(_) | Request::Unfollow);
    let last = driver.asked.iter().rfind(followed).cloned();
    assert_eq!(last, Some(Request::Follow(driver.runs[0].id.clone())), "the run above is followed again");
    driver.keys("l o");
    assert!(driver.shows("no other run does this stage's work"));
    driver.keys("esc");
    assert_eq!(shown(&driver), Some(2), "one more step leads to the list");
}

#[test]
fn the_palette_finds_runs_stages_and_themes() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    let find = |driver: &mut Driver, text: &str| {
        driver.keys(":");
        driver.type_text(text);
        driver.keys("enter");
    };
    find(&mut driver, "open ci");
    assert!(driver.shows("1v9r8k0-ccccc") && driver.shows("format"));
    find(&mut driver, "8p0-bbb");
    assert!(driver.shows("1v9r8p0-bbbbb"), "by a part of the id");
    find(&mut driver, "stage lint");
    assert!(driver.shows("lint  ✓ succeeded"));
    find(&mut driver, "theme mono");
    assert_eq!(driver.app.world.look.theme.name, "mono");
    find(&mut driver, "metrics");
    assert!(driver.shows("slowest first"));
}

#[test]
fn one_key_goes_back_through_the_places_that_were_left() {
    let mut driver = Driver::new(120, 40, Charset::Unicode);
    driver.keys("2 j enter 6 9");
    let way: Vec<_> = (0..4).map(|_| (driver.keys("ctrl-o"), shown(&driver)).1).collect();
    assert_eq!(way, [6, 3, 2, 1].map(Some));
    driver.keys("ctrl-o");
    assert!(driver.shows("no place was left before this one"));
}

#[test]
fn the_top_line_says_the_way_to_a_run() {
    let driver = Driver::on_run(80, 24, Charset::Unicode);
    assert!(driver.screen().lines().next().is_some_and(|line| line.contains("Runs ▸ deploy")));
}

#[test]
fn two_keys_lead_from_the_start_to_the_first_error_line_of_the_failed_stage() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.runs.remove(0);
    driver.reply(Reply::Runs(driver.runs.iter().map(Run::summary).collect()));
    driver.keys("3");
    assert!(driver.shows("1v9r8p0-bbbbb") && driver.shows("EXECUTION tests failed: exit code 2"));
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    driver.keys("j enter");
    assert!(driver.shows("EXECUTION tests failed: exit code 2"), "with another run going on: one down, open");
    assert!(driver.shows("unit-tests  ✗ failed") && driver.shows("fetching https://registry.example/1203"));
}
