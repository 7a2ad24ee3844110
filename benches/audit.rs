//! What the audit chain costs, beside the same work without it.
//!
//! `cargo bench --bench audit`: batches with and without a record, and the proof of a long chain beside SHA-256 alone over as many
//! bytes.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use flowdeck::model::digest::sha256_hex;
use flowdeck::model::{Actor, AuditQuery, AuditVerdict, NewRecord, Timestamp};
use flowdeck::store::{Batch, NewFact, Store};
use serde_json::json;
use support::{median, row};

const DECISIONS: u32 = 300;
const LENGTH: u64 = 100_000;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<44} {:>12} {:>12} {:>8}  promise", "audit", "ours", "without", "ratio");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        decisions().await;
        proof().await;
    });
}

fn record(n: u64) -> NewRecord {
    let body =
        json!({"pipeline": "deploy", "hash": "0".repeat(64), "inputs": ["version", "region"], "environment": "production"});
    NewRecord { at: Timestamp(0), actor: Actor::engine(), action: "run.created".to_owned(), subject: format!("run/{n}"), body }
}

/// One after the other, each waiting for its own sync: the worst case.
async fn decisions() {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        with.push(recorded(true).await);
        without.push(recorded(false).await);
    }
    row(&format!("{DECISIONS} decisions, one by one"), median(with), median(without), "none");
}

async fn recorded(audited: bool) -> Duration {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(dir.path()).expect("a store");
    let began = Instant::now();
    for n in 0..DECISIONS {
        let facts = vec![NewFact { stream: format!("gate/{n}"), at: Timestamp(0), body: json!({"opened": n}) }];
        let audit = if audited { vec![record(u64::from(n))] } else { Vec::new() };
        store.record(Batch { facts, audit, ..Batch::default() }).await.expect("recorded");
    }
    began.elapsed()
}

async fn proof() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(dir.path()).expect("a store");
    for part in 0..LENGTH / 4000 {
        let audit = (0..4000).map(|n| record(part * 4000 + n)).collect();
        store.record(Batch { audit, ..Batch::default() }).await.expect("recorded");
    }
    let one = store.audit(AuditQuery { limit: Some(1), ..AuditQuery::default() }).await.expect("a record");
    let text = serde_json::to_string(&one).expect("text");
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let began = Instant::now();
        assert!(matches!(store.verify_audit(Vec::new()).await, Ok(AuditVerdict::Whole(found)) if found.records == LENGTH));
        ours.push(began.elapsed());
        let began = Instant::now();
        let all = text.repeat(usize::try_from(LENGTH).expect("a size"));
        std::hint::black_box(sha256_hex(all.as_bytes()));
        limit.push(began.elapsed());
    }
    row(&format!("proof of {LENGTH} records, beside SHA-256"), median(ours), median(limit), "none");
}
