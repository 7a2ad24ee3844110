//! A log of ten gigabytes and ten million lines in the console: opened, walked to its ends, searched, left alone again.
//! The peers work on the same file, which is warm for all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::pty::{Console, processor_time};
use super::support::{Place, median, row};
use super::{console, quit, rest, terminal};

const LINES: u64 = 10_000_000;
/// One line in so many holds what is searched for, the last of them.
const RARE: u64 = 1_000_000;
const TIMES: usize = 3;

pub fn logs() {
    let place = Place::new();
    let script = format!(
        "awk 'BEGIN {{ pad = sprintf(\"%990s\", \"\"); gsub(/ /, \"x\", pad); for (i = 0; i < {LINES}; i++) \
         printf \"%08d %s %s\\n\", i, i % {RARE} == {RARE} - 1 ? \"needle\" : \"straw\", pad }}'\n"
    );
    fs::write(place.file("lines.sh"), script).expect("a script");
    place.pipeline("big", r#"{"id":"big","stages":[{"id":"s","type":"shell","config":{"run":"sh lines.sh"}}]}"#);
    let took = place.run("big");
    let log = largest(&place.file("state/runs"));
    let size = fs::metadata(&log).expect("a log").len();
    println!("  (a log of {size} bytes and {LINES} lines, written in {:.0} s)", took.as_secs_f64());
    ends(&place, &log);
    searches(&place, &log);
}

/// From the key that opens the run, and from the keys that go to the ends of its log.
fn ends(place: &Place, log: &Path) {
    let (first, last) = (number(0), number(LINES - 1));
    let (mut opens, mut tops, mut bottoms, mut less) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let mut console = runs(place);
        opens.push(key(&mut console, "\r", &last));
        focus(&mut console);
        tops.push(key(&mut console, "g", &first));
        bottoms.push(key(&mut console, "G", &last));
        quit(&mut console);
        let began = Instant::now();
        let mut peer =
            Console::spawn(terminal(pty_process::blocking::Command::new("less").arg("-nS").arg("+G").arg(log)), 200, 50);
        peer.wait_for(&last);
        less.push(began.elapsed());
        quit(&mut peer);
    }
    let less = median(less);
    row("a log of 10 GB: opened at its end; less +G", median(opens), less, "");
    row("  its first line; less +G", median(tops), less, "");
    row("  its last line; less +G", median(bottoms), less, "");
}

/// From enter to the first match on the screen, to the count of all, and from escape to the end of the search.
fn searches(place: &Place, log: &Path) {
    let (first, count) = (number(RARE - 1), format!("/{}", LINES / RARE));
    let (mut firsts, mut alls, mut stops, mut grep_first, mut grep) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let mut console = open(place);
        key(&mut console, "g", &number(0));
        console.type_keys("/needle");
        console.wait_for("needle");
        let began = Instant::now();
        console.type_keys("\r");
        console.wait_for(&first);
        firsts.push(began.elapsed());
        console.wait("the count of all", |console| console.screen().contains(&count) && !console.screen().contains('…'));
        alls.push(began.elapsed());
        quit(&mut console);
        grep_first.push(grep_for(log, "-m1"));
        grep.push(grep_for(log, "-c"));
        stops.push(stop(place));
    }
    row("  search: first match, 1 GB in; grep -m1", median(firsts), median(grep_first), "");
    row("  search: all counted; grep -c", median(alls), median(grep), "");
    row("  escape ends a search; a tenth of a second", median(stops), Duration::from_millis(100), "");
}

/// Escapes from a search that would go on for long; the engine reads no more soon after.
fn stop(place: &Place) -> Duration {
    let mut console = open(place);
    console.type_keys("/nothing like it");
    console.wait_for("nothing like it");
    console.type_keys("\r");
    console.wait_for("nothing like it 0…");
    let began = Instant::now();
    console.type_keys("\x1b");
    console.wait_until_gone("nothing like it");
    let time = began.elapsed();
    rest(&mut console, Duration::from_millis(200));
    let before = processor_time(place.engine_pid());
    rest(&mut console, Duration::from_millis(500));
    let ticks = processor_time(place.engine_pid()) - before;
    assert!(ticks <= 5, "the engine went on searching: {ticks} ticks in half a second");
    quit(&mut console);
    time
}

fn runs(place: &Place) -> Console {
    let mut console = console(place, &[]);
    console.wait_for("succeeded");
    console.type_keys("2");
    console.wait_for("took  started");
    console
}

/// On the end of the log, with its keys.
fn open(place: &Place) -> Console {
    let mut console = runs(place);
    key(&mut console, "\r", &number(LINES - 1));
    focus(&mut console);
    console
}

fn focus(console: &mut Console) {
    key(console, "\t", "wrap");
}

fn key(console: &mut Console, key: &str, text: &str) -> Duration {
    let began = Instant::now();
    console.type_keys(key);
    console.wait_for(text);
    began.elapsed()
}

fn grep_for(log: &Path, how: &str) -> Duration {
    let began = Instant::now();
    let said = Command::new("grep").args([how, "needle"]).arg(log).output().expect("grep");
    assert!(said.status.success());
    began.elapsed()
}

fn number(line: u64) -> String {
    format!("{line:0>8} ")
}

/// The largest file below a directory.
fn largest(dir: &Path) -> PathBuf {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory").flatten() {
            let facts = entry.metadata().expect("facts");
            if facts.is_dir() { dirs.push(entry.path()) } else { files.push((facts.len(), entry.path())) }
        }
    }
    files.into_iter().max().map(|(_, path)| path).expect("a log")
}
