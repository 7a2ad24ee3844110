//! Which sequences each terminal may be sent, and that a whole session with everything in it sends no other.

use std::collections::BTreeSet;

use super::driver::Driver;
use crate::tui::action::ALL;
use crate::tui::glyph::Charset;
use crate::tui::terminal::{Encoder, capabilities, modes};
use crate::tui::theme::SHIPPED;

/// What moves the cursor and clears, as every terminal with a screen knows it.
const BASE: &[&str] = &["A", "B", "C", "D", "H", "J", "K", "BS", "CR", "LF"];
const PLAIN: &[&str] = &["sgr 0", "sgr 1", "sgr 4", "sgr 7"];
const UNDO: &[&str] = &["sgr 22", "sgr 24", "sgr 27"];
const RICH: &[&str] = &["sgr 2", "sgr 3", "sgr 9", "sgr 23", "sgr 29"];
const SIXTEEN: &[&str] = &["sgr 30", "sgr 39", "sgr 40", "sgr 49", "sgr 90", "sgr 100", "sgr 38;5", "sgr 48;5"];
const TRUE: &[&str] = &["sgr 38;2", "sgr 48;2"];
const SCROLL: &[&str] = &["r", "RI"];
const CURSOR: &[&str] = &["?25h", "?25l"];
const SCREEN: &[&str] = &["?1049h", "?1049l"];
const PASTE: &[&str] = &["?2004h", "?2004l"];
const MOUSE: &[&str] = &["?1000h", "?1000l", "?1006h", "?1006l"];
const STRINGS: &[&str] = &["t", "OSC 2", "OSC 52"];
const SYNC: &[&str] = &["?2026h", "?2026l"];

/// `TERM`, `COLORTERM`, `NO_COLOR`, and what may be sent.
type Row = (&'static str, &'static str, &'static str, &'static [&'static [&'static str]]);

const TABLE: &[Row] = &[
    (
        "xterm-256color",
        "truecolor",
        "",
        &[BASE, &["G"], PLAIN, UNDO, RICH, SIXTEEN, TRUE, SCROLL, CURSOR, SCREEN, PASTE, MOUSE, STRINGS, SYNC],
    ),
    ("xterm-256color", "", "", &[BASE, &["G"], PLAIN, UNDO, RICH, SIXTEEN, SCROLL, CURSOR, SCREEN, PASTE, MOUSE, STRINGS, SYNC]),
    ("xterm-256color", "truecolor", "1", &[BASE, &["G"], PLAIN, UNDO, RICH, SCROLL, CURSOR, SCREEN, PASTE, MOUSE, STRINGS, SYNC]),
    ("tmux-256color", "", "", &[BASE, &["G"], PLAIN, UNDO, RICH, SIXTEEN, SCROLL, CURSOR, SCREEN, PASTE, MOUSE, STRINGS, SYNC]),
    ("screen", "", "", &[BASE, &["G"], PLAIN, UNDO, &["sgr 2"], SIXTEEN, SCROLL, CURSOR, SCREEN, PASTE, MOUSE]),
    ("linux", "", "", &[BASE, &["G"], PLAIN, UNDO, &["sgr 2"], SIXTEEN, SCROLL, CURSOR]),
    ("vt220", "", "", &[BASE, PLAIN, UNDO, SCROLL, CURSOR]),
    ("vt100", "", "", &[BASE, PLAIN, SCROLL]),
    ("dumb", "truecolor", "", &[BASE]),
    ("mystery", "", "", &[BASE, PLAIN, SIXTEEN, CURSOR, SCREEN]),
];

#[test]
fn no_terminal_is_sent_what_it_may_not_know() {
    for (term, colours, no_color, allowed) in TABLE {
        let sent = session(term, colours, no_color);
        let allowed: BTreeSet<String> = allowed.iter().copied().flatten().map(|name| (*name).to_owned()).collect();
        let other: Vec<_> = sent.difference(&allowed).collect();
        assert!(other.is_empty(), "{term} was sent {other:?}");
        for needed in ["H", "J"] {
            assert!(sent.contains(needed), "{term} was not sent {needed}");
        }
    }
}

#[test]
fn what_a_terminal_has_is_used() {
    let sent = session("xterm-256color", "truecolor", "");
    let wanted = ["?2026h", "?1049h", "?2004h", "?1000h", "OSC 52", "OSC 2", "r", "K", "G", "sgr 38;2", "sgr 22", "sgr 90"];
    for name in wanted {
        assert!(sent.contains(name), "{name} of {sent:?}");
    }
    assert!(session("vt100", "", "").contains("r"));
    assert!(session("screen", "", "").contains("sgr 90"));
}

#[test]
fn every_mode_that_is_set_is_unset_in_reverse() {
    for (term, colours, no_color, _) in TABLE {
        let abilities = abilities(term, colours, no_color).0;
        let named = |bytes: &[u8], end: char| -> Vec<String> {
            let all = list(bytes).into_iter();
            all.filter(|name| name.starts_with('?') && name.ends_with(end) && name != "?25h").collect()
        };
        let set: Vec<String> = named(&modes::enter(&abilities), 'h');
        let mut unset = named(&modes::leave(&abilities), 'l');
        unset.retain(|name| set.contains(&name.replace('l', "h")));
        let back: Vec<String> = set.iter().rev().map(|name| name.replace('h', "l")).collect();
        assert_eq!(unset, back, "{term}");
        let cursor = |bytes: &[u8], name: &str| list(bytes).iter().any(|sent| sent == name);
        assert_eq!(cursor(&modes::enter(&abilities), "?25l"), cursor(&modes::leave(&abilities), "?25h"), "{term}");
    }
}

fn abilities(term: &str, colours: &str, no_color: &str) -> (crate::tui::terminal::Abilities, Charset) {
    let variables = [("TERM", term), ("COLORTERM", colours), ("NO_COLOR", no_color), ("LANG", "C.UTF-8")];
    capabilities(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

/// Every kind of sequence that goes out from entering to leaving, with every key and every theme in between.
fn session(term: &str, colours: &str, no_color: &str) -> BTreeSet<String> {
    let (abilities, charset) = abilities(term, colours, no_color);
    let mut driver = Driver::new(80, 24, charset);
    let mut encoder = Encoder::new(abilities);
    let mut sent = modes::enter(&abilities);
    for context in ["1", "2", "2 j enter", "2 enter tab"] {
        driver.keys(context);
        for key in ALL.iter().flat_map(|facts| facts.keys).filter(|key| **key != "f1") {
            driver.keys(key);
            sent.extend(encoder.frame(driver.buffer()));
        }
        driver.keys("esc esc esc");
    }
    driver.keys("2 j enter");
    for _ in SHIPPED {
        for key in ["ctrl-t", "j", "enter", "i", "?", "esc", "r", "esc"] {
            driver.keys(key);
            sent.extend(encoder.frame(driver.buffer()));
        }
    }
    // Rows of a log that move.
    driver.keys("esc esc esc 2 enter tab G");
    sent.extend(encoder.frame(driver.buffer()));
    for _ in 0..6 {
        driver.keys("k k k k k k k k k k k k k k");
        sent.extend(encoder.frame(driver.buffer()));
    }
    sent.extend(modes::mouse(&abilities, true).unwrap_or_default());
    sent.extend(modes::clipboard(&abilities, "copied").unwrap_or_default());
    sent.extend(modes::leave(&abilities));
    list(&sent).into_iter().collect()
}

/// The names of all sequences, in their order.
fn list(bytes: &[u8]) -> Vec<String> {
    let mut names = Names::default();
    vte::Parser::new().advance(&mut names, bytes);
    names.0
}

#[derive(Default)]
struct Names(Vec<String>);

impl vte::Perform for Names {
    fn execute(&mut self, byte: u8) {
        let name = match byte {
            8 => "BS",
            10 => "LF",
            13 => "CR",
            _ => "another control",
        };
        self.0.push(name.to_owned());
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        let values: Vec<u16> = params.iter().map(|param| param[0]).collect();
        if action == 'm' {
            return self.style(&values);
        }
        let private = String::from_utf8_lossy(intermediates).into_owned();
        let number = if private.is_empty() { String::new() } else { values[0].to_string() };
        self.0.push(format!("{private}{number}{action}"));
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.0.push(if intermediates.is_empty() && byte == b'M' { "RI".to_owned() } else { format!("ESC {byte}") });
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.0.push(format!("OSC {}", String::from_utf8_lossy(params[0])));
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.0.push(format!("DCS {action}"));
    }
}

impl Names {
    /// Colours by their kind, attributes by their number.
    fn style(&mut self, values: &[u16]) {
        let mut rest = values.iter().copied();
        while let Some(value) = rest.next() {
            let name = match value {
                38 | 48 => {
                    let kind = rest.next().unwrap_or(0);
                    for _ in 0..if kind == 2 { 3 } else { 1 } {
                        rest.next();
                    }
                    format!("sgr {value};{kind}")
                }
                30..=37 | 40..=47 | 90..=97 | 100..=107 => format!("sgr {}", value / 10 * 10),
                _ => format!("sgr {value}"),
            };
            self.0.push(name);
        }
    }
}
