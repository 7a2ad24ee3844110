//! Counts and finds lines over a whole view, piece by piece, until it is told to stop.

use std::io;

use super::filter::Filter;
use super::long::Judge;
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
    let mut judge = Judge::new(filter, wanted, false);
    let mut walk = Walk::new(&view.sources, &start, false, judge.sees_parts());
    let (mut found, mut due) = (ScanPiece::default(), STRETCH);
    // The line that the scan before this one ended in has gone on: its last part may begin a match now.
    if let ([only], Some(last)) = (&view.sources[..], number.checked_sub(1))
        && wanted.is_some()
        && number < only.total()
        && judge.became_wanted(only, number)?
    {
        (found.count, found.hits) = (1, vec![last]);
    }
    while let Some((source, line, part)) = walk.step()? {
        let verdict = judge.look(source, &line, part)?;
        found.passed += u64::from(verdict.kept);
        if verdict.wanted {
            found.count += 1;
            if found.hits.len() < MOST_HITS {
                found.hits.push(number);
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
