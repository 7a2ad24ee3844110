use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::LogPane;
use crate::model::{LogLine, LogQuery, LogWindow, SearchHit, StageId, Stream, Timestamp};
use crate::tui::glyph::Charset;
use crate::tui::widget::paint::{Look, Paint};

fn text(number: u64) -> String {
    format!("line {number}")
}

fn window(query: &LogQuery, total: u64, text: impl Fn(u64) -> String) -> LogWindow {
    let from = query.from.unwrap_or(total.saturating_sub(query.count));
    let lines = (from..(from + query.count).min(total))
        .map(|number| LogLine { number, at: Timestamp(0), stream: Stream::Stdout, text: text(number), partial: false })
        .collect();
    LogWindow { stage: query.stage.clone(), attempt: 1, total, bytes: total * 10, lines, damage: None }
}

/// A pane on a log of `total` lines, with everything it wants delivered.
fn pane(total: u64) -> LogPane {
    let mut pane = LogPane::new(Charset::Unicode);
    pane.show(Some((StageId::new("build"), 1, Timestamp(0))));
    settle(&mut pane, total);
    pane
}

fn settle(pane: &mut LogPane, total: u64) {
    for _ in 0..10 {
        pane.fit(40, 10);
        let Some(query) = pane.wants() else { return };
        pane.take(window(&query, total, text));
    }
    panic!("the pane never has enough");
}

fn draw(pane: &LogPane) -> Vec<String> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 10));
    let look = Look::default();
    pane.draw(&mut Paint::new(&mut buffer, &look), Rect::new(0, 0, 40, 10), true);
    (0..10).map(|y| (0..39).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim().to_owned()).collect()
}

#[test]
fn following_shows_the_end_and_what_comes() {
    let mut pane = pane(1_000);
    assert_eq!(draw(&pane).last().map(String::as_str), Some("line 999"));
    pane.grew(1_050, 0);
    settle(&mut pane, 1_050);
    assert_eq!(draw(&pane).last().map(String::as_str), Some("line 1049"));
}

#[test]
fn scrolling_up_anchors_to_the_line_and_counts_what_is_new() {
    let mut pane = pane(1_000);
    pane.step(-20);
    settle(&mut pane, 1_000);
    let before = draw(&pane);
    pane.grew(5_000, 0);
    settle(&mut pane, 5_000);
    assert_eq!(draw(&pane), before);
    assert_eq!(pane.unseen(), 4_000);
    pane.end();
    settle(&mut pane, 5_000);
    assert_eq!(pane.unseen(), 0);
    assert_eq!(draw(&pane).last().map(String::as_str), Some("line 4999"));
}

#[test]
fn only_a_few_hundred_lines_are_held_whatever_the_log() {
    let mut pane = pane(100_000_000);
    for _ in 0..500 {
        pane.page(-2);
        settle(&mut pane, 100_000_000);
        assert!(pane.lines.len() <= super::MOST_LINES);
    }
    pane.top();
    settle(&mut pane, 100_000_000);
    assert_eq!(draw(&pane)[0], "▌line 0");
    for end in 0..200 {
        pane.end();
        pane.grew(100_000_000 + end * 50, 0);
        settle(&mut pane, 100_000_000 + end * 50);
        assert!(pane.lines.len() <= super::MOST_LINES);
    }
}

#[test]
fn one_window_is_asked_for_at_a_time() {
    let mut pane = pane(1_000);
    pane.grew(2_000, 0);
    pane.fit(40, 10);
    let query = pane.wants().expect("new lines are missing");
    pane.grew(9_000, 0);
    pane.fit(40, 10);
    assert_eq!(pane.wants(), None);
    pane.take(window(&query, 9_000, text));
    pane.fit(40, 10);
    assert!(pane.wants().is_some_and(|query| query.from >= Some(8_000)));
}

#[test]
fn a_match_is_found_from_the_cursor_and_round_the_end() {
    let mut pane = pane(1_000);
    pane.set_search(Some("line .00$"));
    let hits = (1..10).map(|n| SearchHit { number: n * 100, ranges: vec![(0, 4)] }).collect();
    pane.hits("line .00$", hits, true);
    assert_eq!((pane.cursor, pane.search_state().as_deref()), (900, Some("9/9")));
    assert!(pane.jump(false, false));
    assert_eq!(pane.cursor, 100);
    assert!(pane.jump(true, false));
    assert_eq!(pane.cursor, 900);
    pane.hits("another search", vec![SearchHit { number: 1, ranges: vec![] }], true);
    assert_eq!(pane.search_state().as_deref(), Some("9/9"));
}

#[test]
fn a_wrapped_line_takes_its_rows_and_a_cut_one_scrolls_sideways() {
    let mut pane = LogPane::new(Charset::Unicode);
    pane.show(Some((StageId::new("build"), 1, Timestamp(0))));
    pane.fit(12, 10);
    let query = pane.wants().expect("a first window");
    pane.take(window(&query, 2, |number| format!("{number}abcdefghijklmnop")));
    pane.toggle_wrap();
    pane.fit(12, 10);
    assert_eq!(&draw(&pane)[..4], ["0abcdefghi", "jklmnop", "1abcdefghi", "jklmnop"]);
    pane.toggle_wrap();
    pane.scroll_sideways(4);
    pane.fit(12, 10);
    assert_eq!(&draw(&pane)[..2], ["defghijklm", "defghijklm"]);
}

#[test]
fn a_selection_copies_raw_lines() {
    let mut pane = pane(100);
    pane.step(-3);
    pane.toggle_mark();
    pane.step(2);
    assert_eq!(pane.copied(), Some(("line 96\nline 97\nline 98".to_owned(), 3, 3)));
    assert!(!pane.drop_mark());
}

#[test]
fn a_log_that_cannot_be_read_is_not_asked_for_over_and_over() {
    let mut pane = LogPane::new(Charset::Unicode);
    pane.show(Some((StageId::new("build"), 1, Timestamp(0))));
    pane.fit(40, 10);
    let query = pane.wants().expect("a first window");
    pane.failed();
    assert_eq!(pane.wants(), None);
    pane.grew(500, 0);
    pane.fit(40, 10);
    assert!(pane.wants().is_some(), "there is more now");
    let nothing = LogWindow { total: 500, lines: Vec::new(), ..window(&query, 0, text) };
    pane.take(nothing);
    pane.fit(40, 10);
    assert_eq!(pane.wants(), None);
    pane.step(-1);
    assert!(pane.wants().is_some(), "the user asked for it");
}

#[test]
fn a_server_that_gives_little_at_a_time_still_fills_the_view() {
    let mut pane = pane(1_000);
    pane.go(300);
    for _ in 0..20 {
        pane.fit(40, 10);
        let Some(query) = pane.wants() else { break };
        pane.take(window(&LogQuery { count: query.count.min(7), ..query }, 1_000, text));
    }
    assert!(draw(&pane).iter().all(|row| row.contains("line ")), "{:?}", draw(&pane));
}

#[test]
fn the_last_lines_come_even_when_nobody_told_of_them() {
    let mut pane = pane(1_000);
    pane.ended();
    settle(&mut pane, 1_003);
    assert_eq!(draw(&pane).last().map(String::as_str), Some("line 1002"));
    pane.step(-500);
    settle(&mut pane, 1_003);
    let before = draw(&pane);
    pane.ended();
    settle(&mut pane, 1_003);
    assert_eq!(draw(&pane), before, "a reader in the middle is not disturbed");
}
