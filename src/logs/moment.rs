//! How far a log had come at a moment, found by halving: lines are in the order of their times.

use std::io;
use std::path::Path;

use super::read::Log;
use crate::model::Timestamp;

/// How many lines a log had at `at`, the time of the last of them, and the time of the next one.
///
/// # Errors
/// A log that cannot be opened or read.
pub fn of(path: &Path, at: Timestamp) -> io::Result<(u64, Option<Timestamp>, Option<Timestamp>)> {
    let log = Log::open(path)?;
    let time = |number: u64| log.window(Some(number), 1).map(|lines| lines.first().map(|line| line.at));
    let (mut low, mut high) = (0, log.total());
    while low < high {
        let middle = low + (high - low) / 2;
        if time(middle)?.is_some_and(|time| time <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let since = if low > 0 { time(low - 1)? } else { None };
    let next = if low < log.total() { time(low)? } else { None };
    Ok((low, since, next))
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::logs::segment::Segment;
    use crate::model::{Stream, Timestamp};

    #[test]
    fn a_moment_has_the_lines_written_up_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/build/1.log");
        let mut segment = Segment::new(path.clone(), Timestamp(1_000));
        let times = [0, 5, 5, 5, 40, 900, 901];
        for ms in times {
            segment.push(Stream::Stdout, ms, b"line\n");
        }
        segment.finish(901);
        segment.write().unwrap();
        for at in [0_i64, 999, 1_000, 1_004, 1_005, 1_039, 1_040, 1_899, 1_901, 9_999] {
            let stamps: Vec<i64> = times.iter().map(|ms| 1_000 + i64::try_from(*ms).unwrap()).collect();
            let by_hand = stamps.iter().filter(|stamp| **stamp <= at).count();
            let (lines, since, next) = of(&path, Timestamp(at)).unwrap();
            assert_eq!(lines, by_hand as u64, "at {at}");
            assert_eq!(since, by_hand.checked_sub(1).map(|last| Timestamp(stamps[last])), "at {at}");
            assert_eq!(next, stamps.get(by_hand).map(|stamp| Timestamp(*stamp)), "at {at}");
        }
    }
}
