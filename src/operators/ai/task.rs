//! What all AI nodes do alike: find the provider, ask, check the answer, ask once more, make the output.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::answer::Answer;
use super::exchange::{Line, tell};
use super::question::{Message, Question, number};
use super::sample::sample;
use super::shape::{Shape, complaint, misfit};
use crate::language::duration::Unit;
use crate::model::{Ending, ErrorKind, NoteLevel, Outcome, StageError};
use crate::operators::fields::{Fields, wrong};
use crate::operators::{Call, Context, Prepared, Work};

/// For one attempt, all its questions together.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Pieces of the log that may wait to be written.
const PIECES: usize = 64;
const OFFLINE: &str = "no AI provider is configured in flowdeck.toml: this stage's answer is made up (model \"mock\")";
const MOCKED: &str = "the stage asks for the provider `mock`: its answer is made up";

/// What a node wants to know.
pub(super) struct Task {
    /// What the model is in this node.
    pub(super) role: String,
    pub(super) messages: Vec<Message>,
    pub(super) shape: Option<Shape>,
    /// The answer when nobody is asked; without one a value that fits the shape is made up.
    pub(super) offline: Offline,
    pub(super) output: Box<dyn FnOnce(Reply) -> Value + Send>,
}

pub(super) enum Offline {
    Text(String),
    Value(Value),
    /// Whatever fits the shape.
    Sample,
}

/// An answer as a node turns it into its output.
pub(super) struct Reply {
    pub(super) text: String,
    /// The checked value of a structured answer; else null.
    pub(super) value: Value,
    /// Null when the provider did not count.
    pub(super) tokens: Value,
    pub(super) finish_reason: String,
    pub(super) model: String,
}

impl Reply {
    /// Takes a field of the structured answer.
    pub(super) fn take(&mut self, name: &str) -> Value {
        self.value.get_mut(name).map(Value::take).unwrap_or_default()
    }
}

/// Describes the call that answers the task. `fields` holds what the node itself did not take.
pub(super) fn prepare(context: &Context, mut fields: Fields, config: Value, task: Task) -> Result<Prepared, StageError> {
    let named = fields.text(&["provider"])?;
    let timeout = fields.timeout(Unit::Request)?.unwrap_or(TIMEOUT);
    let model = fields.text(&["model"])?;
    let system = fields.take(&["system_prompt", "system"]).map(|system| crate::language::template::to_text(&system));
    let instruction = task.shape.as_ref().map(Shape::instruction);
    let system = [Some(task.role), system, instruction].into_iter().flatten().filter(|text| !text.is_empty());
    let mut question = Question {
        model: String::new(),
        system: system.collect::<Vec<_>>().join("\n\n"),
        messages: task.messages,
        temperature: number(&mut fields, "temperature")?,
        max_tokens: fields.count(&["max_tokens"])?,
        object: task.shape.as_ref().is_some_and(Shape::is_object),
    };
    let (log, pieces) = mpsc::channel(PIECES);
    let idempotent = context.stage.idempotent.unwrap_or(true);
    let mut call = match context.ai.choose(named.as_deref())? {
        None => {
            let reply = offline(task.offline, task.shape.as_ref());
            let future = async move {
                tell(&log, &reply.text).await;
                Outcome::succeeded((task.output)(reply))
            };
            let note = if context.ai.providers.is_empty() { OFFLINE } else { MOCKED };
            let mut call = Call::new(future, idempotent);
            call.notes.push((NoteLevel::Warning, note.to_owned()));
            call
        }
        Some((name, provider)) => {
            let line = Line::new(context.http, name, provider)?;
            question.model = model
                .or_else(|| provider.model.clone())
                .ok_or_else(|| wrong(format!("neither the stage nor the AI provider `{name}` names a `model`")))?;
            let future = async move {
                match tokio::time::timeout(timeout, converse(&line, question, task.shape, &log)).await {
                    Ok(Ok(reply)) => Outcome::succeeded((task.output)(reply)),
                    Ok(Err(error)) => Outcome::failed(error),
                    Err(_) => late(timeout),
                }
            };
            Call::new(future, idempotent)
        }
    };
    call.output = Some(pieces);
    Ok(Prepared { work: Work::Call(call), config })
}

async fn converse(
    line: &Line,
    mut question: Question,
    shape: Option<Shape>,
    log: &mpsc::Sender<String>,
) -> Result<Reply, StageError> {
    let first = line.ask(&question, log).await?;
    let tokens = first.tokens();
    let Some(shape) = shape else { return Ok(reply(first, Value::Null, tokens, &question)) };
    let mismatch = match shape.read(&first.text) {
        Ok(value) => return Ok(reply(first, value, tokens, &question)),
        Err(mismatch) => mismatch,
    };
    tell(log, &format!("\n--- not usable, asking once more: {mismatch}\n")).await;
    // An empty message is not allowed in a conversation.
    let said = if first.text.trim().is_empty() { "(nothing)".to_owned() } else { first.text };
    question.messages.extend([Message::assistant(said), Message::user(complaint(&mismatch))]);
    let second = line.ask(&question, log).await?;
    let tokens = tokens.map(|first| first.saturating_add(second.tokens().unwrap_or(0))).or(second.tokens());
    match shape.read(&second.text) {
        Ok(value) => Ok(reply(second, value, tokens, &question)),
        Err(mismatch) => Err(misfit(&mismatch, &second.text, second.finish_reason.as_deref() == Some("length"))),
    }
}

fn reply(answer: Answer, value: Value, tokens: Option<u64>, question: &Question) -> Reply {
    Reply {
        text: answer.text,
        value,
        tokens: json!(tokens),
        finish_reason: answer.finish_reason.unwrap_or_else(|| "stop".to_owned()),
        model: answer.model.unwrap_or_else(|| question.model.clone()),
    }
}

fn offline(offline: Offline, shape: Option<&Shape>) -> Reply {
    let (text, value) = match offline {
        Offline::Text(text) => (text, Value::Null),
        Offline::Value(value) => (value.to_string(), value),
        Offline::Sample => {
            let value = shape.map(|shape| sample(shape.schema())).unwrap_or_default();
            (value.to_string(), value)
        }
    };
    Reply { text, value, tokens: json!(0), finish_reason: "stop".to_owned(), model: "mock".to_owned() }
}

fn late(timeout: Duration) -> Outcome {
    let message = format!("no complete answer within {} ms", timeout.as_millis());
    Outcome::ended(Ending::TimedOut, StageError::new(ErrorKind::Timeout, message).recoverable(), Value::Null)
}
