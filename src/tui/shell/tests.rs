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
use crate::tui::terminal::{Abilities, Stall};

/// What the kernel keeps for a pseudo-terminal, and what a line of 32 KB/s takes in a millisecond.
const BUFFER: usize = 16_000;
const RATE: usize = 32;

/// A terminal at the end of a slow line: a buffer that drains, and bytes that are refused while it is full.
struct Slow {
    buffered: usize,
    /// The rest of a frame for which there was no room.
    blocked: usize,
    under_way: bool,
    /// When the frame under way was refused, and when some more of it was taken, with what was left.
    refused: Option<Instant>,
    resumed: Option<(Instant, usize)>,
    capacity: usize,
    rate: usize,
    most: usize,
    stalls: u32,
}

impl Slow {
    fn new(capacity: usize) -> Self {
        let (refused, resumed) = (None, None);
        Self { buffered: 0, blocked: 0, under_way: false, refused, resumed, capacity, rate: RATE, most: 0, stalls: 0 }
    }

    fn write(&mut self, bytes: usize, now: Instant) {
        (self.under_way, self.blocked) = (true, bytes);
        (self.refused, self.resumed) = (None, None);
        self.fill(now);
    }

    fn fill(&mut self, now: Instant) {
        let taken = self.blocked.min(self.capacity - self.buffered);
        self.buffered += taken;
        self.blocked -= taken;
        self.most = self.most.max(self.buffered + self.blocked);
        if self.refused.is_some() && taken > 0 {
            self.resumed.get_or_insert((now, self.blocked));
        }
        if self.blocked > 0 {
            self.refused.get_or_insert(now);
        }
    }

    /// A millisecond passes; tells the painter what became of the frame under way.
    fn pass(&mut self, now: Instant, painter: &mut Painter) {
        self.buffered = self.buffered.saturating_sub(self.rate);
        self.fill(now);
        if self.blocked == 0 && std::mem::take(&mut self.under_way) {
            let stall = self.refused.zip(self.resumed);
            if let Some((since, (resumed, left))) = stall {
                self.stalls += 1;
                painter.refused(&Stall { since, resumed, left, until: now });
            }
        }
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
        line.pass(now, &mut painter);
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
                line.write(bytes.len(), now);
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
        assert_eq!(painter.next(), None);
        assert!(painter.bytes(now + Duration::from_secs(60), &driver.app).is_empty());
    }
}

/// Gives the milliseconds until all of a picture is on the terminal.
fn wait_for_a_picture(painter: &mut Painter, driver: &mut Driver, line: &mut Slow, start: Instant) -> u64 {
    let mut shown = false;
    for millisecond in 0..60_000 {
        let now = start + Duration::from_millis(millisecond);
        line.pass(now, painter);
        if !line.under_way {
            let bytes = painter.bytes(now, &driver.app);
            line.write(bytes.len(), now);
            shown = bytes.is_empty() && painter.next().is_none();
        }
        if shown && line.queued() == 0 {
            return millisecond;
        }
    }
    panic!("not shown within a minute")
}

fn press(painter: &mut Painter, driver: &mut Driver, key: KeyCode) {
    painter.expect_key(&driver.app);
    driver.send(Message::Key(KeyEvent::from(key)));
    painter.changed();
}

/// A painter whose terminal has just taken a frame of so many bytes, at so many a millisecond, having refused them first.
fn after_a_refusal(driver: &Driver, rate: usize, start: Instant) -> (Painter, Instant) {
    let mut painter = Painter::new(Abilities::default(), start);
    painter.bytes(start, &driver.app);
    let end = start + Duration::from_millis(u64::try_from(8_000 / rate).expect("small"));
    painter.refused(&Stall { since: start, resumed: start, left: 8_000, until: end });
    (painter, end)
}

#[test]
fn time_that_this_process_lost_does_not_change_the_pace() {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    let start = Instant::now();
    let mut painter = Painter::new(Abilities::default(), start);
    painter.bytes(start, &driver.app);
    // Half a second in which nothing here ran; the terminal had taken everything at once.
    let later = start + Duration::from_millis(500);
    driver.keys("2 enter");
    painter.changed();
    assert!(painter.next().is_some_and(|next| next <= later), "it may go out at once");
    assert!(painter.bytes(later, &driver.app).len() > 2_000, "and whole");
    assert_eq!(painter.next(), None);
}

#[test]
fn a_terminal_that_was_only_late_is_as_fast_as_before() {
    let driver = Driver::new(200, 50, Charset::Unicode);
    let start = Instant::now();
    let mut painter = Painter::new(Abilities::default(), start);
    painter.bytes(start, &driver.app);
    // Its program had no processor for half a second, then read all there was.
    let read = start + Duration::from_millis(500);
    painter.refused(&Stall { since: start, resumed: read, left: 4_000, until: read });
    painter.changed();
    assert!(painter.next().is_some_and(|next| next <= read + Duration::from_millis(1)), "{:?}", painter.next());
}

#[test]
fn a_terminal_that_refuses_bytes_is_given_slices() {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    let (mut painter, end) = after_a_refusal(&driver, 4, Instant::now());
    driver.keys("2 enter");
    painter.changed();
    assert!(painter.next().is_some_and(|next| next > end + Duration::from_secs(1)), "its buffer is full");
    for seconds in [10, 20, 30] {
        // What is owed to the screen that was there.
        painter.forget();
        painter.bytes(end + Duration::from_secs(seconds), &driver.app);
    }
    driver.keys("tab s ?");
    painter.changed();
    let slice = painter.bytes(end + Duration::from_secs(40), &driver.app).len();
    assert!((100..1_500).contains(&slice), "{slice} bytes at once on a line of 4 KB/s");
    assert!(painter.next().is_some(), "the rest comes after it");
    painter.bytes(end + Duration::from_secs(60), &driver.app);
    assert_eq!(painter.next(), None, "after a minute it is given all of it");
}

#[test]
fn a_screen_that_was_opened_and_a_popup_are_painted_whole_on_any_line() {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    let (mut painter, end) = after_a_refusal(&driver, 8, Instant::now());
    driver.keys("2");
    wait_for_a_picture(&mut painter, &mut driver, &mut Slow::new(BUFFER), end);
    for key in [KeyCode::Enter, KeyCode::Char('?'), KeyCode::Esc, KeyCode::Char(':')] {
        press(&mut painter, &mut driver, key);
        let frame = painter.bytes(end + Duration::from_secs(1), &driver.app);
        assert!(!frame.is_empty() && painter.next().is_none(), "{key:?} is answered with all of the picture");
    }
}

#[test]
fn a_terminal_that_has_taken_more_than_it_seemed_able_to_is_fast_again_before_the_minute_is_over() {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    let (mut painter, end) = after_a_refusal(&driver, 2, Instant::now());
    let mut line = Slow { rate: 10_000, ..Slow::new(BUFFER) };
    let mut now = end + Duration::from_secs(8);
    let mut open = |keys: &[KeyCode]| {
        keys.iter().for_each(|key| press(&mut painter, &mut driver, *key));
        now += Duration::from_millis(200);
        wait_for_a_picture(&mut painter, &mut driver, &mut line, now)
    };
    for screen in ['2', '1', '6', '9'].into_iter().cycle().take(60) {
        let took = open(&[KeyCode::Char(screen)]);
        assert!(took < 10, "a screen that is opened comes at once: {took} ms");
    }
    driver.keys("2 enter");
    painter.changed();
    let bytes = painter.bytes(now + Duration::from_millis(100), &driver.app).len();
    assert!(bytes > 0 && painter.next().is_none(), "and everything else, too: {bytes}, {:?}", painter.next());
    assert_eq!(line.stalls, 0);
}
