mod long;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::{Lines, MOST_READ, Source, View};
use crate::logs::filter::Filter;
use crate::logs::read::Log;
use crate::logs::scan::scan;
use crate::logs::segment::Segment;
use crate::logs::{index, record};
use crate::model::{
    LineFilter, LogName, LogPlace, LogStart, LogView, ScanPiece, StageId, Stream, Timestamp, ViewQuery, ViewWindow,
};

fn write(path: &Path, start: i64, lines: &[(u64, String)]) -> Segment {
    let mut segment = Segment::new(path.to_owned(), Timestamp(start));
    for (ms, text) in lines {
        segment.push(Stream::Stdout, *ms, text.as_bytes());
        segment.push(Stream::Stdout, *ms, b"\n");
    }
    segment.write().unwrap();
    segment
}

fn source(path: &Path, stage: &str) -> Source {
    let name = LogName { stage: StageId::new(stage), attempt: 1 };
    Source { name, lines: Lines::File(Log::open(path).unwrap()) }
}

fn query(from: LogStart, backwards: bool, count: u64) -> ViewQuery {
    ViewQuery { view: LogView::default(), matching: None, from, backwards, count, clip: 4_096 }
}

fn read(view: &View, query: &ViewQuery) -> ViewWindow {
    view.window(query, &Filter::new(None, query.matching.as_deref()).unwrap(), &AtomicBool::new(false)).unwrap().0
}

fn texts(window: &ViewWindow) -> Vec<&str> {
    window.lines.iter().map(|line| line.text.as_str()).collect()
}

fn pieces(view: &View, from: &LogPlace, pattern: &str) -> Vec<ScanPiece> {
    let mut found = Vec::new();
    let wanted = Filter::new(None, Some(pattern)).unwrap();
    scan(view, from, (&Filter::default(), Some(&wanted)), |piece| {
        found.push(piece);
        true
    })
    .unwrap();
    found
}

/// Two stages that talk in turns, and one that began later.
fn three(dir: &Path) -> Vec<PathBuf> {
    let paths: Vec<_> = ["a", "b", "c"].iter().map(|name| dir.join(format!("{name}.log"))).collect();
    let odd = |odd: u64, count: u64| (0..count).map(|n| (2 * n + odd, format!("{}", 2 * n + odd))).collect::<Vec<_>>();
    write(&paths[0], 1_000, &odd(0, 500));
    write(&paths[1], 1_000, &odd(1, 500));
    write(&paths[2], 2_000, &(0..100).map(|n| (n, format!("{}", 1_000 + n))).collect::<Vec<_>>());
    paths
}

fn merged(paths: &[PathBuf]) -> View {
    View::merged(paths.iter().zip(["a", "b", "c"]).map(|(path, name)| source(path, name)).collect())
}

#[test]
fn a_view_of_a_moment_has_the_lines_written_up_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let paths = three(dir.path());
    for (at, of_each) in
        [(999, [0, 0, 0]), (1_000, [1, 0, 0]), (1_005, [3, 3, 0]), (2_001, [500, 500, 2]), (9_999, [500, 500, 100])]
    {
        let view = merged(&paths).until(Timestamp(at)).unwrap();
        let totals: Vec<u64> = view.sources.iter().map(Source::total).collect();
        assert_eq!(totals, of_each, "at {at}");
        let total: u64 = of_each.iter().sum();
        assert_eq!(view.total(), total, "at {at}");
        let found: u64 = pieces(&view, &LogPlace::default(), ".").iter().map(|piece| piece.count).sum();
        assert_eq!(found, total, "a scan ends there, too, at {at}");
    }
}

#[test]
fn several_logs_are_read_in_the_order_of_time_from_any_place_in_both_directions() {
    let dir = tempfile::tempdir().unwrap();
    let view = merged(&three(dir.path()));
    assert_eq!(view.total(), 1_100);
    let all: Vec<String> = (0..1_100).map(|n| n.to_string()).collect();
    for line in [0, 1, 2, 499, 700, 999, 1_000, 1_001, 1_099] {
        let window = read(&view, &query(LogStart::Line(line), false, 7));
        let expected: Vec<_> = all.iter().skip(usize::try_from(line).unwrap()).take(7).collect();
        assert_eq!(texts(&window), expected, "from {line}");
        assert_eq!((window.from.line(), window.lines[0].number), (line, line));
        let back = read(&view, &query(LogStart::Line(line), true, 7));
        assert_eq!(back.to.line(), line);
        let on = read(&view, &query(LogStart::Place(back.from.clone()), false, back.lines.len() as u64));
        assert_eq!(on, back, "the same lines from their other end");
    }
    let end = read(&view, &query(LogStart::End, true, 3));
    assert_eq!(texts(&end), ["1097", "1098", "1099"]);
    assert_eq!(end.lines[2].of, Some((StageId::new("c"), 99)));
}

#[test]
fn lines_that_come_late_are_neither_lost_nor_shown_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.log"), dir.path().join("b.log"));
    let mut slow = write(&a, 0, &[(1, "a1".to_owned())]);
    write(&b, 0, &[(5, "b5".to_owned())]);
    let open = || View::merged(vec![source(&a, "a"), source(&b, "b")]);
    let first = read(&open(), &query(LogStart::End, true, 10));
    assert_eq!(texts(&first), ["a1", "b5"]);
    slow.push(Stream::Stdout, 3, b"a3\n");
    slow.write().unwrap();
    let on = read(&open(), &query(LogStart::Place(first.to), false, 10));
    assert_eq!((texts(&on), on.lines[0].number), (vec!["a3"], 2), "shown when it came");
    assert_eq!(texts(&read(&open(), &query(LogStart::Line(0), false, 10))), ["a1", "a3", "b5"]);
}

#[test]
fn a_scan_hands_over_its_pieces_and_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let line = |n: u64| (n / 1_000, format!("{n} {}{}", "x".repeat(90), if n % 1_000 == 7 { " hit" } else { "" }));
    let mut segment = write(&path, 0, &(0..200_000).map(line).collect::<Vec<_>>());
    let found = pieces(&View::of(Some(source(&path, "a"))), &LogPlace::default(), "hit$");
    assert!(found.len() > 4, "{} pieces of 20 MB", found.len());
    assert_eq!(found.iter().map(|piece| piece.count).sum::<u64>(), 200);
    assert_eq!(found.iter().map(|piece| piece.passed).sum::<u64>(), 200_000);
    assert_eq!(found.iter().flat_map(|piece| piece.hits.clone()).collect::<Vec<_>>()[..2], [7, 1_007]);
    let end = found.last().and_then(|piece| piece.end.clone()).expect("the last one says where it ended");
    segment.push(Stream::Stdout, 900, b"another hit\n");
    segment.write().unwrap();
    let more = pieces(&View::of(Some(source(&path, "a"))), &end, "hit$");
    assert_eq!((more.len(), more[0].passed, &more[0].hits), (1, 1, &vec![200_000]));
}

#[test]
fn a_scan_that_nobody_wants_any_more_reads_no_further() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write(&path, 0, &(0..300_000).map(|n| (n, "x".repeat(90))).collect::<Vec<_>>());
    let view = View::of(Some(source(&path, "a")));
    let read = scan(&view, &LogPlace::default(), (&Filter::default(), None), |_| false).unwrap();
    assert!(read < 6 * 1024 * 1024, "{read} bytes");
    let (window, read) = view
        .window(&query(LogStart::Line(0), false, u64::MAX), &Filter::default(), &AtomicBool::new(true))
        .map(|(window, read)| (window.lines.len(), read))
        .unwrap();
    assert_eq!((window, read), (0, 0));
}

/// A log of many gigabytes that takes a few kilobytes of disk: records every 64 KiB in a sparse file, with a true index.
/// Between them lie zeros, which belong to the records as damage in a real file would.
fn sparse(path: &Path, gibibytes: u64) -> u64 {
    use std::io::Write;
    use std::os::unix::fs::FileExt;
    let log = std::fs::File::create(path).unwrap();
    let header = record::header(0);
    log.write_all_at(header.as_bytes(), 0).unwrap();
    let mut index = index::Writer::new(index::path_of(path));
    let first = header.len() as u64;
    let count = gibibytes * 1024 * 1024 * 1024 / index::STRIDE;
    for line in 0..count {
        let offset = first + line * index::STRIDE;
        if line > 0 {
            index.push(index::Entry { line, offset, ms: line, parts: 0 });
        }
    }
    index.write().unwrap();
    log.set_len(first + count * index::STRIDE).unwrap();
    for line in [0, 1, count / 2, count - 2, count - 1] {
        let mut text = format!("{line:x} o line {line} ").into_bytes();
        text.resize(200, b'.');
        log.write_all_at(&text, first + line * index::STRIDE).unwrap();
    }
    // Every stretch ends in a newline; one block of the file system each, of which the tests touch a few.
    for line in [0, 1, 2, 3, 4, 5, count / 2, count / 2 + 1, count - 6, count - 5, count - 4, count - 3, count - 2, count - 1] {
        log.write_all_at(b"\n", first + (line + 1) * index::STRIDE - 1).unwrap();
    }
    (&log).flush().unwrap();
    count
}

#[test]
fn a_window_costs_the_same_in_a_log_of_one_and_of_twelve_gigabytes() {
    let dir = tempfile::tempdir().unwrap();
    let cost = |gibibytes: u64| {
        let path = dir.path().join(format!("{gibibytes}.log"));
        let count = sparse(&path, gibibytes);
        let view = View::of(Some(source(&path, "a")));
        assert_eq!(view.total(), count);
        let ask = |query: &ViewQuery| {
            let (window, read) = view.window(query, &Filter::default(), &AtomicBool::new(false)).unwrap();
            assert!(window.lines.iter().all(|line| line.text.len() <= 4_096 && line.cut > 60_000), "only a part travels");
            (window.lines.len(), read)
        };
        let middle = read(&view, &query(LogStart::Line(count / 2), false, 1));
        assert!(middle.lines[0].text.contains(&format!("line {}", count / 2)), "{:?}", middle.lines[0].text.get(..40));
        [
            ask(&query(LogStart::Line(0), false, 4)),
            ask(&query(LogStart::Line(count / 2), false, 1)),
            ask(&query(LogStart::End, true, 4)),
        ]
    };
    let (small, large) = (cost(1), cost(12));
    assert_eq!(small, large);
    assert!(large.iter().all(|(_, read)| *read <= 5 * 64 * 1024), "{large:?}");
}

#[test]
fn a_window_in_a_log_without_a_match_comes_back_and_says_how_far_it_looked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    write(&path, 0, &(0..400_000).map(|n| (n / 100, format!("{n:0>99}"))).collect::<Vec<_>>());
    let view = View::of(Some(source(&path, "a")));
    let mut from = LogStart::End;
    let mut rounds = 0;
    let found = loop {
        let ask = ViewQuery { matching: Some("^0*12$".to_owned()), ..query(from, true, 1) };
        let filter = Filter::new(None, ask.matching.as_deref()).unwrap();
        let (window, read) = view.window(&ask, &filter, &AtomicBool::new(false)).unwrap();
        assert!(read <= MOST_READ + 256 * 1024, "{read}");
        rounds += 1;
        if !window.lines.is_empty() {
            break window.lines[0].number;
        }
        from = LogStart::Place(window.from);
    };
    assert_eq!(found, 12);
    assert!(rounds >= 2, "40 MB in {rounds} windows");
}

#[test]
fn a_damaged_entry_of_a_long_index_is_passed_over() {
    use std::os::unix::fs::FileExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let lines: Vec<_> = (0..900_000).map(|n| (n, format!("{n:0>90}"))).collect();
    write(&path, 0, &lines);
    let index = std::fs::File::options().write(true).open(index::path_of(&path)).unwrap();
    assert!(index.metadata().unwrap().len() > 40 * 1_100);
    for entry in [0_u64, 300, 301, 600, 700] {
        index.write_all_at(b"rubbish", 8 + 40 * entry).unwrap();
    }
    let view = View::of(Some(source(&path, "a")));
    for line in [0, 100, 200_000, 450_321, 450_999, 899_999] {
        let window = read(&view, &query(LogStart::Line(line), false, 1));
        assert_eq!(texts(&window), [&format!("{line:0>90}")]);
    }
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]
    /// Against the plain way: sort everything, then filter.
    #[test]
    fn a_view_is_what_sorting_everything_gives(
        logs in prop::collection::vec((0_i64..50, prop::collection::vec((0_u64..9, 0_usize..3_000, any::<bool>()), 1..120)), 1..4),
        from in 0_u64..400, count in 1_u64..50, backwards in any::<bool>(), inverse in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        let mut sources = Vec::new();
        for (log, (start, lines)) in logs.iter().enumerate() {
            let path = dir.path().join(format!("{log}.log"));
            let mut ms = 0;
            let timed: Vec<_> = lines.iter().enumerate().map(|(number, (step, size, hit))| {
                ms += step;
                (ms, format!("{log}:{number} {}{}", if *hit { "hit " } else { "" }, "x".repeat(*size)))
            }).collect();
            write(&path, *start, &timed);
            all.extend(timed.iter().map(|(ms, text)| (start + i64::try_from(*ms).unwrap(), log, text.clone())));
            sources.push(source(&path, &log.to_string()));
        }
        all.sort_by_key(|(at, log, _)| (*at, *log));
        let view = View::merged(sources);
        let filter = LineFilter { pattern: "hit ".to_owned(), inverse };
        let kept = |text: &str| text.contains("hit ") != inverse;
        let asked = ViewQuery { clip: 9_000, ..query(LogStart::Line(from), backwards, count) };
        let (window, _) = view.window(&asked, &Filter::new(Some(&filter), None).unwrap(), &AtomicBool::new(false)).unwrap();
        let numbered = all.iter().enumerate().map(|(number, (_, _, text))| (number as u64, text.as_str()));
        let mut expected: Vec<_> = numbered.filter(|(number, text)| (*number < from) == backwards && kept(text)).collect();
        let surplus = expected.len().saturating_sub(usize::try_from(count).unwrap());
        if backwards { expected.drain(..surplus); } else { expected.truncate(usize::try_from(count).unwrap()); }
        let got: Vec<_> = window.lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        prop_assert_eq!(got, expected);
        prop_assert!(window.from.line() <= window.to.line());
        prop_assert_eq!(window.total, all.len() as u64);
    }
}
