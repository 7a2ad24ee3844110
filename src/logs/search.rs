//! Searches a whole log, line by line, without holding more than a piece of it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use regex::Regex;

use super::read::Log;
use crate::model::SearchHit;

/// Searches from line `from` to the end and hands over each line with matches, until `found` says false or
/// `cancelled` is set. Returns the line after the last one that was searched. Ranges count bytes of the text as a
/// window shows it, before sanitising.
pub fn search(
    log: &Log,
    regex: &Regex,
    from: u64,
    cancelled: &AtomicBool,
    mut found: impl FnMut(SearchHit) -> bool,
) -> io::Result<u64> {
    let mut next = from;
    log.each(from, |line| {
        if cancelled.load(Ordering::Relaxed) {
            return false;
        }
        next = line.number + 1;
        let text = String::from_utf8_lossy(line.text);
        let ranges: Vec<_> = regex.find_iter(&text).filter(|hit| !hit.is_empty()).map(|hit| (hit.start(), hit.end())).collect();
        ranges.is_empty() || found(SearchHit { number: line.number, ranges })
    })?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use regex::Regex;

    use super::search;
    use crate::logs::read::Log;
    use crate::logs::segment::Segment;
    use crate::model::{Stream, Timestamp};

    fn log(dir: &std::path::Path) -> Log {
        let path = dir.join("1.log");
        let mut segment = Segment::new(path.clone(), Timestamp(0));
        for n in 0..5_000 {
            segment.push(Stream::Stdout, n, format!("n{n} \u{e9} n{n} o e 0\n").as_bytes());
        }
        segment.write().unwrap();
        Log::open(&path).unwrap()
    }

    #[test]
    fn matches_are_found_in_the_text_only_with_their_places() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(dir.path());
        let mut hits = Vec::new();
        let go_on = AtomicBool::new(false);
        let end = search(&log, &Regex::new("n4321").unwrap(), 10, &go_on, |hit| {
            hits.push(hit);
            true
        });
        assert_eq!(end.unwrap(), 5_000);
        assert_eq!(hits.len(), 1);
        assert_eq!((hits[0].number, &hits[0].ranges), (4321, &vec![(0, 5), (9, 14)]));
        let mut none = 0;
        search(&log, &Regex::new("^10e1 o").unwrap(), 0, &go_on, |_| {
            none += 1;
            true
        })
        .unwrap();
        assert_eq!(none, 0);
    }

    #[test]
    fn a_search_can_be_stopped_and_taken_up_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = log(dir.path());
        let regex = Regex::new("^n").unwrap();
        let cancelled = AtomicBool::new(false);
        let mut seen = 0;
        let next = search(&log, &regex, 0, &cancelled, |_| {
            seen += 1;
            seen < 10
        });
        assert_eq!((next.unwrap(), seen), (10, 10));
        cancelled.store(true, Ordering::Relaxed);
        assert_eq!(search(&log, &regex, 10, &cancelled, |_| true).unwrap(), 10);
    }
}
