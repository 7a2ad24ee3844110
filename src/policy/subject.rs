//! The digest of a subject, and the hashes that enter it. Two subjects have one digest only if they are the same.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::model::digest::{canonical, hex, sha256_hex};
use crate::model::{Environment, Subject};

/// The format of the hashed document; it grows when the same document comes to mean something else.
const FORMAT: u32 = 1;

/// SHA-256 of the canonical JSON of a subject, lower-case hex.
pub fn digest(subject: &Subject) -> String {
    sha256_hex(canonical(&document(subject)).as_bytes())
}

/// Of the whole description of an environment: a subject approved under other rules is another subject.
pub fn policy_hash(environment: &Environment) -> String {
    // Every field is named, so that a new one cannot be forgotten.
    let Environment {
        name,
        tier,
        protected,
        url,
        bake,
        expires,
        valid,
        rules,
        freeze,
        freeze_rollbacks,
        separation,
        break_glass,
        rollback,
        promote_from,
    } = environment;
    let document = json!({
        "format": FORMAT, "name": name, "tier": tier, "protected": protected, "url": url, "bake": bake, "expires": expires, "valid": valid,
        "rules": rules, "freeze": freeze, "freeze_rollbacks": freeze_rollbacks, "separation": separation, "break_glass": break_glass, "rollback": rollback,
        "promote_from": promote_from,
    });
    sha256_hex(canonical(&document).as_bytes())
}

/// Of a run's inputs and of the secrets that its stages may read, those as [`keyed`] hashes by name.
pub fn inputs_hash(inputs: &Value, secrets: &BTreeMap<String, String>) -> String {
    sha256_hex(canonical(&json!({"format": FORMAT, "inputs": inputs, "secrets": secrets})).as_bytes())
}

/// A hash of a secret's value that tells nothing to who lacks the key: HMAC-SHA-256, lower-case hex. The name enters, so that
/// two secrets with one value do not show it.
pub fn keyed(key: &[u8], name: &str, value: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(&(name.len() as u64).to_be_bytes());
    context.update(name.as_bytes());
    context.update(value);
    hex(context.sign().as_ref())
}

/// The names of the fields in which two subjects differ, for people.
pub fn differences(before: &Subject, now: &Subject) -> Vec<&'static str> {
    let (before, now) = (document(before), document(now));
    WORDS.iter().filter(|(field, _)| before[*field] != now[*field]).map(|(_, words)| *words).collect()
}

const WORDS: &[(&str, &str)] = &[
    ("environment", "the environment"),
    ("service", "the service"),
    ("kind", "the kind of change"),
    ("run", "the run"),
    ("stage", "the stage"),
    ("pipeline_digest", "the pipeline"),
    ("artefacts", "the artefacts"),
    ("inputs_hash", "the inputs or secrets"),
    ("upstream", "the output of a stage before it"),
    ("live_release", "the live release"),
    ("policy_hash", "the environment's rules"),
];

fn document(subject: &Subject) -> Value {
    let Subject {
        environment,
        service,
        kind,
        run,
        stage,
        pipeline_digest,
        artefacts,
        inputs_hash,
        upstream,
        live_release,
        policy_hash,
    } = subject;
    let upstream: BTreeMap<&str, &str> = upstream.iter().map(|(stage, hash)| (stage.as_str(), hash.as_str())).collect();
    json!({
        "format": FORMAT, "environment": environment, "service": service, "kind": kind, "run": run, "stage": stage,
        "pipeline_digest": pipeline_digest, "artefacts": artefacts, "inputs_hash": inputs_hash, "upstream": upstream,
        "live_release": live_release, "policy_hash": policy_hash,
    })
}

#[cfg(test)]
mod tests;
