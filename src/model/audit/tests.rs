//! Attacks on a chain: each is found, at the first record that is not what was written.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::{AuditHead, AuditRecord, Break, Flaw, NewRecord, Place, Summary, Unreadable, verify};
use crate::model::checkpoint::{self, Checkpoint};
use crate::model::digest::{canonical, hex};
use crate::model::{Actor, Proof, Timestamp};

const STORE: &str = "5707e";

fn new(n: u64) -> NewRecord {
    NewRecord {
        at: Timestamp(1_700_000_000_000 + i64::try_from(n).unwrap()),
        actor: Actor { name: "dana".to_owned(), uid: Some(1000), proof: Proof::PeerCredentials },
        action: "run.created".to_owned(),
        subject: format!("run/{n}"),
        body: json!({"pipeline": "deploy \"it\"", "names": ["é", 1.5, null]}),
    }
}

/// A chain as it should be.
fn chain(store: &str, length: u64) -> Vec<AuditRecord> {
    let mut head = AuditHead::start(store);
    (1..=length)
        .map(|n| {
            let record = AuditRecord::after(&head, new(n));
            head = AuditHead::from(&record);
            record
        })
        .collect()
}

/// Writes every hash anew from a record on, as somebody would who knows how the chain is made.
fn rewrite(records: &mut [AuditRecord], from: usize) {
    for at in from..records.len() {
        if at > 0 {
            records[at].prev_hash = records[at - 1].hash.clone();
        }
        records[at].seq = at as u64 + 1;
        records[at].hash = records[at].digest();
    }
}

struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn line(&self, store: &str, head: &AuditRecord) -> String {
        let sign = |text: &[u8]| self.0.sign(text).as_ref().to_vec();
        let public = self.0.public_key().as_ref();
        let checkpoint = Checkpoint::seal(AuditHead::from(head), Timestamp(1_700_000_100_000), store, public, sign);
        serde_json::to_string(&checkpoint).unwrap()
    }

    fn public(&self) -> String {
        hex(self.0.public_key().as_ref())
    }
}

fn check(records: &[AuditRecord], checkpoints: &str, keys: &str) -> Result<Summary, Break> {
    let checkpoints = checkpoint::read(checkpoints, keys)?;
    verify(records.iter().cloned().map(Ok), Some(STORE), &checkpoints)
}

fn at(record: u64, flaw: Flaw) -> Result<Summary, Break> {
    Err(Break { place: Place::Record(record), flaw })
}

fn at_line(line: usize, flaw: Flaw) -> Result<Summary, Break> {
    Err(Break { place: Place::Checkpoint(line), flaw })
}

#[test]
fn the_hash_is_over_the_canonical_json_of_the_other_fields() {
    for uid in [Some(7), None] {
        let record = AuditRecord { uid, ..chain(STORE, 1).remove(0) };
        let mut fields = serde_json::to_value(&record).unwrap();
        fields.as_object_mut().unwrap().remove("hash");
        assert_eq!(record.hashed(), canonical(&fields));
    }
}

#[test]
fn the_format_of_the_chain_does_not_change_unnoticed() {
    // Computed by another program: sorted keys, no white space, UTF-8.
    let records = chain(STORE, 2);
    assert_eq!(records[0].prev_hash, "afc1a3315359e23ab1f3d656777b169f899fa97e19dd03119c46bd552c5e62b2");
    assert_eq!(records[1].hash, "33100e36beff93a97c42b8d9bac5f88588c946d9f73f858aeaa5caf6742cffff");
}

#[test]
fn a_whole_chain_is_summed_up() {
    let records = chain(STORE, 9);
    let (signer, none) = (Signer::new(), AuditHead::start(STORE));
    let lines = format!("{}\n\n{}\n", signer.line(STORE, &records[2]), signer.line(STORE, &records[6]));
    let summary = check(&records, &lines, &format!("00\n{}\n", signer.public())).unwrap();
    let expected =
        Summary { records: 9, hash: records[8].hash.clone(), last_at: Some(records[8].at), checkpoints: 2, signed_up_to: 7 };
    assert_eq!(summary, expected);
    assert_eq!(
        check(&[], "", "").unwrap(),
        Summary { records: 0, hash: none.hash, last_at: None, checkpoints: 0, signed_up_to: 0 }
    );
}

#[test]
fn a_change_to_any_field_is_found_at_its_record() {
    let changes: [fn(&mut AuditRecord); 8] = [
        |record| record.at = Timestamp(0),
        |record| record.actor = "eve".to_owned(),
        |record| record.uid = None,
        |record| record.auth_method = Proof::Engine,
        |record| record.action = "run.cancelled".to_owned(),
        |record| record.subject = "run/other".to_owned(),
        |record| record.body["names"][1] = json!(1.25),
        |record| record.hash = "0".repeat(64),
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut records = chain(STORE, 9);
        change(&mut records[4]);
        assert_eq!(check(&records, "", ""), at(5, Flaw::Changed), "change {n}");
    }
    let mut records = chain(STORE, 9);
    records[4].prev_hash = "0".repeat(64);
    assert_eq!(check(&records, "", ""), at(5, Flaw::Unlinked));
}

#[test]
fn a_record_with_a_hash_made_anew_no_longer_carries_the_next_one() {
    let mut records = chain(STORE, 9);
    records[4].body = Value::Null;
    records[4].hash = records[4].digest();
    assert_eq!(check(&records, "", ""), at(6, Flaw::Unlinked));
}

#[test]
fn deleted_inserted_and_reordered_records_are_found() {
    let whole = chain(STORE, 9);
    let mut deleted = whole.clone();
    deleted.remove(4);
    assert_eq!(check(&deleted, "", ""), at(5, Flaw::Missing { found: 6 }));
    let mut renumbered = deleted;
    renumbered.iter_mut().zip(1..).for_each(|(record, seq)| record.seq = seq);
    assert_eq!(check(&renumbered, "", ""), at(5, Flaw::Unlinked));
    let mut first_gone = whole.clone();
    first_gone.remove(0);
    assert_eq!(check(&first_gone, "", ""), at(1, Flaw::Missing { found: 2 }));
    let mut swapped = whole.clone();
    swapped.swap(3, 5);
    assert_eq!(check(&swapped, "", ""), at(4, Flaw::Missing { found: 6 }));
    let mut twice = whole.clone();
    twice.insert(4, whole[3].clone());
    assert_eq!(check(&twice, "", ""), at(5, Flaw::Missing { found: 4 }));
    let mut inserted = whole.clone();
    inserted.insert(4, AuditRecord::after(&AuditHead::from(&whole[3]), new(99)));
    assert_eq!(check(&inserted, "", ""), at(6, Flaw::Missing { found: 5 }));
    inserted.iter_mut().zip(1..).for_each(|(record, seq)| record.seq = seq);
    assert_eq!(check(&inserted, "", ""), at(6, Flaw::Unlinked));
}

#[test]
fn an_end_that_was_cut_off_is_found_with_a_checkpoint_only() {
    let records = chain(STORE, 9);
    let signer = Signer::new();
    let lines = signer.line(STORE, &records[7]);
    assert_eq!(check(&records[..6], "", "").unwrap().records, 6);
    assert_eq!(check(&records[..6], &lines, &signer.public()), at(7, Flaw::CutOff { line: 1, seq: 8 }));
    assert_eq!(check(&[], &lines, &signer.public()), at(1, Flaw::CutOff { line: 1, seq: 8 }));
}

#[test]
fn a_chain_written_anew_is_found_with_a_checkpoint_only() {
    let whole = chain(STORE, 9);
    let signer = Signer::new();
    let lines = format!("{}\n{}\n", signer.line(STORE, &whole[1]), signer.line(STORE, &whole[7]));
    let mut forged = whole.clone();
    forged[4].actor = "eve".to_owned();
    rewrite(&mut forged, 4);
    assert_eq!(check(&forged, "", "").unwrap().records, 9);
    assert_eq!(check(&forged, &lines, &signer.public()), at(8, Flaw::Rewritten { line: 2 }));
    let mut shortened = whole;
    shortened.remove(4);
    rewrite(&mut shortened, 4);
    assert_eq!(check(&shortened, &lines, &signer.public()), at(8, Flaw::Rewritten { line: 2 }));
}

#[test]
fn a_chain_of_another_store_does_not_begin_here() {
    let foreign = chain("0ther", 3);
    assert_eq!(check(&foreign, "", ""), at(1, Flaw::Transplanted));
    let signer = Signer::new();
    let lines = signer.line("0ther", &foreign[2]);
    let flaw = Flaw::OtherStore { theirs: "0ther".to_owned(), ours: STORE.to_owned() };
    assert_eq!(check(&chain(STORE, 3), &lines, &signer.public()), at_line(1, flaw));
}

#[test]
fn an_exported_chain_is_held_to_the_store_of_its_checkpoints() {
    let records = chain(STORE, 3);
    let unknown = |lines: &str, keys: &str| {
        let checkpoints = checkpoint::read(lines, keys)?;
        verify(records.iter().cloned().map(Ok), None, &checkpoints)
    };
    assert_eq!(unknown("", "").unwrap().records, 3);
    let signer = Signer::new();
    assert_eq!(unknown(&signer.line(STORE, &records[2]), &signer.public()).unwrap().signed_up_to, 3);
    assert_eq!(unknown(&signer.line("0ther", &records[2]), &signer.public()), at(1, Flaw::Transplanted));
}

#[test]
fn a_checkpoint_that_was_edited_or_made_by_somebody_else_is_not_believed() {
    let records = chain(STORE, 3);
    let (signer, stranger) = (Signer::new(), Signer::new());
    let good = signer.line(STORE, &records[1]);
    for (from, to) in [("\"seq\":2", "\"seq\":1"), (records[1].hash.as_str(), records[0].hash.as_str()), (STORE, "0ther")] {
        let edited = good.replace(from, to);
        assert_ne!(edited, good);
        assert_eq!(check(&records, &format!("{good}\n{edited}\n"), &signer.public()), at_line(2, Flaw::Forged), "{to}");
    }
    let strange = stranger.line(STORE, &records[1]);
    let key = checkpoint::key_id(stranger.0.public_key().as_ref());
    assert_eq!(check(&records, &strange, &signer.public()), at_line(1, Flaw::UnknownKey { key: key.clone() }));
    assert_eq!(check(&records, &strange, ""), at_line(1, Flaw::UnknownKey { key: key.clone() }));
    let relabelled = strange.replace(&key, &checkpoint::key_id(signer.0.public_key().as_ref()));
    assert_eq!(check(&records, &relabelled, &signer.public()), at_line(1, Flaw::Forged));
}

#[test]
fn garbage_among_checkpoints_is_named_by_its_line() {
    let records = chain(STORE, 3);
    let signer = Signer::new();
    let good = signer.line(STORE, &records[1]);
    let cut = &good[..good.len() - 9];
    for garbage in ["x", "{}", "null", "\u{0}", "[[[[", cut, &format!("{good}{good}"), "{\"seq\":-1}"] {
        let broken = check(&records, &format!("{good}\n{garbage}\n{good}\n"), &signer.public()).unwrap_err();
        assert!(matches!(broken, Break { place: Place::Checkpoint(2), flaw: Flaw::Unreadable { .. } }), "{garbage:?}: {broken}");
    }
    let short = good.replace("\"signature\":\"", "\"signature\":\"zz");
    assert_eq!(check(&records, &short, &signer.public()), at_line(1, Flaw::Forged));
}

#[test]
fn a_record_that_cannot_be_read_is_named_by_its_place() {
    let records = chain(STORE, 4);
    let mut rows: Vec<_> = records.into_iter().map(Ok).collect();
    rows[2] = Err(Unreadable("not JSON".to_owned()));
    let flaw = Flaw::Unreadable { detail: "not JSON".to_owned() };
    assert_eq!(verify(rows, Some(STORE), &[]), at(3, flaw));
}

#[test]
fn a_verdict_says_where_and_what_in_json() {
    let broken = super::Verdict::from(at(5, Flaw::Missing { found: 6 }));
    let text = serde_json::to_value(&broken).unwrap();
    assert_eq!(text, json!({"broken": {"record": 5, "flaw": "missing", "found": 6}}));
    assert_eq!(serde_json::from_value::<super::Verdict>(text).unwrap(), broken);
}
