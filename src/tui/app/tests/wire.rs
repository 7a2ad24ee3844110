//! What the console costs on the line, in bytes: budgets at 200×50 over a scripted session. The figures are printed:
//! `cargo test --lib wire -- --nocapture`.

#![expect(clippy::print_stdout, reason = "a budget tells how much of it is used")]

use super::driver::Driver;
use crate::model::StageId;
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;
use crate::tui::terminal::{Abilities, Encoder};

/// The console and the terminal's end of its line.
struct Line {
    driver: Driver,
    encoder: Encoder,
}

impl Line {
    /// On the overview, whose first frame has gone out; gives its size too.
    fn new(width: u16, height: u16) -> (Self, usize) {
        let driver = Driver::new(width, height, Charset::Unicode);
        let mut line = Self { driver, encoder: Encoder::new(Abilities::default()) };
        let first = line.bytes();
        (line, first)
    }

    fn bytes(&mut self) -> usize {
        self.encoder.frame(self.driver.buffer()).len()
    }

    fn key(&mut self, key: &str) -> usize {
        self.driver.keys(key);
        self.bytes()
    }

    fn grow(&mut self, by: u64) -> usize {
        self.driver.lines += by;
        let (run, stage) = (self.driver.runs[0].id.clone(), StageId::new("unit-tests"));
        let lines = self.driver.lines;
        self.driver.reply(Reply::LogGrew { run, stage, attempt: 1, lines, bytes: lines * 61 });
        self.bytes()
    }
}

#[test]
fn a_first_frame_is_at_most_9_kb_and_3_kb_on_a_small_terminal() {
    for (width, height, most) in [(200, 50, 9_000), (80, 24, 3_000)] {
        let (mut line, overview) = Line::new(width, height);
        assert!(overview <= most, "the overview at {width}x{height}: {overview}");
        // Coming back to a run paints it onto an empty terminal.
        line.driver.keys("2 enter");
        line.encoder.forget();
        let run = line.bytes();
        println!("first frame at {width}x{height}: {overview} bytes of the overview, {run} of a run");
        assert!(run <= most, "the run at {width}x{height}: {run}");
    }
}

#[test]
fn a_new_log_line_while_following_is_at_most_200_bytes() {
    let (mut line, _) = Line::new(200, 50);
    line.key("2");
    line.key("enter");
    let costs: Vec<usize> = (0..40).map(|_| line.grow(1)).collect();
    println!("a new log line: {:?} bytes at most", costs.iter().max());
    assert!(costs.iter().all(|cost| (1..=200).contains(cost)), "{costs:?}");
}

#[test]
fn nothing_new_is_nothing_on_the_line() {
    let (mut line, _) = Line::new(200, 50);
    for key in ["2", "enter", "i", "?"] {
        line.key(key);
        assert_eq!(line.bytes(), 0, "after {key}");
    }
    assert_eq!(line.grow(0), 0);
}

/// Looking around as people do: lists, a run's graph and log, a search, the inspector, the help, back.
pub const SESSION: &str = "j j k 2 j j k k j enter l l j h l l l h j k l n c tab k k k k j j k k pagedown pageup G \
    k k k k k k k k j j j j pageup pageup k k j j G w w T T / s h o p enter n n n N N esc tab l l h h j j k k i j j \
    j k l l i z j j k z j k z ? esc r esc : r u n s backspace backspace backspace esc esc k k j j enter \
    tab j j j j k k k k k k k k k k h h l l w k k k k j j j j G tab l j l j l j h h h 1 j k j 2 j j k k enter l l \
    l h h i l l l j j j k k k i tab k k k k k k k k k k j j j j j j j j j j G";

#[test]
fn a_key_costs_150_bytes_at_the_median() {
    let (mut line, _) = Line::new(200, 50);
    let mut costs: Vec<(usize, &str)> = SESSION.split_whitespace().map(|key| (line.key(key), key)).collect();
    assert!(costs.len() >= 200, "{} keys", costs.len());
    costs.sort_unstable();
    let median = costs[costs.len() / 2].0;
    println!("a key: {median} bytes at the median of {}", costs.len());
    assert!(median <= 150, "{median} bytes; {costs:?}");
}
