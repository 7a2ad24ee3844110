//! Ten million hostile bytes on their whole way: record, window, pane, frame, terminal.
//!
//! The judge is a parser of what would reach the terminal: of the log's content nothing but colours may act on it, nothing
//! outside the pane may change, and a dialog above the log may never be painted over.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use flowdeck::logs::filter::Filter;
use flowdeck::logs::read::Log;
use flowdeck::logs::segment::Segment;
use flowdeck::logs::view::{Lines, Source, View};
use flowdeck::model::{LogName, StageId, Stream, Timestamp};
use flowdeck::tui::glyph::Charset;
use flowdeck::tui::terminal::{Abilities, Encoder, capabilities};
use flowdeck::tui::theme::{Role, Theme};
use flowdeck::tui::widget::log::{LogPane, Subject};
use flowdeck::tui::widget::paint::{Look, Paint};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const BYTES: usize = 10_000_000;
const WIDTH: u16 = 60;
const HEIGHT: u16 = 20;
const PANE: Rect = Rect { x: 3, y: 2, width: 54, height: 16 };
const DIALOG: Rect = Rect { x: 15, y: 6, width: 30, height: 7 };

/// A small generator of numbers: the same ones on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % sides
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.roll(from.len())]
    }
}

/// What starts, fills and ends sequences, whole sequences that terminals obey, and text that breaks grids.
const STARTS: &[&[u8]] = &[
    b"\x1b[",
    b"\x1b]",
    b"\x1bP",
    b"\x1b_",
    b"\x1b^",
    b"\x1bX",
    b"\x1b",
    b"\x1b\x1b",
    b"\x9b",
    b"\x9d",
    b"\x90",
    b"\xc2\x9b",
    b"\xc2\x9d",
    b"\xc2\x90",
    b"\x1b[?",
    b"\x1b[>",
    b"\x1b[=",
    b"\x1b#",
    b"\x1b(",
    b"\x1b%",
];
const ENDS: &[&[u8]] = &[
    b"m",
    b"H",
    b"J",
    b"K",
    b"A",
    b"B",
    b"h",
    b"l",
    b"n",
    b"c",
    b"r",
    b"s",
    b"u",
    b"q",
    b"t",
    b"S",
    b"T",
    b"L",
    b"M",
    b"@",
    b"X",
    b"\x07",
    b"\x1b\\",
    b"\xc2\x9c",
    b"\x9c",
    b"\x18",
    b"\x1a",
    b"",
];
const WHOLE: &[&[u8]] = &[
    b"\x1b[2J",
    b"\x1b[?1049l",
    b"\x1b[?2026h",
    b"\x1bc",
    b"\x1b[6n",
    b"\x1b[0c",
    b"\x1b]0;owned\x07",
    b"\x1b]52;c;b3duZWQ=\x07",
    b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    b"\x1bP$q\"p\x1b\\",
    b"\x1b[1;31m",
    b"\x1b[38;2;1;2;3m",
    b"\x1b[48;5;300m",
    b"\x1b[m",
    b"\x1b[8m",
    b"\x1b[5m",
    b"\x1b[;;;m",
    b"\x1b[38:2::1:2:3m",
    b"\x1b[999999999999m",
    b"\r",
    b"\x08\x08\x08",
    b"\x0b",
    b"\x0c",
    b"\x0e",
    b"\x0f",
    b"\x07",
    b"\0",
    b"\x7f",
    b"\t",
    b"\x05",
];
const GLYPHS: &[&[u8]] = &[
    "日本".as_bytes(),
    "👩‍👩‍👧‍👦".as_bytes(),
    "🇩🇪🇩".as_bytes(),
    "e\u{301}\u{301}".as_bytes(),
    "\u{301}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{2066}".as_bytes(),
    "\u{2069}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{200d}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{ad}".as_bytes(),
    "مرحبا".as_bytes(),
    "שלום".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{85}".as_bytes(),
    "\u{e0001}".as_bytes(),
    "\u{fff9}".as_bytes(),
    "ﷺ".as_bytes(),
    "𒐫".as_bytes(),
    "\u{1160}".as_bytes(),
    "☺\u{fe0f}".as_bytes(),
    // Overlong, split, surrogate and out of range.
    b"\xc0\x9b",
    b"\xe0\x80\x9b",
    b"\xf0\x80\x80\x9b",
    b"\xc1\xbf",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xff",
    b"\xfe",
    b"\x80",
];

fn hostile(dice: &mut Dice, into: &mut Vec<u8>) {
    match dice.roll(10) {
        0..=2 => {
            into.extend_from_slice(dice.pick(STARTS));
            for _ in 0..dice.roll(12) {
                into.push(b"0123456789;:?<=>!\"$ abcXYZ"[dice.roll(26)]);
            }
            into.extend_from_slice(dice.pick(ENDS));
        }
        3 | 4 => into.extend_from_slice(dice.pick(WHOLE)),
        5 | 6 => into.extend_from_slice(dice.pick(GLYPHS)),
        7 => into.extend((0..dice.roll(9)).map(|_| u8::try_from(dice.roll(256)).expect("a byte"))),
        8 => into.extend_from_slice(b"plain words "),
        _ => into.push(b'\n'),
    }
}

/// Watches what a terminal is told and notes everything but text, colours and our own moves.
#[derive(Default)]
struct Judge {
    wrong: Vec<String>,
}

impl vte::Perform for Judge {
    fn print(&mut self, c: char) {
        let turns = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        if turns || c.is_control() {
            self.wrong.push(format!("{c:?} is printed"));
        }
    }

    fn execute(&mut self, byte: u8) {
        // Our own moves.
        if !matches!(byte, b'\r' | b'\n' | 0x08) {
            self.wrong.push(format!("control {byte:#x}"));
        }
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        let first = params.iter().next().and_then(|param| param.first()).copied();
        let ours = match (intermediates, action) {
            // Colours, moves, and rows that scroll: what is where afterwards is looked at on the screen.
            (b"", 'm' | 'H' | 'C' | 'G' | 'A' | 'B' | 'D' | 'd' | 'X' | 'K' | 'r' | 'S' | 'T') => true,
            (b"", 'J') => first == Some(2),
            (b"?", 'h' | 'l') => first == Some(2026),
            _ => false,
        };
        if !ours {
            self.wrong.push(format!("sequence {intermediates:?} {params:?} {action}"));
        }
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, byte: u8) {
        // One row up, scrolling.
        if byte == b'M' {
            return;
        }
        self.wrong.push(format!("escape {:?}", char::from(byte)));
    }

    fn hook(&mut self, _: &vte::Params, _: &[u8], _: bool, action: char) {
        self.wrong.push(format!("device control {action}"));
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        self.wrong.push(format!("system command {params:?}"));
    }
}

/// What a terminal of today may be sent, in full colour.
fn abilities() -> Abilities {
    let named = |name: &str| match name {
        "TERM" => Some("xterm-256color".to_owned()),
        "COLORTERM" => Some("truecolor".to_owned()),
        _ => None,
    };
    capabilities(named).0
}

/// A terminal with a frame around the pane, and what judges its bytes.
struct Terminal {
    encoder: Encoder,
    parser: vte::Parser,
    judge: Judge,
    screen: vt100::Parser,
    clears: usize,
}

impl Terminal {
    fn new() -> Self {
        let size = |cells: u16| std::num::NonZero::new(cells).expect("not zero");
        Self {
            encoder: Encoder::new(abilities()),
            parser: vte::Parser::new(),
            judge: Judge::default(),
            screen: vt100::Parser::new(size(HEIGHT), size(WIDTH), 0),
            clears: 0,
        }
    }

    fn show(&mut self, pane: &LogPane, look: &Look, dialog: bool) {
        let mut buffer = Buffer::filled(Rect::new(0, 0, WIDTH, HEIGHT), ratatui::buffer::Cell::new("#"));
        let mut paint = Paint::new(&mut buffer, look);
        paint.clear(PANE);
        pane.draw(&mut paint, PANE, true);
        if dialog {
            paint.clear(DIALOG);
            for line in 0..DIALOG.height {
                paint.row(DIALOG, line).role(&"=".repeat(DIALOG.width.into()), Role::Text);
            }
        }
        let bytes = self.encoder.frame(buffer);
        self.clears += bytes.windows(4).filter(|window| window == b"\x1b[2J").count();
        self.parser.advance(&mut self.judge, &bytes);
        // This parser drops replacement characters, which terminals show in one cell.
        let text = String::from_utf8(bytes.clone()).expect("only whole characters leave");
        self.screen.process(text.replace('\u{fffd}', "?").as_bytes());
        assert!(self.judge.wrong.is_empty(), "{:?} in {:?}", self.judge.wrong, String::from_utf8_lossy(&bytes));
        self.check(dialog);
    }

    fn check(&self, dialog: bool) {
        let inside = |area: Rect, x, y| area.contains((x, y).into());
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let cell = self.screen.screen().cell(y, x).expect("on screen");
                if dialog && inside(DIALOG, x, y) {
                    assert_eq!(cell.contents(), "=", "the dialog at {x},{y}");
                } else if !inside(PANE, x, y) {
                    assert_eq!(cell.contents(), "#", "outside the pane at {x},{y}");
                }
            }
        }
    }
}

fn write(path: &std::path::Path) -> Range<u64> {
    let mut dice = Dice(0x5eed_f10d);
    let mut segment = Segment::new(path.to_owned(), Timestamp(0));
    let (mut batch, mut written) = (Vec::new(), 0);
    while written < BYTES {
        batch.clear();
        while batch.len() < 4_096 {
            hostile(&mut dice, &mut batch);
        }
        written += batch.len();
        let stream = if dice.roll(2) == 0 { Stream::Stdout } else { Stream::Stderr };
        segment.push(stream, written as u64 / 1_000, &batch);
        if dice.roll(8) == 0 {
            segment.settle(written as u64 / 1_000);
        }
        segment.write().expect("written");
    }
    segment.finish(written as u64);
    segment.write().expect("written");
    0..segment.lines()
}

#[test]
fn ten_million_hostile_bytes_change_nothing_but_the_pane() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("1.log");
    let lines = write(&path);
    let name = LogName { stage: StageId::new("x"), attempt: 1 };
    let view = View::of(Some(Source { name: name.clone(), lines: Lines::File(Log::open(&path).expect("a log")) }));
    assert_eq!(view.total(), lines.end);
    let look = Look { theme: Theme::shipped("terminal").expect("shipped"), charset: Charset::Unicode };
    let mut pane = LogPane::new(Charset::Unicode);
    pane.show(Some(Subject { log: Some(name), start: Timestamp(0) }));
    let mut terminal = Terminal::new();
    let mut dice = Dice(7);
    let mut frames = 0;
    pane.fit(PANE.width, PANE.height);
    settle(&mut pane, &view);
    pane.top();
    let mut seen = 0;
    while seen < lines.end {
        settle(&mut pane, &view);
        terminal.show(&pane, &look, frames % 3 == 0);
        match dice.roll(9) {
            0 => pane.toggle_wrap(),
            1 => pane.scroll_sideways(if dice.roll(2) == 0 { 8 } else { -40 }),
            2 => pane.cycle_times(),
            3 => pane.toggle_columns(),
            4 => pane.toggle_mark(),
            _ => {}
        }
        pane.step(i64::from(PANE.height));
        seen += u64::from(PANE.height);
        frames += 1;
    }
    assert!(frames > 5_000, "{frames} frames");
    assert_eq!(terminal.clears, 1, "only the first frame clears");
}

fn settle(pane: &mut LogPane, view: &View) {
    loop {
        pane.fit(PANE.width, PANE.height);
        let Some(query) = pane.wants() else { return };
        let (window, _) = view.window(&query, &Filter::default(), &AtomicBool::new(false)).expect("a window");
        pane.take(&query, window);
    }
}
