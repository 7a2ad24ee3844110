//! What goes on record of what an engine does: the decisions of people and of the engine, as names and hashes.
//!
//! Owns the words of the audit chain for runs. Must not know how records are kept. Values of inputs, of the environment and of
//! secrets are never among the words, and neither are free texts of a pipeline.

use serde_json::{Value, json};

use crate::model::audit::action;
use crate::model::{Actor, EventKind, Include, NewRecord, Timestamp};
use crate::store::{Batch, NewEvent};

/// Events with the audit records that belong to them, for one transaction.
pub(super) fn with_records(events: Vec<NewEvent>) -> Batch {
    let audit = events.iter().filter_map(record_of).collect();
    Batch { events, audit, ..Batch::default() }
}

/// The record of an event that somebody is answerable for.
fn record_of(event: &NewEvent) -> Option<NewRecord> {
    let (actor, action, body) = match &event.kind {
        EventKind::RunCreated { actor, rerun_of, .. } => {
            (actor, if rerun_of.is_some() { action::RUN_RERUN } else { action::RUN_CREATED }, creation(&event.kind)?)
        }
        EventKind::CancelRequested { actor, force, reason } => {
            (actor, action::RUN_CANCELLED, json!({"force": force, "reason": reason}))
        }
        EventKind::AttemptResolved { stage, attempt, resolution, actor } => {
            (actor, action::RUN_RESOLVED, json!({"stage": stage, "attempt": attempt, "resolution": resolution}))
        }
        EventKind::RunResumed { by } if !by.is_empty() => {
            let names: Vec<&str> = by.iter().map(|actor| actor.name.as_str()).collect();
            (by.last()?, action::RUN_PROVIDED, json!({"by": names}))
        }
        EventKind::RunStarted
        | EventKind::AttemptStarted { .. }
        | EventKind::AttemptFinished { .. }
        | EventKind::StageSkipped { .. }
        | EventKind::PhaseStarted { .. }
        | EventKind::StageHeld { .. }
        | EventKind::StageSettled { .. }
        | EventKind::RunPaused { .. }
        | EventKind::RunResumed { .. }
        | EventKind::Noted { .. }
        | EventKind::RunFinished { .. } => return None,
    };
    let subject = format!("run/{}", event.run);
    Some(NewRecord { at: event.at, actor: actor.clone(), action: action.to_owned(), subject, body })
}

/// What a run was begun with. Of inputs only the names count: a hash of a short value gives the value away.
fn creation(kind: &EventKind) -> Option<Value> {
    let EventKind::RunCreated {
        pipeline,
        inputs,
        workspace,
        rerun_of,
        environment,
        environment_names,
        reused,
        parent,
        includes,
        ..
    } = kind
    else {
        return None;
    };
    let include = |include: &Include| json!({"reference": include.reference, "hash": include.hash});
    Some(json!({
        "pipeline": pipeline.id,
        "hash": pipeline.hash,
        "path": pipeline.path,
        "workspace": workspace,
        "environment": environment,
        "inputs": inputs.as_object().map(|inputs| inputs.keys().collect::<Vec<_>>()),
        "values": environment_names,
        "rerun_of": rerun_of,
        "reused": reused.iter().map(|(stage, _)| stage).collect::<Vec<_>>(),
        "parent": parent.as_ref().map(|parent| json!({"run": parent.run, "stage": parent.stage})),
        "includes": includes.iter().map(include).collect::<Vec<_>>(),
    }))
}

/// An engine began its work.
pub(super) fn started(at: Timestamp) -> NewRecord {
    about_engine(at, Actor::engine(), action::ENGINE_STARTED, json!({}))
}

/// An engine ended its work in order; one that was killed leaves no such record.
pub(super) fn stopped(at: Timestamp, actor: Actor, cause: &str) -> NewRecord {
    about_engine(at, actor, action::ENGINE_STOPPED, json!({"cause": cause}))
}

fn about_engine(at: Timestamp, actor: Actor, action: &str, mut body: Value) -> NewRecord {
    body["pid"] = json!(std::process::id());
    body["version"] = json!(env!("CARGO_PKG_VERSION"));
    NewRecord { at, actor, action: action.to_owned(), subject: "engine".to_owned(), body }
}
