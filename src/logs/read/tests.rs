use std::fs;
use std::path::Path;

use proptest::prelude::{any, prop, proptest};

use super::{Log, window};
use crate::logs::segment::Segment;
use crate::logs::{index, log_path};
use crate::model::{LogLine, LogQuery, StageId, Stream, Timestamp};

const START: i64 = 1_790_000_000_000;

fn write_log(path: &Path, lines: &[(Stream, u64, Vec<u8>)]) -> Segment {
    let mut segment = Segment::new(path.to_owned(), Timestamp(START));
    for (stream, ms, text) in lines {
        segment.push(*stream, *ms, text);
        segment.push(*stream, *ms, b"\n");
        if ms % 3 == 0 {
            segment.write().unwrap();
        }
    }
    segment.finish(9);
    segment.write().unwrap();
    segment
}

fn numbered(count: u64) -> Vec<(Stream, u64, Vec<u8>)> {
    (0..count).map(|n| (Stream::Stdout, n, format!("line {n:0>90}").into_bytes())).collect()
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn both_streams_come_back_in_order_with_their_times() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs/build/1.log");
    write_log(
        &path,
        &[(Stream::Stdout, 0, b"one".to_vec()), (Stream::Stderr, 7, b"".to_vec()), (Stream::Stdout, 4000, b" x ".to_vec())],
    );
    let log = Log::open(&path).unwrap();
    let lines = log.window(Some(0), 10).unwrap();
    assert_eq!(texts(&lines), ["one", "", " x "]);
    assert_eq!(lines[1].stream, Stream::Stderr);
    assert_eq!(lines[2].at, Timestamp(START + 4000));
    assert_eq!(log.damage(), None);
}

#[test]
fn a_line_of_a_megabyte_comes_back_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    let long: String = (0..400_000_u32).map(|n| char::from_u32(0x61 + n % 500).unwrap()).collect();
    assert!(long.len() > 700_000);
    write_log(
        &path,
        &[
            (Stream::Stderr, 0, b"before".to_vec()),
            (Stream::Stdout, 1, long.clone().into_bytes()),
            (Stream::Stdout, 2, b"after".to_vec()),
        ],
    );
    let lines = Log::open(&path).unwrap().window(None, 100).unwrap();
    let parts = &lines[1..lines.len() - 1];
    assert!(parts.len() > 10 && parts.iter().all(|part| part.text.len() <= 64 * 1024));
    assert!(parts[..parts.len() - 1].iter().all(|part| part.partial) && !parts[parts.len() - 1].partial);
    assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), long);
    assert_eq!((lines[0].text.as_str(), lines[lines.len() - 1].text.as_str()), ("before", "after"));
}

#[test]
fn a_prompt_is_seen_before_its_line_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    let mut segment = Segment::new(path.clone(), Timestamp(START));
    segment.push(Stream::Stdout, 1, "Name: \u{e9}".as_bytes().strip_suffix(b"\xa9").unwrap());
    assert!(segment.has_partial());
    segment.settle(101);
    segment.write().unwrap();
    let lines = Log::open(&path).unwrap().window(None, 10).unwrap();
    assert_eq!((lines[0].text.as_str(), lines[0].partial), ("Name: ", true));
    segment.push(Stream::Stdout, 200, b"\xa9\n");
    segment.finish(201);
    segment.write().unwrap();
    let lines = Log::open(&path).unwrap().window(None, 10).unwrap();
    assert_eq!((lines[1].text.as_str(), lines[1].partial, lines.len()), ("\u{e9}", false, 2));
}

#[test]
fn a_spoilt_index_is_named_and_left_alone_and_the_lines_still_come() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1.log");
    write_log(&path, &numbered(20_000));
    let whole = fs::read(index::path_of(&path)).unwrap();
    assert!(whole.len() > 8 + 40 * 20, "{}", whole.len());
    let good = Log::open(&path).unwrap().window(Some(12_345), 3).unwrap();
    let mut flipped = whole.clone();
    flipped[8 + 40 * 5 + 9] ^= 1;
    let mut moved = whole.clone();
    moved.drain(8..48);
    let spoilt = [flipped, moved, b"rubbish".to_vec(), whole[..8].to_vec()];
    for bytes in spoilt {
        fs::write(index::path_of(&path), &bytes).unwrap();
        let log = Log::open(&path).unwrap();
        assert!(log.damage().is_some_and(|damage| damage.contains("index")), "{:?}", log.damage());
        assert_eq!(log.window(Some(12_345), 3).unwrap(), good);
        assert_eq!(log.total(), 20_000);
        assert_eq!(fs::read(index::path_of(&path)).unwrap(), bytes);
    }
    fs::remove_file(index::path_of(&path)).unwrap();
    assert!(Log::open(&path).unwrap().damage().is_some_and(|damage| damage.contains("missing")));
}

#[test]
fn a_log_cut_short_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let stage = StageId::new("a/b");
    let path = log_path(dir.path(), &stage, 2);
    let lines = write_log(&path, &numbered(3_000)).lines();
    fs::File::options().write(true).open(&path).unwrap().set_len(100_000).unwrap();
    let query = LogQuery { stage: stage.clone(), attempt: None, from: None, count: 5 };
    let answer = window(dir.path(), &query, 2, Some(lines)).unwrap();
    assert!(answer.damage.is_some_and(|damage| damage.contains("shorter")));
    assert_eq!(answer.lines.len(), 5);
    fs::remove_file(&path).unwrap();
    assert!(window(dir.path(), &query, 2, Some(lines)).unwrap().damage.is_some_and(|damage| damage.contains("missing")));
    assert_eq!(window(dir.path(), &query, 2, None).unwrap().damage, None);
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
    #[test]
    fn a_window_is_what_naive_reading_gives(
        sizes in prop::collection::vec((any::<bool>(), 0_usize..3_000, any::<u8>()), 0..300),
        from in 0_u64..320,
        count in 0_u64..320,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1.log");
        let lines: Vec<_> = sizes.iter().enumerate().map(|(n, (err, size, byte))| {
            let stream = if *err { Stream::Stderr } else { Stream::Stdout };
            (stream, n as u64, vec![(byte & 0x7f).max(0x0e); *size])
        }).collect();
        write_log(&path, &lines);
        if lines.is_empty() {
            assert!(!path.exists());
            return Ok(());
        }
        let log = Log::open(&path).unwrap();
        assert_eq!(log.total(), lines.len() as u64);
        assert_eq!(log.damage(), None);
        let naive = |from: u64| -> Vec<(u64, Stream, Vec<u8>)> {
            let numbered = lines.iter().enumerate().skip(usize::try_from(from).unwrap()).take(usize::try_from(count).unwrap());
            numbered.map(|(n, (stream, _, text))| (n as u64, *stream, text.clone())).collect()
        };
        let read = |from: Option<u64>| -> Vec<(u64, Stream, Vec<u8>)> {
            log.window(from, count).unwrap().into_iter().map(|line| (line.number, line.stream, line.text.into_bytes())).collect()
        };
        assert_eq!(read(Some(from)), naive(from));
        assert_eq!(read(None), naive(log.total().saturating_sub(count)));
    }
}
