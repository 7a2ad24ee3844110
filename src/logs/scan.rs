//! Counts and finds lines over a whole view, piece by piece, until it is told to stop.

use std::io;

use super::filter::Filter;
use super::view::View;
use super::walk::Walk;
use crate::model::{LogPlace, ScanPiece};

/// Bytes of logs that one piece covers, about.
const STRETCH: u64 = 4 * 1024 * 1024;
/// Hits that are named of one piece; the others are counted.
pub const MOST_HITS: usize = 200;

/// Scans from a place to the end and hands over a piece of each stretch, until `piece` says false.
/// Counts the lines that `filter` keeps, and those of them that `wanted` keeps when there is one. Gives the bytes read.
pub fn scan(
    view: &View,
    from: &LogPlace,
    (filter, wanted): (&Filter, Option<&Filter>),
    mut piece: impl FnMut(ScanPiece) -> bool,
) -> io::Result<u64> {
    let start = view.numbers(from);
    let mut number: u64 = start.iter().sum();
    let mut walk = Walk::new(&view.sources, &start, false);
    let (mut found, mut due) = (ScanPiece::default(), STRETCH);
    while let Some((_, line)) = walk.step()? {
        if filter.keeps(line.text) {
            found.passed += 1;
            if wanted.is_some_and(|wanted| wanted.keeps(line.text)) {
                found.count += 1;
                if found.hits.len() < MOST_HITS {
                    found.hits.push(number);
                }
            }
        }
        number += 1;
        found.looked += 1;
        if walk.read >= due {
            due = walk.read + STRETCH;
            if !piece(std::mem::take(&mut found)) {
                return Ok(walk.read);
            }
        }
    }
    found.end = Some(view.place(&walk.place()));
    piece(found);
    Ok(walk.read)
}
