//! Turns the difference between what the terminal shows and what it should show into as few bytes as is simple.
//!
//! A picture may go out in slices; what a key changed goes out before the rest. Must not know time or the terminal.

mod colour;
mod pen;
mod scroll;
#[cfg(test)]
mod tests;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

pub use self::colour::SIXTEEN;
use self::pen::{Pen, is_bare};
use super::abilities::{Abilities, Depth, Feature};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";
/// So many unchanged cells are rather written again than jumped over.
const BRIDGED: u16 = 4;
/// From so many blanks on, the rest of a row is erased.
const ERASED: usize = 4;

/// Remembers what the terminal shows and writes what has to change.
#[derive(Debug, Default)]
pub struct Encoder {
    shown: Buffer,
    target: Buffer,
    abilities: Abilities,
    clear: bool,
    /// Nothing of the target has gone out.
    fresh: bool,
}

impl Encoder {
    pub fn new(abilities: Abilities) -> Self {
        Self { abilities, clear: true, ..Self::default() }
    }

    /// What is on the terminal is not known any more (a resize, another program): the next frame paints everything.
    pub fn forget(&mut self) {
        self.clear = true;
    }

    /// The bytes that make the terminal show `next`; empty when it already does. The terminal must be given them.
    pub fn frame(&mut self, next: Buffer) -> Vec<u8> {
        self.aim(next);
        self.slice(usize::MAX)
    }

    /// Takes a new picture as the one to be shown.
    pub fn aim(&mut self, mut next: Buffer) {
        settle(&mut next, &self.abilities);
        self.target = next;
        self.fresh = true;
    }

    /// True when no picture is under way in slices.
    pub fn is_whole(&self) -> bool {
        self.must_clear() || self.shown == self.target
    }

    /// The next rows that differ, until there are `limit` bytes; a cleared terminal gets everything at once.
    pub fn slice(&mut self, limit: usize) -> Vec<u8> {
        let limit = if self.must_clear() { usize::MAX } else { limit };
        let fresh = std::mem::take(&mut self.fresh);
        self.write(|encoder, pen| {
            if fresh
                && encoder.abilities.has(Feature::Scroll)
                && let Some(found) = scroll::find(&encoder.shown, &encoder.target)
            {
                pen.scroll(found.top, found.bottom, found.by);
                scroll::apply(&mut encoder.shown, found);
            }
            let start = pen.out.len();
            for y in 0..encoder.target.area.height {
                if pen.out.len() > start && pen.out.len() >= limit {
                    break;
                }
                encoder.paint_row(pen, y, |_| true);
            }
        })
    }

    /// What differs between two pictures of the same moment, before and after a key; nothing else of the picture.
    pub fn urgent(&mut self, mut before: Buffer, mut after: Buffer) -> Vec<u8> {
        if self.must_clear() || before.area != after.area || self.target.area != after.area {
            return self.frame(after);
        }
        settle(&mut before, &self.abilities);
        settle(&mut after, &self.abilities);
        let changed: Vec<bool> = before.content.iter().zip(&after.content).map(|(before, after)| before != after).collect();
        for (at, after) in after.content.into_iter().enumerate().filter(|(at, _)| changed[*at]) {
            self.target.content[at] = after;
        }
        part_halves(&mut self.target);
        let width = usize::from(self.target.area.width);
        self.write(|encoder, pen| {
            for y in 0..encoder.target.area.height {
                let row = usize::from(y) * width;
                encoder.paint_row(pen, y, |x| changed[row + x]);
            }
        })
    }

    fn must_clear(&self) -> bool {
        self.clear || self.shown.area != self.target.area
    }

    /// Puts what `paint` writes between the marks of a frame; nothing when it writes nothing.
    fn write(&mut self, paint: impl FnOnce(&mut Self, &mut Pen)) -> Vec<u8> {
        let sync = self.abilities.has(Feature::Sync);
        let mut out = if sync { BEGIN.to_vec() } else { Vec::new() };
        let start = out.len();
        if self.must_clear() {
            if self.abilities.depth != Depth::Mono || !self.abilities.attributes.is_empty() {
                out.extend_from_slice(b"\x1b[m");
            }
            out.extend_from_slice(b"\x1b[2J");
            self.shown = Buffer::empty(self.target.area);
            self.clear = false;
        }
        let mut pen = Pen::new(out, self.target.area.width, self.abilities);
        paint(self, &mut pen);
        if pen.out.len() == start {
            return Vec::new();
        }
        pen.rest();
        if sync {
            pen.out.extend_from_slice(END);
        }
        pen.out
    }

    /// Paints the cells of a row that differ and are wanted.
    fn paint_row(&mut self, pen: &mut Pen, y: u16, wanted: impl Fn(usize) -> bool) {
        let width = usize::from(self.target.area.width);
        let row = usize::from(y) * width;
        let (shown, target) = (&mut self.shown.content[row..row + width], &self.target.content[row..row + width]);
        let dirty = differing(shown, target, wanted);
        let tail = width - target.iter().rev().take_while(|cell| is_bare(cell) && cell.bg == Color::Reset).count();
        for (at, x) in (0u16..).zip(0..width) {
            let half = x > 0 && is_wide(&target[x - 1]);
            if !dirty[x] || half {
                continue;
            }
            if x >= tail && dirty[x..].iter().filter(|dirty| **dirty).count() >= ERASED {
                pen.go(at, y);
                pen.erase_line();
                shown[x..].clone_from_slice(&target[x..]);
                return;
            }
            if let Some(gap) = pen.gap_to(at, y).filter(|gap| (1..=BRIDGED).contains(gap)) {
                let between = &target[x - usize::from(gap)..x];
                if between.iter().all(|cell| pen.fits(cell)) && between == &shown[x - usize::from(gap)..x] {
                    between.iter().for_each(|cell| pen.write(cell));
                }
            }
            pen.go(at, y);
            pen.write(&target[x]);
            shown[x] = target[x].clone();
            if is_wide(&target[x]) && x + 1 < width {
                shown[x + 1] = target[x + 1].clone();
            }
        }
    }
}

/// Which cells of a row have to be written: those that differ, and all of a wide glyph of which a part does.
fn differing(shown: &[Cell], target: &[Cell], wanted: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut dirty: Vec<bool> = (0..target.len()).map(|x| shown[x] != target[x] && wanted(x)).collect();
    let mut widen = |x: usize| {
        if (is_wide(&shown[x]) || is_wide(&target[x])) && (dirty[x] || dirty[x + 1]) {
            (dirty[x], dirty[x + 1]) = (true, true);
        }
    };
    let last = target.len().saturating_sub(1);
    (0..last).rev().for_each(&mut widen);
    (0..last).for_each(widen);
    dirty
}

fn is_wide(cell: &Cell) -> bool {
    cell.symbol().len() > 1 && cell.symbol().width() > 1
}

/// Brings a picture down to what the terminal can show, so that what looks the same is the same. The last defence:
/// whatever got into the buffer, no control byte leaves it.
fn settle(buffer: &mut Buffer, abilities: &Abilities) {
    for cell in &mut buffer.content {
        if cell.symbol().chars().any(char::is_control) {
            cell.set_symbol("?");
        } else if cell.symbol().width() == 0 {
            cell.set_symbol(" ");
        }
        cell.modifier &= abilities.attributes;
        if abilities.depth == Depth::Mono {
            (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
        }
        cell.underline_color = Color::Reset;
        if is_bare(cell) {
            (cell.fg, cell.modifier) = (Color::Reset, Modifier::empty());
        }
    }
    part_halves(buffer);
}

/// A wide glyph whose second half was painted over cannot be shown; it becomes a blank.
fn part_halves(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width);
    for at in 0..buffer.content.len() {
        let last = (at + 1) % width.max(1) == 0;
        if is_wide(&buffer.content[at]) && (last || buffer.content.get(at + 1).is_some_and(|half| half.symbol() != " ")) {
            buffer.content[at].set_symbol(" ");
        }
    }
}
