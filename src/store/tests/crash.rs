//! A process that appends is killed in the middle of it; what it had been told is durable must be there, and of a decision
//! either all or nothing: its event, its fact and its audit record.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::atomic::decision;
use super::{noted, store_with_run};
use crate::model::{AuditQuery, EventKind};
use crate::store::{Batch, Store};

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
        let name = |part: u64| format!("{}-{producer}-{n}-{part}", std::process::id());
        let events: Vec<_> = (0..=n % 3).map(|part| noted("r-1", name(part))).collect();
        let gate = format!("thing/{}-{producer}", std::process::id());
        let batch =
            if n % 2 == 0 { Batch { events, ..Batch::default() } } else { Batch { events, ..decision(&gate, n / 2, &name(0)) } };
        let written = store.record(batch).await.unwrap().events;
        let lines: String = written.iter().map(|event| format!("{} {}\n", event.seq, message(&event.kind))).collect();
        std::io::stdout().lock().write_all(lines.as_bytes()).unwrap();
    }
}

fn message(kind: &EventKind) -> &str {
    let EventKind::Noted { message, .. } = kind else { return "" };
    message
}

/// What was decided, by the producer's own name for it, as the facts and the audit chain know it.
async fn decided(store: &Store) -> [Vec<String>; 2] {
    let facts = store.facts("thing/").await.unwrap();
    let facts = facts.iter().map(|fact| fact.body["by"].as_str().unwrap().to_owned()).collect();
    let mut records = Vec::new();
    loop {
        let after = Some(records.len() as u64);
        let page = store.audit(AuditQuery { after, limit: Some(1000), ..AuditQuery::default() }).await.unwrap();
        if page.is_empty() {
            return [facts, records];
        }
        records.extend(page.into_iter().map(|record| record.body["by"].as_str().unwrap().to_owned()));
    }
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
        let enough = 40 + random.hash_one(round) % 400;
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
        // Every second batch of a producer was a decision; the first note of the batch carries its name.
        let odd = |message: &str| {
            let parts: Vec<&str> = message.split('-').collect();
            matches!(parts[..], [_, _, n, "0"] if n.parse::<u64>().unwrap() % 2 == 1)
        };
        let notes: Vec<String> = journal.iter().map(|event| message(&event.kind).to_owned()).filter(|text| odd(text)).collect();
        assert!(!notes.is_empty(), "nobody decided anything, so nothing was tried");
        assert_eq!(
            decided(&store).await,
            [notes.clone(), notes],
            "a decision without its record, or a record without its decision"
        );
        assert_eq!(store.check().await.unwrap(), [""; 0]);
        store.close().await.unwrap();
    }
}
