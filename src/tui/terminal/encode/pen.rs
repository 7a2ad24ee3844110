//! Where the terminal writes and how: the shortest cursor moves and changes of style.

use std::io::Write;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::colour;
use crate::tui::terminal::abilities::{Abilities, Depth, Feature};

/// Attributes that a blank shows.
const ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

const ATTRIBUTES: &[(Modifier, &[u8])] = &[
    (Modifier::BOLD, b";1"),
    (Modifier::DIM, b";2"),
    (Modifier::ITALIC, b";3"),
    (Modifier::UNDERLINED, b";4"),
    (Modifier::REVERSED, b";7"),
    (Modifier::CROSSED_OUT, b";9"),
];
/// What takes attributes off; bold and dim go together.
const UNDO: &[(Modifier, &[u8])] = &[
    (Modifier::BOLD.union(Modifier::DIM), b";22"),
    (Modifier::ITALIC, b";23"),
    (Modifier::UNDERLINED, b";24"),
    (Modifier::REVERSED, b";27"),
    (Modifier::CROSSED_OUT, b";29"),
];

/// How the terminal writes at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ink {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Ink {
    pub fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    /// True when a blank written with `self` looks like one written with `other`.
    fn looks_blank_like(self, other: Self) -> bool {
        self.bg == other.bg && !self.modifier.intersects(ON_BLANKS) && !other.modifier.intersects(ON_BLANKS)
    }
}

/// True for a blank whose foreground nobody can see.
pub fn is_bare(cell: &Cell) -> bool {
    cell.symbol() == " " && !cell.modifier.intersects(ON_BLANKS)
}

pub struct Pen {
    pub out: Vec<u8>,
    /// Unknown after a jump; `x` is the width when the last column was written, where terminals differ.
    at: Option<(u16, u16)>,
    ink: Ink,
    width: u16,
    abilities: Abilities,
}

impl Pen {
    /// The terminal writes plainly, at an unknown place.
    pub fn new(out: Vec<u8>, width: u16, abilities: Abilities) -> Self {
        Self { out, at: None, ink: Ink::default(), width, abilities }
    }

    pub fn go(&mut self, x: u16, y: u16) {
        if self.at != Some((x, y)) {
            let shortest = self.moves(x, y).into_iter().min_by_key(Vec::len).unwrap_or_default();
            self.out.extend_from_slice(&shortest);
            self.at = Some((x, y));
        }
    }

    /// How many clean cells lie between the cursor and a place further right in its row.
    pub fn gap_to(&self, x: u16, y: u16) -> Option<u16> {
        let (from, row) = self.at?;
        (row == y && from < self.width).then(|| x.checked_sub(from)).flatten()
    }

    /// True when writing this cell needs no change of style and one byte.
    pub fn fits(&self, cell: &Cell) -> bool {
        let ink = Ink::of(cell);
        cell.symbol().len() == 1 && (ink == self.ink || is_bare(cell) && ink.looks_blank_like(self.ink))
    }

    /// Every way to a place that may be the shortest.
    fn moves(&self, x: u16, y: u16) -> Vec<Vec<u8>> {
        let absolute = match (x, y) {
            (0, 0) => "\x1b[H".to_owned(),
            (0, _) => format!("\x1b[{}H", y + 1),
            (_, 0) => format!("\x1b[;{}H", x + 1),
            _ => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        let mut ways = vec![absolute.into_bytes()];
        let Some((from, row)) = self.at else { return ways };
        let steps = |count: u16, letter: char| match count {
            1 => format!("\x1b[{letter}").into_bytes(),
            _ => format!("\x1b[{count}{letter}").into_bytes(),
        };
        let down = y.checked_sub(row).filter(|down| *down <= 8).map(|down| vec![b'\n'; usize::from(down)]);
        if let Some(down) = &down {
            let mut start = vec![b'\r'];
            start.extend_from_slice(down);
            if x > 0 {
                start.extend(steps(x, 'C'));
            }
            ways.push(start);
        }
        if from >= self.width {
            return ways;
        }
        if row == y && self.abilities.has(Feature::Column) {
            ways.push(format!("\x1b[{}G", x + 1).into_bytes());
        }
        let aside = match (x.checked_sub(from), from.checked_sub(x)) {
            (Some(0), _) => Vec::new(),
            (Some(right), _) => steps(right, 'C'),
            (_, Some(left @ 1..=3)) => vec![8; usize::from(left)],
            (_, left) => steps(left.unwrap_or(0), 'D'),
        };
        if let Some(mut down) = down {
            down.extend_from_slice(&aside);
            ways.push(down);
        }
        if y != row {
            let mut vertical = if y > row { steps(y - row, 'B') } else { steps(row - y, 'A') };
            vertical.extend_from_slice(&aside);
            ways.push(vertical);
        }
        ways
    }

    pub fn write(&mut self, cell: &Cell) {
        let ink = Ink::of(cell);
        if !(is_bare(cell) && ink.looks_blank_like(self.ink)) {
            self.wear(ink);
        }
        self.out.extend_from_slice(cell.symbol().as_bytes());
        let cells = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        self.at = self.at.map(|(x, y)| ((x + cells).min(self.width), y));
    }

    /// Blanks the rest of the row. The cursor stays.
    pub fn erase_line(&mut self) {
        if !Ink::default().looks_blank_like(self.ink) {
            self.wear(Ink::default());
        }
        self.out.extend_from_slice(b"\x1b[K");
    }

    /// Moves the rows `top..=bottom` up, or down when `by` is negative. Only while nothing was written yet: the rows
    /// that come in have the background of the moment.
    pub fn scroll(&mut self, top: u16, bottom: u16, by: i32) {
        // Writing to memory does not fail.
        let _ = write!(self.out, "\x1b[{};{}r", top + 1, bottom + 1);
        self.at = None;
        self.go(0, if by > 0 { bottom } else { top });
        let step: &[u8] = if by > 0 { b"\n" } else { b"\x1bM" };
        self.out.extend_from_slice(&step.repeat(by.unsigned_abs() as usize));
        self.out.extend_from_slice(b"\x1b[r");
        self.at = None;
    }

    /// Back to plain writing.
    pub fn rest(&mut self) {
        self.wear(Ink::default());
    }

    fn wear(&mut self, new: Ink) {
        if new == self.ink {
            return;
        }
        let mut codes = self.changes(b";0", Ink::default(), new);
        if new == Ink::default() {
            codes.clear();
        }
        if let Some(undone) = self.undo(new) {
            let kept = Ink { modifier: self.ink.modifier - undone.0, ..self.ink };
            let step_by_step = self.changes(&undone.1, kept, new);
            if step_by_step.len() < codes.len() || step_by_step.is_empty() {
                codes = step_by_step;
                if codes.is_empty() {
                    self.ink = new;
                    return;
                }
            }
        }
        self.out.extend_from_slice(b"\x1b[");
        self.out.extend_from_slice(codes.get(1..).unwrap_or_default());
        self.out.push(b'm');
        self.ink = new;
    }

    /// The codes that take off what `new` has not, and what they take off; none where only everything can be taken off.
    fn undo(&self, new: Ink) -> Option<(Modifier, Vec<u8>)> {
        let surplus = self.ink.modifier - new.modifier;
        if !surplus.is_empty() && !self.abilities.has(Feature::Undo) {
            return None;
        }
        let used = UNDO.iter().filter(|(group, _)| group.intersects(surplus));
        let fold = |(off, mut codes): (Modifier, Vec<u8>), (group, code): &(Modifier, &[u8])| {
            codes.extend_from_slice(code);
            (off | *group, codes)
        };
        Some(used.fold((Modifier::empty(), Vec::new()), fold))
    }

    /// `first`, and then the codes from `known` to `new`.
    fn changes(&self, first: &[u8], known: Ink, new: Ink) -> Vec<u8> {
        let mut codes = first.to_vec();
        for (modifier, code) in ATTRIBUTES {
            if (new.modifier - known.modifier).contains(*modifier) {
                codes.extend_from_slice(code);
            }
        }
        if self.abilities.depth != Depth::Mono {
            for (colour, ground, known) in [(new.fg, false, known.fg), (new.bg, true, known.bg)] {
                if colour != known {
                    colour::write(&mut codes, colour, ground, self.abilities.depth);
                }
            }
        }
        codes
    }
}
