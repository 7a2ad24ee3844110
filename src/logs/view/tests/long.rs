//! Lines that are stored in parts: what is searched for may lie across the border of two of them.

use super::{LogPlace, LogStart, Segment, Stream, Timestamp, View, pieces, query, read, source};
use crate::logs::record::MAX_TEXT;
use crate::model::{ScanPiece, ViewQuery};

const MIB: usize = 1024 * 1024;

/// A log of: a short line, a line of `size` bytes that holds `needle` at each of the places, a short line.
/// Standard error comes between the parts.
fn long(path: &std::path::Path, size: usize, needle: &str, places: &[usize]) -> View {
    let mut line = vec![b'x'; size];
    for place in places {
        line[*place..place + needle.len()].copy_from_slice(needle.as_bytes());
    }
    let mut segment = Segment::new(path.to_owned(), Timestamp(0));
    segment.push(Stream::Stdout, 1, b"before\n");
    for (ms, chunk) in (2..).zip(line.chunks(50_000)) {
        segment.push(Stream::Stdout, ms, chunk);
        segment.push(Stream::Stderr, ms, b"a warning\n");
    }
    segment.push(Stream::Stdout, 900, b"\nafter\n");
    segment.write().unwrap();
    View::of(Some(source(path, "a")))
}

/// The numbers of the parts of the line, in order.
fn parts(view: &View) -> Vec<u64> {
    let all = read(view, &ViewQuery { clip: 9, ..query(LogStart::Line(0), false, u64::MAX) });
    let text = all.lines.iter().filter(|line| line.stream == Stream::Stdout);
    text.map(|line| line.number).skip(1).collect::<Vec<_>>().into_iter().rev().skip(1).rev().collect()
}

fn hits(view: &View, pattern: &str) -> Vec<u64> {
    let found = pieces(view, &LogPlace::default(), pattern);
    let hits: Vec<u64> = found.iter().flat_map(|piece| piece.hits.clone()).collect();
    assert_eq!(found.iter().map(|piece| piece.count).sum::<u64>(), hits.len() as u64);
    hits
}

/// The lines that a window finds, from an end on until there are no more.
fn found(view: &View, pattern: &str, backwards: bool) -> Vec<u64> {
    let mut from = if backwards { LogStart::End } else { LogStart::Line(0) };
    let mut all = Vec::new();
    loop {
        let ask = ViewQuery { matching: Some(pattern.to_owned()), ..query(from, backwards, 1) };
        let window = read(view, &ask);
        if window.from == window.to {
            break;
        }
        all.extend(window.lines.iter().map(|line| line.number));
        from = LogStart::Place(if backwards { window.from } else { window.to });
    }
    all.sort_unstable();
    all
}

#[test]
fn a_match_across_the_border_of_two_parts_belongs_to_the_part_where_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let border = |part: usize| part * MAX_TEXT - 3;
    let view = long(&dir.path().join("a.log"), MIB, "needle", &[border(1), border(9), 10 * MAX_TEXT + 5, border(15)]);
    let parts = parts(&view);
    assert!(parts.len() >= 16, "{parts:?}");
    let expected = [0, 8, 10, 14].map(|part| parts[part]);
    assert_eq!(hits(&view, "needle"), expected);
    assert_eq!(hits(&view, "ne{2}dle"), expected);
    assert_eq!(found(&view, "needle", false), expected, "on from the start");
    assert_eq!(found(&view, "needle", true), expected, "back from the end");
}

#[test]
fn the_start_and_the_end_of_a_line_are_not_those_of_its_parts() {
    let dir = tempfile::tempdir().unwrap();
    let view = long(&dir.path().join("a.log"), MIB, "needle", &[MAX_TEXT, 2 * MAX_TEXT - 6, MIB - 6]);
    let parts = parts(&view);
    let last = parts.len() as u64 - 1;
    for (pattern, expected) in [
        ("^needle", vec![]),
        ("^x", vec![parts[0]]),
        ("^x.*needle$", vec![parts[0]]),
        ("x$|needle$", vec![parts[usize::try_from(last).unwrap()]]),
        (r"\bneedle", vec![]),
        ("before|after", vec![0, view.total() - 1]),
    ] {
        assert_eq!(hits(&view, pattern), expected, "{pattern}");
        assert_eq!(found(&view, pattern, false), expected, "{pattern}");
        assert_eq!(found(&view, pattern, true), expected, "{pattern}");
    }
}

#[test]
fn colours_at_a_border_are_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let coloured = "ne\u{1b}[1;31me\u{1b}[mdle";
    let view = long(&path, MIB, coloured, &[MAX_TEXT - 5, 3 * MAX_TEXT - 14]);
    let parts = parts(&view);
    assert_eq!(hits(&view, "needle"), [parts[0], parts[2]]);
    assert_eq!(found(&view, "needle", true), [parts[0], parts[2]]);
}

#[test]
fn a_line_of_many_megabytes_is_searched_a_stretch_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let places: Vec<usize> = (1..150).map(|part| part * MAX_TEXT - 2).collect();
    let view = long(&dir.path().join("a.log"), 150 * MAX_TEXT + 7, "needle", &places);
    let mut expected = parts(&view);
    expected.truncate(149);
    assert_eq!(hits(&view, "needle"), expected);
    assert_eq!(found(&view, "needle", true), expected);
    assert_eq!(hits(&view, "nothing"), [0; 0]);
}

#[test]
fn a_search_that_goes_on_in_the_middle_of_a_line_knows_what_came_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut segment = Segment::new(path.clone(), Timestamp(0));
    segment.push(Stream::Stdout, 1, b"one\nthe nee");
    segment.settle(2);
    segment.write().unwrap();
    let first = pieces(&View::of(Some(source(&path, "a"))), &LogPlace::default(), "needle|^dle");
    let end = first.last().and_then(|piece| piece.end.clone()).unwrap();
    assert_eq!((first[0].count, end.line()), (0, 2));
    segment.push(Stream::Stdout, 3, b"dle\nand another needle\n");
    segment.write().unwrap();
    let more = pieces(&View::of(Some(source(&path, "a"))), &end, "needle|^dle");
    let ScanPiece { looked, count, hits, .. } = &more[0];
    assert_eq!((*looked, *count, &hits[..]), (2, 2, &[1, 3][..]), "the part where it began had been looked at before");
}

#[test]
fn lines_are_counted_once_however_many_parts_they_have() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let view = long(&path, 5 * MIB, "", &[]);
    let warnings = (5 * MIB as u64).div_ceil(50_000);
    let count = |view: &View| {
        let window = read(view, &query(LogStart::End, true, 1));
        window.total - window.parts
    };
    assert_eq!(count(&view), 3 + warnings);
    assert_eq!(count(&view.until(Timestamp(1)).unwrap()), 1);
    let view = View::of(Some(source(&path, "a"))).until(Timestamp(900)).unwrap();
    assert_eq!(count(&view), 3 + warnings);
    std::fs::remove_file(crate::logs::index::path_of(&path)).unwrap();
    assert_eq!(count(&View::of(Some(source(&path, "a")))), 3 + warnings, "also when the index is lost");
}

#[test]
fn a_line_that_came_in_very_many_small_parts_is_one_line_all_the_same() {
    const PARTS: u64 = 10_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let mut segment = Segment::new(path.clone(), Timestamp(0));
    for ms in 0..PARTS {
        segment.push(Stream::Stdout, ms, b"abc");
        segment.settle(ms);
    }
    segment.write().unwrap();
    let view = View::of(Some(source(&path, "a")));
    let count = |pattern: &str| pieces(&view, &LogPlace::default(), pattern).iter().map(|piece| piece.count).sum::<u64>();
    assert_eq!((count("cab"), count("^a"), count("b.*")), (PARTS - 1, 1, PARTS), "and nothing is looked at again and again");
    let window = read(&view, &query(LogStart::End, true, 1));
    assert_eq!(window.total - window.parts, 1);
}
