//! The painter on a simulated line and clock: nothing here waits.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent};
use tokio::time::Instant;

use super::painter::Painter;
use crate::model::StageId;
use crate::tui::app::tests::driver::Driver;
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;
use crate::tui::message::Message;
use crate::tui::terminal::Abilities;

/// What the kernel keeps for a pseudo-terminal, and what a line of 32 KB/s takes in a millisecond.
const BUFFER: usize = 16_000;
const RATE: usize = 32;

/// A terminal at the end of a slow line: a buffer that drains, and writes that block while it is full.
struct Slow {
    buffered: usize,
    /// The rest of a frame whose write blocks.
    blocked: usize,
    under_way: bool,
    capacity: usize,
    most: usize,
}

impl Slow {
    fn new(capacity: usize) -> Self {
        Self { buffered: 0, blocked: 0, under_way: false, capacity, most: 0 }
    }

    fn write(&mut self, bytes: usize) {
        self.under_way = true;
        self.blocked = bytes;
        self.fill();
    }

    fn fill(&mut self) {
        let taken = self.blocked.min(self.capacity - self.buffered);
        self.buffered += taken;
        self.blocked -= taken;
        self.most = self.most.max(self.buffered + self.blocked);
    }

    /// A millisecond passes; true when the frame under way has gone into the buffer.
    fn pass(&mut self) -> bool {
        self.buffered = self.buffered.saturating_sub(RATE);
        self.fill();
        self.blocked == 0 && std::mem::take(&mut self.under_way)
    }

    fn queued(&self) -> usize {
        self.buffered + self.blocked
    }
}

/// Ten thousand log lines a second for so many simulated seconds, with a key every 370 ms. Gives for every key how many
/// milliseconds went by until the last byte of its frame was through the line, without the way of the light.
fn answers(abilities: Abilities, line: &mut Slow, seconds: u64) -> Vec<u64> {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    driver.keys("2 enter");
    let start = Instant::now();
    let mut painter = Painter::new(abilities, start);
    let mut answers = Vec::new();
    let mut waiting: VecDeque<u64> = VecDeque::new();
    for millisecond in 0..seconds * 1_000 {
        let now = start + Duration::from_millis(millisecond);
        if line.pass() {
            painter.drained(now);
        }
        if millisecond % 20 == 0 {
            driver.lines += 200;
            let (run, stage) = (driver.runs[0].id.clone(), StageId::new("unit-tests"));
            let lines = driver.lines;
            driver.reply(Reply::LogGrew { run, stage, attempt: 1, lines, bytes: lines * 61 });
            painter.changed();
        }
        if millisecond % 370 == 369 {
            let key = ['l', 'j', 'h', 'k'][usize::try_from(millisecond / 370 % 4).expect("small")];
            painter.expect_key(&driver.app);
            driver.send(Message::Key(KeyEvent::from(KeyCode::Char(key))));
            painter.changed();
            waiting.push_back(millisecond);
        }
        if !line.under_way {
            let bytes = painter.bytes(now, &driver.app);
            if !bytes.is_empty() {
                line.write(bytes.len());
            }
            while let Some(since) = waiting.pop_front() {
                answers.push(millisecond - since + u64::try_from(line.queued() / RATE).expect("small"));
            }
        }
    }
    answers
}

fn share(answers: &mut [u64], percent: usize) -> u64 {
    answers.sort_unstable();
    answers[answers.len() * percent / 100]
}

#[test]
fn a_key_is_answered_within_150_ms_of_line_on_a_slow_line_under_ten_thousand_log_lines_a_second() {
    let mut line = Slow::new(BUFFER);
    let mut times = answers(Abilities::default(), &mut line, 40);
    assert!(times.len() > 100, "{} keys", times.len());
    let late = share(&mut times, 95);
    assert!(late <= 150, "p95 {late} ms of {times:?}");
    assert!(line.most <= BUFFER + 12_000, "{} bytes stood in line", line.most);
}

#[test]
fn through_ssh_whose_buffers_hide_a_slow_line_little_ever_stands_in_line() {
    let mut line = Slow::new(4_000_000);
    let abilities = Abilities { remote: true, ..Abilities::default() };
    let mut times = answers(abilities, &mut line, 40);
    let late = share(&mut times, 95);
    assert!(late <= 150, "p95 {late} ms of {times:?}");
    // The first frame, and what a key may add to a slice.
    assert!(line.most <= 12_000, "{} bytes stood in line", line.most);
}

#[test]
fn a_fast_terminal_gets_every_picture_whole_thirty_times_a_second() {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    driver.keys("2 enter");
    let start = Instant::now();
    let mut painter = Painter::new(Abilities::default(), start);
    let mut frames = 0;
    for millisecond in 0..10_000 {
        let now = start + Duration::from_millis(millisecond);
        driver.lines += 10;
        let (run, stage) = (driver.runs[0].id.clone(), StageId::new("unit-tests"));
        driver.reply(Reply::LogGrew { run, stage, attempt: 1, lines: driver.lines, bytes: driver.lines });
        painter.changed();
        frames += usize::from(!painter.bytes(now, &driver.app).is_empty());
        painter.drained(now);
    }
    assert!((290..=310).contains(&frames), "{frames} frames in ten seconds");
}

#[test]
fn with_nothing_new_nothing_is_due() {
    let driver = Driver::new(80, 24, Charset::Unicode);
    let now = Instant::now();
    for remote in [false, true] {
        let mut painter = Painter::new(Abilities { remote, ..Abilities::default() }, now);
        assert!(!painter.bytes(now, &driver.app).is_empty());
        painter.drained(now);
        assert_eq!(painter.next(), None);
        assert!(painter.bytes(now + Duration::from_secs(60), &driver.app).is_empty());
    }
}
