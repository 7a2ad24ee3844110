//! Every screen in text and style, over sizes and charsets, for one scripted morning.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::driver::{Driver, text_of};
use crate::model::Document;
use crate::tui::action::Action;
use crate::tui::glyph::Charset;
use crate::tui::theme::SHIPPED;

pub const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// The text, then for every row its styles as letters with how many cells each covers, then what the letters mean.
fn dump(buffer: &Buffer) -> String {
    let mut styles: Vec<(Color, Color, Modifier)> = Vec::new();
    let mut out = text_of(buffer);
    out.push_str("\n\n");
    for y in 0..buffer.area.height {
        let mut runs: Vec<(usize, u16)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let style = (cell.fg, cell.bg, cell.modifier);
            let known = styles.iter().position(|known| *known == style).unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
            match runs.last_mut() {
                Some((last, count)) if *last == known => *count += 1,
                _ => runs.push((known, 1)),
            }
        }
        let row: Vec<String> = runs.iter().map(|(style, count)| format!("{}{count}", letter(*style))).collect();
        writeln!(out, "{}", row.join(" ")).expect("memory");
    }
    for (number, (ink, ground, modifier)) in styles.iter().enumerate() {
        writeln!(out, "{} = {ink:?} on {ground:?} {modifier:?}", letter(number)).expect("memory");
    }
    out
}

fn letter(number: usize) -> char {
    ('a'..='z').chain('A'..='Z').nth(number).unwrap_or('?')
}

pub fn snapshot(name: &str, driver: &Driver) {
    let (width, height) = driver.app.size();
    let charset = if driver.app.world.look.charset == Charset::Ascii { "ascii" } else { "unicode" };
    insta::assert_snapshot!(format!("{name}_{width}x{height}_{charset}"), dump(&driver.buffer()));
}

fn everywhere(name: &str, keys: &str) {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::new(width, height, charset);
            driver.keys(keys);
            snapshot(name, &driver);
        }
    }
}

#[test]
fn the_overview() {
    everywhere("overview", "");
}

#[test]
fn the_runs() {
    everywhere("runs", "2 j");
}

#[test]
fn the_health_of_services() {
    everywhere("health", "6 p p j");
}

#[test]
fn the_metrics_of_pipelines() {
    everywhere("metrics", "9");
}

#[test]
fn a_screen_that_is_not_there_yet_says_so() {
    everywhere("incidents", "7");
    let mut driver = Driver::new(80, 24, Charset::Ascii);
    driver.keys("7");
    assert!(driver.shows("not in this version") && driver.shows("Until then"), "{}", driver.screen());
}

#[test]
fn a_running_run() {
    everywhere("run_running", "2 enter");
}

#[test]
fn a_failed_run_with_the_inspector_open() {
    everywhere("run_failed", "2 j enter i");
}

#[test]
fn the_question_before_a_rerun() {
    everywhere("rerun", "2 j enter r");
}

#[test]
fn the_help() {
    everywhere("help", "2 enter ?");
}

#[test]
fn the_editor() {
    everywhere("edit", "2 j enter e");
}

#[test]
fn the_editor_of_a_config() {
    everywhere("edit_config", "2 j enter E x");
}

#[test]
fn two_attempts_compared() {
    everywhere("attempts", "2 j enter i l");
}

#[test]
fn a_replay_at_its_first_failure() {
    everywhere("replay", "2 j p F");
}

#[test]
fn the_difference_before_a_rerun() {
    for (width, height) in SIZES {
        let mut driver = Driver::on_run(width, height, Charset::Unicode);
        let file = driver.papers.pinned.text.replace("600s", "900s");
        driver.papers.file = Some(Ok(Document { text: file, ..driver.papers.pinned.clone() }));
        driver.keys("r tab");
        snapshot("review", &driver);
    }
}

#[test]
fn the_graph_as_lines_and_as_a_list() {
    for (name, keys) in [("graph_lines", "2 j enter z"), ("graph_list", "2 j enter z z")] {
        let mut driver = Driver::new(120, 40, Charset::Unicode);
        driver.keys(keys);
        snapshot(name, &driver);
    }
}

#[test]
fn a_search_in_the_log() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("enter /");
    driver.type_text("v1.5.9");
    driver.keys("enter T");
    snapshot("search", &driver);
}

#[test]
fn a_filtered_log_and_all_stages_together() {
    let mut driver = Driver::on_run(100, 30, Charset::Unicode);
    driver.keys("enter &");
    driver.type_text("shop");
    driver.keys("enter k k v k");
    snapshot("filter", &driver);
    driver.keys("esc esc s T T /");
    driver.type_text("unused");
    driver.keys("enter");
    snapshot("merged", &driver);
    driver.keys("esc");
    assert!(driver.shows("all stages"));
    driver.keys("esc");
    assert!(!driver.shows("all stages") && driver.shows("unit-tests  ✗ failed"));
}

#[test]
fn the_colours_to_choose_from() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("ctrl-t j j");
    snapshot("colours", &driver);
}

#[test]
fn every_theme() {
    for (name, _) in SHIPPED {
        let mut driver = Driver::on_run(80, 24, Charset::Unicode);
        driver.keys("ctrl-t g");
        while driver.app.world.look.theme.name != *name {
            driver.keys("j");
        }
        driver.keys("enter tab");
        snapshot(&format!("theme_{name}"), &driver);
    }
}

#[test]
fn ascii_screens_have_nothing_but_ascii() {
    for keys in [
        "",
        "2",
        "2 enter",
        "2 j enter i",
        "2 enter ?",
        "2 j enter e",
        "2 j enter E",
        "2 j enter i l",
        "2 j p F",
        "2 enter z",
        "2 enter z z",
        "4",
        "6 p",
        "9",
        ":",
    ] {
        let mut driver = Driver::new(100, 30, Charset::Ascii);
        driver.keys(keys);
        let screen = driver.screen();
        assert!(screen.is_ascii(), "{keys}: {screen}");
    }
}

#[test]
fn the_bottom_line_names_the_keys_of_this_place_as_they_are_mapped() {
    let mut driver = Driver::on_run(120, 40, Charset::Unicode);
    driver.app.world.keys = crate::tui::keymap::Keymap::default().with_file("[keys]\nzoom = \"Z\"\n").expect("valid");
    driver.keys("tab");
    let screen = driver.screen();
    let last = screen.lines().last().expect("a line");
    assert!(last.contains("Z zoom") && last.contains("w wrap"), "{last}");
    assert_eq!(driver.app.world.key(Action::Zoom), "Z");
}
