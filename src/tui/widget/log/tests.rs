use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::held::MOST_LINES;
use super::scripted::Scripted;
use super::{LogPane, Subject};
use crate::model::{LineFilter, LogName, LogStart, ScanPiece, StageId, Timestamp, ViewQuery, ViewWindow};
use crate::tui::glyph::Charset;
use crate::tui::widget::paint::{Look, Paint};

fn text(number: u64) -> String {
    format!("line {number}")
}

fn subject() -> Subject {
    Subject { log: Some(LogName { stage: StageId::new("build"), attempt: 1 }), start: Timestamp(0) }
}

fn window(query: &ViewQuery, total: u64) -> ViewWindow {
    Scripted::new(total, text).lines(query)
}

fn fresh() -> LogPane {
    let mut pane = LogPane::new(Charset::Unicode);
    pane.show(Some(subject()));
    pane
}

/// A pane on a log of `total` lines, with everything it wants delivered.
fn pane(total: u64) -> LogPane {
    let mut pane = fresh();
    settle(&mut pane, total);
    pane
}

fn settle(pane: &mut LogPane, total: u64) {
    settle_with(pane, &Scripted::new(total, text));
}

/// Answers everything the pane wants; gives the number of questions.
fn settle_with(pane: &mut LogPane, engine: &Scripted<impl Fn(u64) -> String>) -> usize {
    for asked in 0..60 {
        pane.fit(40, 10);
        let Some(query) = pane.wants() else { return asked };
        pane.take(&query, engine.lines(&query));
    }
    panic!("the pane never has enough");
}

fn keep(pattern: &str, inverse: bool) -> Option<LineFilter> {
    Some(LineFilter { pattern: pattern.to_owned(), inverse })
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
        assert!(pane.held.lines.len() <= MOST_LINES + 200);
    }
    pane.top();
    settle(&mut pane, 100_000_000);
    assert_eq!(draw(&pane)[0], "▌line 0");
    for end in 0..200 {
        pane.end();
        pane.grew(100_000_000 + end * 50, 0);
        settle(&mut pane, 100_000_000 + end * 50);
        assert!(pane.held.lines.len() <= MOST_LINES + 200);
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
    pane.take(&query, window(&query, 2_000));
    pane.fit(40, 10);
    assert!(pane.wants().is_some_and(|query| query.from == LogStart::End), "too far to read on");
}

#[test]
fn a_wrapped_line_takes_its_rows_and_a_cut_one_scrolls_sideways() {
    let mut pane = fresh();
    pane.fit(12, 10);
    let query = pane.wants().expect("a first window");
    pane.take(&query, Scripted::new(2, |number| format!("{number}abcdefghijklmnop")).lines(&query));
    pane.toggle_wrap();
    pane.fit(12, 10);
    assert_eq!(&draw(&pane)[..4], ["0abcdefghi", "jklmnop", "1abcdefghi", "jklmnop"]);
    pane.toggle_wrap();
    pane.scroll_sideways(4);
    pane.fit(12, 10);
    assert_eq!(&draw(&pane)[..2], ["‹efghijkl›", "‹efghijkl›"]);
}

#[test]
fn a_log_that_cannot_be_read_is_not_asked_for_over_and_over() {
    let mut pane = fresh();
    pane.fit(40, 10);
    assert!(pane.wants().is_some());
    pane.failed();
    assert_eq!(pane.wants(), None);
    pane.grew(500, 0);
    pane.fit(40, 10);
    let query = pane.wants().expect("there is more now");
    pane.take(&query, window(&query, 0));
    pane.fit(40, 10);
    assert_eq!(pane.wants(), None, "the answer did not help");
    pane.step(-1);
    pane.fit(40, 10);
    assert!(pane.wants().is_some(), "the user asked for it");
}

#[test]
fn a_server_that_gives_little_at_a_time_still_fills_the_view() {
    let mut pane = pane(1_000);
    pane.go(300);
    for _ in 0..40 {
        pane.fit(40, 10);
        let Some(query) = pane.wants() else { break };
        pane.take(&query, window(&ViewQuery { count: query.count.min(7), ..query.clone() }, 1_000));
    }
    assert!(draw(&pane).iter().all(|row| row.contains("line ")), "{:?}", draw(&pane));
}

#[test]
fn the_last_lines_come_even_when_nobody_told_of_them() {
    let mut pane = pane(1_000);
    pane.may_have_grown();
    settle(&mut pane, 1_003);
    assert_eq!(draw(&pane).last().map(String::as_str), Some("line 1002"));
    pane.step(-500);
    settle(&mut pane, 1_003);
    let before = draw(&pane);
    pane.may_have_grown();
    settle(&mut pane, 1_003);
    assert_eq!(draw(&pane), before, "a reader in the middle is not disturbed");
}

#[test]
fn only_lines_that_pass_are_shown_with_their_own_numbers_and_follow_goes_on() {
    let mut pane = pane(1_000);
    pane.set_filter(keep("7$", false));
    settle(&mut pane, 1_000);
    assert_eq!(draw(&pane)[8..], ["988 line 987", "998 line 997"]);
    pane.grew(1_010, 0);
    settle(&mut pane, 1_010);
    assert_eq!(draw(&pane)[8..], ["998 line 997", "1008 line 1007"]);
    pane.step(-1);
    pane.step(-1);
    pane.page(-2);
    settle(&mut pane, 1_010);
    assert_eq!(draw(&pane)[0], "818 line 817", "{:?}", draw(&pane));
    pane.top();
    settle(&mut pane, 1_010);
    assert_eq!(draw(&pane)[..2], ["▌   8 line 7", "18 line 17"]);
    let cursor = pane.cursor;
    pane.set_filter(None);
    settle(&mut pane, 1_010);
    assert_eq!((pane.cursor, draw(&pane)[3].as_str()), (cursor, "▌line 7"), "the line looked at stays");
}

#[test]
fn an_inverse_filter_leaves_lines_out() {
    let mut pane = pane(100);
    pane.set_filter(keep("[1-9]$", true));
    settle(&mut pane, 100);
    assert_eq!(draw(&pane)[8..], ["81 line 80", "91 line 90"]);
    assert_eq!(draw(&pane)[0], "1 line 0");
    pane.set_filter(keep("nothing has this", false));
    settle(&mut pane, 100);
    assert_eq!(draw(&pane)[0], "no line passes the filter");
}

#[test]
fn rare_lines_of_a_huge_log_come_from_the_place_looked_at_a_stretch_at_a_time() {
    let engine = Scripted { most: 10_000, ..Scripted::new(1_000_000, text) };
    let mut pane = fresh();
    settle_with(&mut pane, &engine);
    pane.set_filter(keep("99990$", false));
    pane.fit(40, 10);
    let first = pane.wants().expect("lines that pass");
    assert_eq!((first.from.clone(), first.backwards), (LogStart::End, true));
    let answer = engine.lines(&first);
    assert_eq!(answer.to.line() - answer.from.line(), 10_000, "only a stretch was looked at");
    pane.take(&first, answer);
    pane.fit(40, 10);
    assert_eq!(draw(&pane)[0], "999991 line 999990", "shown before the rest was read");
    assert!(pane.wants().is_some_and(|query| query.backwards), "and more is looked for");
    pane.set_filter(keep("5", false));
    pane.take(&first, engine.lines(&first));
    assert!(pane.held.is_empty(), "an answer to a filter that is gone does not count");
}

#[test]
fn filtered_lines_are_counted_as_the_log_grows() {
    let engine = Scripted::new(1_000, text);
    let mut pane = pane(1_000);
    assert_eq!(pane.wants_scan(), None, "nothing to count");
    pane.set_filter(keep("7$", false));
    let query = pane.wants_scan().expect("a scan");
    assert_eq!(pane.wants_scan(), None, "one at a time");
    pane.scanned(&query, ScanPiece { passed: 30, ..ScanPiece::default() });
    assert_eq!(pane.filter_state().as_deref(), Some("&7$ 30…"));
    pane.scanned(&query, ScanPiece { passed: 70, end: engine.scan(&query).end, ..ScanPiece::default() });
    assert_eq!(pane.filter_state().as_deref(), Some("&7$ 100"));
    pane.grew(1_020, 0);
    let more = pane.wants_scan().expect("what is new");
    assert_eq!(more.from.line(), 1_000);
    pane.scanned(&more, Scripted::new(1_020, text).scan(&more));
    assert_eq!(pane.filter_state().as_deref(), Some("&7$ 102"));
}

#[test]
fn a_match_is_found_from_the_cursor_and_round_the_end() {
    let engine = Scripted::new(1_000, text);
    let mut pane = pane(1_000);
    let find = |pane: &mut LogPane, backwards, inclusive| {
        let query = pane.find(backwards, inclusive).expect("a search");
        let missing = pane.found(&query, engine.find(&query));
        (pane.cursor, missing)
    };
    pane.set_search(Some("line .00$"));
    assert_eq!(find(&mut pane, true, true), (900, None), "the last one, while following");
    assert_eq!(find(&mut pane, false, false), (100, Some("went on from the start of the log")), "round the end");
    assert_eq!(find(&mut pane, true, false), (900, Some("went on from the end of the log")));
    assert_eq!(find(&mut pane, true, false), (800, None));
    assert_eq!(pane.search_state().as_deref(), Some("0…"));
    let scan = pane.wants_scan().expect("a scan");
    pane.scanned(&scan, engine.scan(&scan));
    assert_eq!(pane.search_state().as_deref(), Some("8/9"));
    pane.set_search(Some("another"));
    pane.scanned(&scan, engine.scan(&scan));
    assert_eq!(pane.search_state().as_deref(), Some("0…"), "hits of a search that is gone do not count");
    assert_eq!(find(&mut pane, false, false), (800, Some("no match")));
}

#[test]
fn a_search_inside_a_filter_finds_only_what_is_shown() {
    let engine = Scripted::new(1_000, text);
    let mut pane = pane(1_000);
    pane.set_filter(keep("0$", false));
    pane.set_search(Some("line 1"));
    settle(&mut pane, 1_000);
    pane.top();
    settle(&mut pane, 1_000);
    let query = pane.find(false, false).expect("a search");
    assert_eq!(pane.found(&query, engine.find(&query)), None);
    settle(&mut pane, 1_000);
    assert_eq!((pane.cursor, draw(&pane)[1].as_str()), (10, "▌  11 line 10"));
    let scan = pane.wants_scan().expect("a scan");
    pane.scanned(&scan, engine.scan(&scan));
    assert_eq!((pane.search_state().as_deref(), pane.filter_state().as_deref()), (Some("1/11"), Some("&0$ 100")));
}

#[test]
fn all_stages_together_name_the_stage_of_each_line() {
    let mut pane = LogPane::new(Charset::Unicode);
    pane.show(Some(Subject { log: None, start: Timestamp(0) }));
    settle(&mut pane, 100);
    assert_eq!(draw(&pane)[8..], ["build      line 98", "unit-tests line 99"]);
    pane.may_have_grown();
    settle(&mut pane, 103);
    assert!(draw(&pane)[9].ends_with("line 102"));
    pane.step(-1);
    pane.may_have_grown();
    settle(&mut pane, 110);
    assert_eq!((pane.unseen(), pane.total()), (7, 110));
}

#[test]
fn of_a_long_line_only_what_can_be_seen_is_asked_for() {
    let engine = Scripted::new(200, |number| format!("{number} {}", "x".repeat(1_000_000)));
    let mut pane = fresh();
    settle_with(&mut pane, &engine);
    let held = |pane: &LogPane| pane.held.lines.iter().map(|line| line.raw.len()).max().unwrap_or(0);
    assert_eq!(held(&pane), 1_024);
    assert!(draw(&pane)[9].contains("MB more") || draw(&pane)[9].contains("KB more"), "{:?}", draw(&pane)[9]);
    for _ in 0..200 {
        pane.scroll_sideways(8);
    }
    settle_with(&mut pane, &engine);
    assert_eq!(held(&pane), 8_192);
    assert!(draw(&pane)[9].starts_with("‹xxx"), "{:?}", draw(&pane));
}

#[test]
fn json_is_shown_as_columns_on_request_and_as_it_came_again() {
    let engine = Scripted::new(20, |number| format!(r#"{{"n":{number},"level":"info","msg":"m{number}"}}"#));
    let mut pane = fresh();
    settle_with(&mut pane, &engine);
    let before = draw(&pane);
    pane.toggle_columns();
    settle_with(&mut pane, &engine);
    assert_eq!(draw(&pane)[9], "info m19 n=19");
    pane.toggle_columns();
    assert_eq!(draw(&pane), before);
}

#[test]
fn what_is_cut_off_at_an_end_of_a_line_is_marked() {
    let engine = Scripted::new(20, |number| format!("{number} {} end", "x".repeat(60)));
    let mut pane = fresh();
    settle_with(&mut pane, &engine);
    let row = draw(&pane)[9].clone();
    assert!(row.starts_with("19 x") && row.ends_with("x›"), "{row}");
    pane.scroll_sideways(16);
    settle_with(&mut pane, &engine);
    let row = draw(&pane)[9].clone();
    assert!(row.starts_with("‹x") && row.ends_with("x›"), "{row}");
    pane.scroll_sideways(16);
    settle_with(&mut pane, &engine);
    assert!(draw(&pane)[9].ends_with("x end"), "{:?}", draw(&pane)[9]);
}

#[test]
fn a_search_scrolls_sideways_to_its_match_and_back() {
    let engine = Scripted::new(20, |number| match number {
        3 => "needle first".to_owned(),
        7 => format!("{} needle {}", "x".repeat(3_000), "y".repeat(100)),
        other => format!("line {other}"),
    });
    let mut pane = fresh();
    settle_with(&mut pane, &engine);
    pane.set_search(Some("NEEDLE"));
    assert_eq!(pane.find(true, true).and_then(|query| engine.find(&query)), None, "capitals are meant");
    pane.set_search(Some("needle"));
    for (line, text) in [(7, "needle"), (3, "needle first")] {
        let query = pane.find(true, false).expect("a search");
        assert_eq!(pane.found(&query, engine.find(&query)), None);
        settle_with(&mut pane, &engine);
        assert_eq!(pane.cursor, line);
        assert!(draw(&pane).iter().any(|row| row.contains(text)), "{:?}", draw(&pane));
    }
}

#[test]
fn a_pattern_in_lower_case_means_any_case_and_a_class_is_no_capital() {
    let engine = Scripted::new(20, |number| if number == 5 { "An ERROR".to_owned() } else { format!("line {number}") });
    let mut pane = fresh();
    settle_with(&mut pane, &engine);
    for (pattern, hits) in [("error", 1), ("Error", 0), (r"\Serror", 0), (r"an\Serror|\san error|n\s+error", 1)] {
        pane.set_search(Some(pattern));
        let scan = pane.wants_scan().expect("a scan");
        assert_eq!(engine.scan(&scan).count, hits, "{pattern}");
    }
    pane.set_filter(keep("error", false));
    settle_with(&mut pane, &engine);
    assert!(draw(&pane).iter().any(|row| row == "6 An ERROR"), "{:?}", draw(&pane));
}

#[test]
fn of_a_filtered_log_only_new_lines_that_pass_are_counted_as_new() {
    let mut pane = pane(1_000);
    pane.set_filter(keep("7$", false));
    settle(&mut pane, 1_000);
    let scan = pane.wants_scan().expect("a scan");
    pane.scanned(&scan, Scripted::new(1_000, text).scan(&scan));
    pane.step(-1);
    pane.grew(1_050, 0);
    let scan = pane.wants_scan().expect("what is new");
    pane.scanned(&scan, Scripted::new(1_050, text).scan(&scan));
    assert_eq!(pane.unseen(), 5);
}

#[test]
fn a_count_under_way_says_how_far_it_has_come() {
    let mut pane = pane(1_000);
    pane.set_search(Some("7"));
    let scan = pane.wants_scan().expect("a scan");
    pane.scanned(&scan, ScanPiece { looked: 400, passed: 400, count: 3, ..ScanPiece::default() });
    assert_eq!(pane.search_state().as_deref(), Some("3… 40%"));
}

#[test]
fn the_parts_of_a_very_long_line_are_marked_and_belong_together() {
    let engine = Scripted::new(10, text);
    let mut pane = fresh();
    pane.fit(40, 10);
    let query = pane.wants().expect("lines");
    let mut window = engine.lines(&query);
    window.lines.iter_mut().filter(|line| (3..6).contains(&line.number)).for_each(|line| line.partial = true);
    pane.take(&query, window);
    pane.fit(40, 10);
    let marked: Vec<bool> = draw(&pane).iter().map(|row| row.starts_with('↪')).collect();
    assert_eq!(marked, [false, false, false, false, true, true, true, false, false, false]);
    assert_eq!((pane.whole((5, 5)), pane.whole((1, 2)), pane.whole((3, 9))), ((3, 6), (1, 2), (3, 9)));
}

#[test]
fn a_match_across_two_parts_is_marked_in_both_and_a_line_in_parts_counts_once() {
    let engine = Scripted::new(10, |number| match number {
        3 => format!("{} nee", "x".repeat(100)),
        4 => "dle and a needle".to_owned(),
        other => text(other),
    });
    let mut pane = fresh();
    pane.fit(40, 10);
    let query = pane.wants().expect("lines");
    let mut window = engine.lines(&query);
    window.parts = 1;
    window.lines[3].partial = true;
    pane.take(&query, window);
    pane.fit(40, 10);
    assert_eq!((pane.total(), pane.whole_lines()), (10, 9));
    pane.set_search(Some("needle"));
    let marks = |number: u64| {
        let marks = pane.marks(pane.held.line(number).expect("held"));
        marks.into_iter().map(|mark| (mark.start, mark.end)).collect::<Vec<_>>()
    };
    assert_eq!((marks(3), marks(4)), (vec![(101, 104)], vec![(0, 3), (10, 16)]));
    let query = pane.find(true, true).expect("a search");
    pane.found(&query, Some(3));
    pane.fit(40, 10);
    assert!(draw(&pane).iter().any(|row| row.ends_with("x nee")), "the part is scrolled to where it begins: {:?}", draw(&pane));
}
