//! A run played again: what is shown at each moment, what the keys do, what is refused.

use std::time::Duration;

use super::driver::Driver;
use crate::tui::backend::Request;
use crate::tui::glyph::Charset;
use crate::tui::message::Message;

/// A replay of the failed deployment, which took 39 seconds, paused on its creation.
fn replay(width: u16, height: u16) -> Driver {
    let mut driver = Driver::on_run(width, height, Charset::Unicode);
    driver.keys("p space 0");
    driver
}

fn bar(driver: &Driver) -> String {
    driver.screen().lines().find(|line| line.contains(" replay ")).unwrap_or_default().to_owned()
}

fn wait(driver: &mut Driver, seconds: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "small numbers of a script")]
    let millis = (seconds * 1_000.0) as i64;
    driver.now.0 += millis;
    driver.send(Message::Second);
}

#[test]
fn a_replay_shows_the_run_as_it_was_and_escape_shows_it_as_it_is() {
    let mut driver = replay(100, 30);
    assert!(bar(&driver).contains("paused 10x  0:00/0:39"), "{}", driver.screen());
    assert!(bar(&driver).contains("event 1/"), "{}", driver.screen());
    assert!(driver.shows("○ queued") && !driver.shows("✗ failed"), "{}", driver.screen());
    driver.keys("; ;");
    assert!(driver.shows("─ checkout  ● running"), "{}", driver.screen());
    driver.keys(",");
    assert!(!driver.shows("─ checkout  ● running"));
    driver.keys("$");
    assert!(driver.shows("✗ failed") && bar(&driver).contains("0:39/0:39"), "{}", driver.screen());
    driver.keys("0 esc");
    assert!(bar(&driver).is_empty() && driver.shows("✗ failed"), "{}", driver.screen());
}

#[test]
fn playing_follows_the_clock_at_its_speed_and_stops_at_the_end() {
    let mut driver = replay(100, 30);
    assert!(driver.app.tick().is_none(), "nothing moves while it is paused");
    driver.keys("space");
    assert_eq!(driver.app.tick(), Some(Duration::from_millis(100)));
    wait(&mut driver, 1.0);
    assert!(bar(&driver).contains("playing 10x  0:10/"), "{}", driver.screen());
    driver.keys("}");
    wait(&mut driver, 0.5);
    assert!(bar(&driver).contains("playing 20x  0:20/"), "{}", driver.screen());
    driver.keys("{ { { {");
    wait(&mut driver, 2.0);
    assert!(bar(&driver).contains("playing 1x  0:22/"), "{}", driver.screen());
    wait(&mut driver, 60.0);
    assert!(bar(&driver).contains("paused 1x  0:39/"), "{}", driver.screen());
    assert!(driver.app.tick().is_none());
    driver.keys("space");
    assert!(bar(&driver).contains("playing 1x  0:00/"), "it begins anew: {}", driver.screen());
}

#[test]
fn the_first_failure_is_one_key_away() {
    let mut driver = replay(100, 30);
    driver.keys("F");
    assert!(driver.shows("─ unit-tests  ✗ failed  attempt 2 of 2"), "{}", driver.screen());
    assert!(driver.shows("8 stages") && driver.shows("● running"), "the run itself had not ended: {}", driver.screen());
    driver.keys("(");
    assert!(driver.shows("─ unit-tests  ● running"), "{}", driver.screen());
    driver.keys(")");
    assert!(driver.shows("─ unit-tests  ✗ failed"), "{}", driver.screen());
}

#[test]
fn the_log_has_the_lines_that_had_been_written() {
    let mut driver = replay(100, 30);
    // The second attempt began 22 seconds after the creation; a line came every 20 ms from then on.
    driver.keys("F ( ( (");
    let shown = |driver: &Driver| {
        let title = driver.screen().lines().find(|line| line.contains("─ unit-tests")).unwrap_or_default().to_owned();
        let words: Vec<&str> = title.split_whitespace().collect();
        let lines = words.iter().position(|word| *word == "lines").expect("a count");
        words[lines - 1].replace(',', "").parse::<u64>().expect("a number")
    };
    // Not every line says its number.
    let ends_at = |driver: &Driver, lines: u64| {
        let screen = driver.screen();
        let near = |numbers: std::ops::Range<u64>| numbers.into_iter().any(|number| screen.contains(&format!("/{number}")));
        near(lines - 4..lines) && !near(lines..lines + 4)
    };
    let early = shown(&driver);
    assert!((4..834).contains(&early) && ends_at(&driver, early), "{early} in {}", driver.screen());
    driver.keys(")");
    let later = shown(&driver);
    assert!(later > early && ends_at(&driver, later), "{later} in {}", driver.screen());
    driver.keys("(");
    assert!(shown(&driver) == early && ends_at(&driver, early), "and back again: {}", driver.screen());
}

#[test]
fn orders_are_refused_while_a_run_is_replayed() {
    let mut driver = replay(100, 30);
    for keys in ["x", "r", "e"] {
        driver.keys(keys);
        assert!(driver.shows("this is a replay"), "{keys}: {}", driver.screen());
    }
    let ordered = |request: &Request| matches!(request, Request::Cancel { .. } | Request::Rerun { .. });
    assert!(!driver.asked.iter().any(ordered));
}

#[test]
fn a_run_that_goes_on_is_not_replayed() {
    let mut driver = Driver::new(100, 30, Charset::Unicode);
    driver.keys("2 enter p");
    assert!(driver.shows("has not ended yet"), "{}", driver.screen());
    driver.keys("esc 2 j p");
    assert!(bar(&driver).contains("playing 10x"), "from the list: {}", driver.screen());
}
