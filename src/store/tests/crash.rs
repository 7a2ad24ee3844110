//! A process that appends is killed in the middle of it; what it had been told is durable must be there.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{noted, store_with_run};
use crate::model::EventKind;
use crate::store::Store;

const DIR: &str = "FLOWDECK_TEST_CRASH_DIR";
const ROUNDS: u64 = 6;
const PRODUCERS: u64 = 4;

/// Not a test of its own: the process that the next test kills. Says `SEQ MESSAGE` for every acknowledged event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below"]
async fn child_that_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store = Store::open(Path::new(&dir)).unwrap();
    let producers = (0..PRODUCERS).map(|producer| tokio::spawn(produce(store.clone(), producer)));
    for producer in producers.collect::<Vec<_>>() {
        producer.await.unwrap();
    }
}

async fn produce(store: Store, producer: u64) {
    for n in 0.. {
        let batch = (0..=n % 3).map(|part| noted("r-1", format!("{}-{producer}-{n}-{part}", std::process::id())));
        let written = store.append(batch.collect()).await.unwrap();
        let lines: String = written.iter().map(|event| format!("{} {}\n", event.seq, message(&event.kind))).collect();
        std::io::stdout().lock().write_all(lines.as_bytes()).unwrap();
    }
}

fn message(kind: &EventKind) -> &str {
    let EventKind::Noted { message, .. } = kind else { return "" };
    message
}

/// Ends the child whatever happens to the test.
struct Victim(Child);

impl Victim {
    fn start(dir: &Path) -> Self {
        let name = "store::tests::crash::child_that_appends_until_it_is_killed";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([name, "--exact", "--ignored", "--nocapture"]).env(DIR, dir);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets the child acknowledge `enough` events, kills it, and collects everything it managed to say.
fn acknowledged(dir: &Path, enough: u64) -> BTreeMap<u64, String> {
    let mut victim = Victim::start(dir);
    let mut told = BTreeMap::new();
    let output = victim.0.stdout.take().unwrap();
    let mut killed = false;
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let parsed = line.split_once(' ').and_then(|(seq, message)| Some((seq.parse().ok()?, message.to_owned())));
        // A last line cut short by the kill acknowledges nothing.
        told.extend(parsed.filter(|(_, message): &(u64, String)| message.matches('-').count() == 3));
        if !killed && told.len() as u64 >= enough {
            victim.0.kill().unwrap();
            killed = true;
        }
    }
    told
}

#[tokio::test]
async fn no_acknowledged_event_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    store_with_run(dir.path(), "r-1").await.close().await.unwrap();
    let random = RandomState::new();
    let mut told = BTreeMap::new();
    for round in 0..ROUNDS {
        let enough = 1 + random.hash_one(round) % 400;
        let news = acknowledged(dir.path(), enough);
        assert!(news.len() as u64 >= enough, "the child ended by itself");
        told.extend(news);

        let store = Store::open(dir.path()).unwrap();
        let journal = store.journal(&"r-1".into()).await.unwrap();
        assert!(journal.iter().map(|event| event.seq).eq(1..=journal.len() as u64), "a gap in the journal");
        for (seq, expected) in &told {
            let found = usize::try_from(seq - 1).ok().and_then(|at| journal.get(at)).map(|event| message(&event.kind));
            assert_eq!(found, Some(expected.as_str()), "event {seq} was acknowledged");
        }
        assert_eq!(store.check().await.unwrap(), [""; 0]);
        store.close().await.unwrap();
    }
}
