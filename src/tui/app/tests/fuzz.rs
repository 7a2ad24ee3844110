//! A million random bytes, as a terminal would send them, over every screen and every question: nothing that is protected
//! is ever ordered.
//!
//! Why none, and not only few: the least that orders anything is an environment's name, typed letter by letter into a field
//! of its own (a paste clears it, a burst clears it), and the key that sends it. The shortest name here is `staging`. The
//! stream leads to the questions on purpose and has their keys far more often than chance would, but the letters `g`, `i` and
//! `n` come only as single bytes out of 256 in at most every other place: once in 512. The `ging` that ends the name does
//! so once in 512^4 = 7e10 tries, a million bytes are 1e6 tries, and the other names are longer and want a second word.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};

use super::confirm::key_of;
use super::driver::Driver;
use super::released::deployments;
use super::waiting::{gates, mine};
use crate::tui::glyph::Charset;
use crate::tui::message::Message;
use crate::tui::popup::Popup;
use crate::tui::popup::confirm::Subject;
use crate::tui::screen::Screen;

const BYTES: usize = 1_000_000;

/// Keys that lead to a question or answer one.
const NEAR: &[u8] = b"45bpHQLJKaxwjk\t\r\r:\x1b\x7f1237689";

/// The ways to every question, from anywhere.
const WAYS: [&str; 10] = [
    "\x1b\x1b\x1b4\x1b[Fb\r",
    "\x1b\x1b\x1b4\x1b[Hjb\r",
    "\x1b\x1b\x1b4\x1b[Hp",
    "\x1b\x1b\x1b4\x1b[FH",
    "\x1b\x1b\x1b4\x1b[HH",
    "\x1b\x1b\x1b4\x1b[FL",
    "\x1b\x1b\x1b4\x1b[FJQ",
    "\x1b\x1b\x1b5\x1b[Ha",
    "\x1b\x1b\x1b5\x1b[Hx",
    "\x1b\x1b\x1b5\x1b[Hw",
];

/// Words that are nearly right, or that somebody might try.
const WORDS: [&str; 8] = ["prod", "st", "1.4", "yes", "x\t", "\t\t", "ticket\t", "\x1b[Z"];

/// What a terminal says beside letters.
const SEQUENCES: [&str; 14] = [
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1b[H",
    "\x1b[F",
    "\x1b[Z",
    "\x1b[3~",
    "\x1b[5~",
    "\x1b[6~",
    "\x1bOP",
    "\x1b[<64;9;9M",
    "\x1b[<65;9;9M",
    "\x1b[<0;3;3M",
];

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.roll(among.len())]
    }

    /// The bytes of one read.
    fn read(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=self.roll(12) {
            match self.roll(40) {
                0..18 => bytes.push(u8::try_from(self.roll(256)).expect("a byte")),
                18..33 => bytes.push(self.pick(NEAR)),
                33..36 => bytes.extend(self.pick(&WORDS).bytes()),
                36..38 => bytes.extend(self.pick(&SEQUENCES).bytes()),
                38 => bytes.extend(self.pick(&WAYS).bytes()),
                _ => bytes.extend(self.paste()),
            }
        }
        bytes
    }

    /// A paste, at times of all that it takes.
    fn paste(&mut self) -> Vec<u8> {
        let (start, end) = (b"\x1b[200~".as_slice(), b"\x1b[201~".as_slice());
        let whole = format!("ticket\tproduction\r{}\r", &mine().digest[..8]);
        let words = match self.roll(4) {
            0 => whole.into_bytes(),
            1 => b"staging".to_vec(),
            2 => b"production".to_vec(),
            _ => (0..self.roll(60)).map(|_| u8::try_from(self.roll(256)).expect("a byte")).filter(|byte| *byte != 0x1b).collect(),
        };
        [start, &words, end].concat()
    }
}

/// The bytes of one read as what the terminal's reader makes of them. What it does not know it drops.
fn events(bytes: &[u8]) -> Vec<Message> {
    let mut events = Vec::new();
    let mut rest = bytes;
    while let Some((message, used)) = next(rest) {
        events.extend(message);
        rest = &rest[used..];
    }
    events
}

fn next(bytes: &[u8]) -> Option<(Option<Message>, usize)> {
    let key = |code| Some(Message::Key(KeyEvent::from(code)));
    Some(match bytes {
        [] => return None,
        [0x1b, b'[', b'2', b'0', b'0', b'~', rest @ ..] => {
            let end = rest.windows(6).position(|window| window == b"\x1b[201~").unwrap_or(rest.len());
            let text = String::from_utf8_lossy(&rest[..end]).into_owned();
            (Some(Message::Paste(text)), bytes.len().min(6 + end + 6))
        }
        [0x1b, b'[', b'<', rest @ ..] => match rest.iter().position(|byte| matches!(byte, b'M' | b'm')) {
            Some(end) => {
                let kind = if rest.starts_with(b"64") { MouseEventKind::ScrollUp } else { MouseEventKind::ScrollDown };
                let mouse = MouseEvent { kind, column: 9, row: 9, modifiers: KeyModifiers::NONE };
                (Some(Message::Mouse(mouse)), 3 + end + 1)
            }
            None => (None, bytes.len()),
        },
        [0x1b, b'O', last, ..] => (key(KeyCode::F(1 + last % 4)), 3),
        [0x1b, b'[', number @ b'0'..=b'9', b'~', ..] => {
            let code = match number {
                b'3' => KeyCode::Delete,
                b'5' => KeyCode::PageUp,
                b'6' => KeyCode::PageDown,
                _ => KeyCode::Insert,
            };
            (key(code), 4)
        }
        [0x1b, b'[', last, ..] => {
            let code = match last {
                b'A' => Some(KeyCode::Up),
                b'B' => Some(KeyCode::Down),
                b'C' => Some(KeyCode::Right),
                b'D' => Some(KeyCode::Left),
                b'F' => Some(KeyCode::End),
                b'H' => Some(KeyCode::Home),
                b'Z' => Some(KeyCode::BackTab),
                _ => None,
            };
            (code.and_then(key), 3)
        }
        [0x1b, 0x1b, ..] | [0x1b] => (key(KeyCode::Esc), 1),
        [0x1b, byte, ..] => {
            let plain = key_of(*byte);
            (Some(Message::Key(KeyEvent { modifiers: plain.modifiers | KeyModifiers::ALT, ..plain })), 2)
        }
        [0x80..=0xff, ..] => {
            let length = (1..=bytes.len().min(4)).find(|length| std::str::from_utf8(&bytes[..*length]).is_ok());
            let letter = length.and_then(|length| std::str::from_utf8(&bytes[..length]).ok()?.chars().next());
            (letter.and_then(|letter| key(KeyCode::Char(letter))), length.unwrap_or(1))
        }
        [byte, ..] => (Some(Message::Key(key_of(*byte))), 1),
    })
}

/// What the stream has been to, so that it cannot pass by staying away.
#[derive(Default)]
struct Seen {
    screens: BTreeMap<usize, u32>,
    /// Keys that an armed question took, by what it was about.
    answers: BTreeMap<&'static str, u32>,
}

impl Seen {
    fn look(&mut self, driver: &Driver) {
        *self.screens.entry(driver.app.shown().map_or(0, Screen::number)).or_default() += 1;
        if let Some(Popup::Confirm(confirm)) = driver.app.popups.last()
            && !confirm.is_unseen()
        {
            let about = match confirm.subject() {
                Subject::Gate { .. } => "gate",
                Subject::RollBack(_) => "rollback",
                Subject::Promote(_) => "promotion",
                Subject::Standing(_) => "stop",
            };
            *self.answers.entry(about).or_default() += 1;
        }
    }
}

/// What happens beside the keys.
fn meanwhile(driver: &mut Driver, dice: &mut Dice) {
    match dice.roll(40) {
        0..16 => driver.see(),
        16..19 => driver.pass(30),
        19 => driver.wait_at(gates()),
        20 => driver.deploy(deployments()),
        21 => {
            let (width, height) = dice.pick(&[(80, 24), (100, 30), (40, 12), (30, 8)]);
            driver.send(Message::Resize { width, height });
        }
        22 => {
            assert!(!driver.buffer().content.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
        }
        _ => {}
    }
}

/// One stream of so many bytes.
fn stream(seed: u64, length: usize) -> Seen {
    let mut dice = Dice(seed);
    let mut driver = Driver::released(80, 24, Charset::Ascii);
    driver.lines = 40;
    let (mut sent, mut seen) = (0, Seen::default());
    while sent < length {
        let bytes = dice.read();
        sent += bytes.len();
        // As fast as a burst, or as slow as fingers.
        let pause = dice.pick(&[0, 0, 20, 60]);
        for event in events(&bytes) {
            seen.look(&driver);
            driver.pass(pause);
            driver.send(event);
        }
        let ordered = driver.protected();
        assert!(ordered.is_empty(), "seed {seed}, after {sent} bytes, of which the last are {bytes:?}: {ordered:?}");
        driver.asked.clear();
        driver.effects.clear();
        meanwhile(&mut driver, &mut dice);
    }
    seen
}

#[test]
fn a_million_random_bytes_over_every_screen_and_question_order_nothing_that_is_protected() {
    let streams = [7, 11].map(|seed| std::thread::spawn(move || stream(seed, BYTES / 2)));
    for seen in streams.map(|stream| stream.join().expect("no protected order")) {
        assert_eq!(seen.screens.keys().copied().collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>(), "{:?}", seen.screens);
        assert!(seen.screens.values().all(|times| *times > 500), "{:?}", seen.screens);
        assert_eq!(seen.answers.len(), 4, "{:?}", seen.answers);
        assert!(seen.answers.values().all(|keys| *keys > 500), "{:?}", seen.answers);
    }
}

#[test]
fn the_stream_would_order_something_if_it_had_the_right_words() {
    let mut driver = Driver::released(80, 24, Charset::Ascii);
    for (way, words) in [(WAYS[1], "x\tstaging\r"), (WAYS[4], "x\tstaging\r")] {
        events(way.as_bytes()).into_iter().for_each(|event| driver.send(event));
        driver.see();
        for event in events(words.as_bytes()) {
            driver.pass(60);
            driver.send(event);
        }
    }
    assert_eq!(driver.protected().len(), 2, "{}", driver.screen());
}
