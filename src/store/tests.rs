//! Shared by the store's tests: events in few words.

use std::path::Path;

use super::{Batch, Definition, NewEvent, Store, StoreError};
use crate::model::{
    Actor, Ending, Event, EventKind, Next, NoteLevel, Outcome, PipelineRef, RunId, RunStatus, StageOutline, Timestamp,
};

mod atomic;
mod chain;
mod crash;
mod damage;
mod full_disk;
mod property;
mod story;
mod versions;

fn definition() -> Definition {
    Definition { hash: "abc123".to_owned(), format: "yaml".to_owned(), text: "id: deploy\n".to_owned() }
}

fn event(run: &str, kind: EventKind) -> NewEvent {
    NewEvent { at: Timestamp(1_700_000_000_000), run: RunId::from(run), kind }
}

fn created(run: &str, stages: &[&str]) -> NewEvent {
    let outline = |id: &&str| StageOutline {
        id: (*id).into(),
        name: None,
        component: "shell".to_owned(),
        depends_on: Vec::new(),
        enclosure: None,
        undoes: None,
    };
    let pipeline =
        PipelineRef { id: "deploy".to_owned(), name: "Deploy".to_owned(), hash: definition().hash, ..PipelineRef::default() };
    let kind = EventKind::RunCreated {
        pipeline,
        stages: stages.iter().map(outline).collect(),
        inputs: serde_json::json!({"version": "1.2.3"}),
        actor: Actor::engine(),
        workspace: "/srv/api".to_owned(),
        rerun_of: None,
        environment: None,
        environment_names: vec!["TOKEN".to_owned()],
        timeout_ms: None,
        reused: Vec::new(),
        parent: None,
        includes: Vec::new(),
        protected: Vec::new(),
        rollback: None,
    };
    event(run, kind)
}

fn started(run: &str, stage: &str) -> NewEvent {
    event(
        run,
        EventKind::AttemptStarted {
            stage: stage.into(),
            attempt: 1,
            config: serde_json::json!({"command": "make"}),
            child: None,
            unstarted: false,
        },
    )
}

fn succeeded(run: &str, stage: &str) -> NewEvent {
    let outcome = Outcome { ending: Ending::Succeeded, output: serde_json::json!({"exit_code": 0}), error: None };
    event(run, EventKind::AttemptFinished { stage: stage.into(), attempt: 1, outcome, next: Next::Settle })
}

fn finished(run: &str, status: RunStatus) -> NewEvent {
    event(run, EventKind::RunFinished { status, output: serde_json::Value::Null, error: None })
}

fn noted(run: &str, message: impl Into<String>) -> NewEvent {
    event(run, EventKind::Noted { stage: None, level: NoteLevel::Info, message: message.into() })
}

async fn create(store: &Store, events: Vec<NewEvent>) -> Vec<Event> {
    store.record(Batch { definitions: vec![definition()], events, ..Batch::default() }).await.unwrap().events
}

async fn store_with_run(dir: &Path, run: &str) -> Store {
    let store = Store::open(dir).unwrap();
    create(&store, vec![created(run, &["build", "test"])]).await;
    store
}

fn refusal(dir: &Path) -> StoreError {
    Store::open(dir).expect_err("this store must not open")
}
