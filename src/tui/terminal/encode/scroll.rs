//! Finds rows that only moved, so that the terminal can move them itself.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;

/// Columns at either edge that do not count when rows are compared: a pointer, a frame, a scroll bar.
const EDGE: usize = 2;
/// What the sequences cost, with some air, in cells that must be saved.
const COST: usize = 32;

/// The rows `top..=bottom` move up by so many; down when negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    pub top: u16,
    pub bottom: u16,
    pub by: i32,
}

/// The move that spares most, if any is worth it.
pub fn find(shown: &Buffer, next: &Buffer) -> Option<Move> {
    let (old, new) = (texts(shown), texts(next));
    if old.iter().zip(&new).filter(|(old, new)| old != new).count() < 2 {
        return None;
    }
    let height = i32::from(shown.area.height);
    let mut best: Option<(usize, Move)> = None;
    for by in (1 - height..height).filter(|by| *by != 0) {
        let (mut start, mut spared) = (None, 0);
        for y in 0..=height {
            let row = |y: i32| usize::try_from(y).ok();
            let same = match (row(y), row(y + by)) {
                (Some(to), Some(from)) if to < new.len() && from < old.len() => new[to] == old[from],
                _ => false,
            };
            if same {
                start.get_or_insert(y);
                spared += usize::from(row(y).is_some_and(|y| new[y] != old[y]));
                continue;
            }
            if let Some(start) = start.take()
                && best.as_ref().is_none_or(|(most, _)| spared > *most)
            {
                let (top, bottom) = (start.min(start + by), (y - 1).max(y - 1 + by));
                let (Ok(top), Ok(bottom)) = (u16::try_from(top), u16::try_from(bottom)) else { continue };
                best = Some((spared, Move { top, bottom, by }));
            }
            spared = 0;
        }
    }
    best.filter(|(spared, _)| *spared > 0).map(|(_, found)| found).filter(|found| is_worth_it(shown, next, *found))
}

fn is_worth_it(shown: &Buffer, next: &Buffer, found: Move) -> bool {
    let mut moved = shown.clone();
    apply(&mut moved, found);
    let rows = range(shown, found);
    let differing = |buffer: &Buffer| {
        let pairs = buffer.content[rows.clone()].iter().zip(&next.content[rows.clone()]);
        pairs.filter(|(a, b)| a != b).count()
    };
    differing(&moved) + COST + found.by.unsigned_abs() as usize * 2 < differing(shown)
}

/// Does to a buffer what the terminal does to its screen.
pub fn apply(buffer: &mut Buffer, found: Move) {
    let width = usize::from(buffer.area.width);
    let rows = range(buffer, found);
    let cells = &mut buffer.content[rows];
    let by = (found.by.unsigned_abs() as usize * width).min(cells.len());
    let blank = if found.by > 0 {
        cells.rotate_left(by);
        let kept = cells.len() - by;
        &mut cells[kept..]
    } else {
        cells.rotate_right(by);
        &mut cells[..by]
    };
    blank.iter_mut().for_each(ratatui::buffer::Cell::reset);
}

fn range(buffer: &Buffer, found: Move) -> std::ops::Range<usize> {
    let width = usize::from(buffer.area.width);
    usize::from(found.top) * width..(usize::from(found.bottom) + 1) * width
}

/// Each row's text without its edges, as a number.
fn texts(buffer: &Buffer) -> Vec<u64> {
    let width = usize::from(buffer.area.width).max(1);
    let text = |row: &[ratatui::buffer::Cell]| {
        let mut hasher = DefaultHasher::new();
        let inner = row.get(EDGE..row.len().saturating_sub(EDGE)).unwrap_or_default();
        inner.iter().for_each(|cell| cell.symbol().hash(&mut hasher));
        hasher.finish()
    };
    buffer.content.chunks(width).map(text).collect()
}
