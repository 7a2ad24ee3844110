//! `notify`: tells people, over a channel of the workspace, an address, or a command of the stage's own.
//!
//! Owns the shape of the news for each kind of receiver. A key is read when something is sent, and is never recorded.

mod deliver;
mod news;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};

use super::fields::{Fields, raw, wrong};
use super::{Call, Context, Prepared, Shape, Work, shell};
use crate::language::StageSpec;
use crate::language::duration::Unit;
use crate::language::template::to_text;
use crate::model::{Ending, ErrorKind, Outcome, StageError};
use crate::process::{Exit, Program, Spec};
pub use deliver::deliver;
pub use news::{News, Severity};

const TIMEOUT: Duration = Duration::from_secs(10);
const GRACE_MS: u64 = 2000;

/// Where news go.
#[derive(Clone)]
pub struct Target {
    pub format: Format,
    /// What signs the message or lets it in.
    pub secret: Option<Arc<dyn Vault>>,
}

/// In which shape news go, and where.
#[derive(Clone, PartialEq, Eq)]
pub enum Format {
    Webhook(String),
    Slack(String),
    PagerDuty(String),
    /// A program that reads the message from standard input, as JSON.
    Command {
        words: Vec<String>,
        cwd: String,
    },
}

/// Has a key, and gives it to whoever is about to send something.
pub trait Vault: Send + Sync {
    /// The key, or why it cannot be read, without any part of it.
    fn read(&self) -> BoxFuture<'static, Result<String, String>>;
}

/// A key that the stage itself has rendered.
struct Known(String);

impl Vault for Known {
    fn read(&self) -> BoxFuture<'static, Result<String, String>> {
        Box::pin(ready(Ok(self.0.clone())))
    }
}

impl fmt::Debug for Target {
    /// Addresses of receivers are often secrets themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("format", &self.format.name()).finish_non_exhaustive()
    }
}

impl Format {
    /// `webhook`, `slack`, `pagerduty` or `command`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::PagerDuty(_) => "pagerduty",
            Self::Command { .. } => "command",
        }
    }
}

/// A command of the stage's own is a process of the runner; whatever is sent, is sent by the engine.
pub(super) fn shape(stage: &StageSpec) -> Shape {
    match stage.config.get("command") {
        None | Some(Value::Null) => Shape::Call,
        Some(_) => Shape::Process(finish),
    }
}

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = Value::Object(fields.as_map().clone());
    let news = news(context, &mut fields)?;
    let timeout = fields.timeout(Unit::Seconds)?.unwrap_or(TIMEOUT);
    let channel = fields.text(&["channel", "to"])?;
    let (url, format) = (fields.text(&["url"])?, fields.text(&["format"])?);
    let secret = fields.text(&["secret"])?;
    let command = fields.take(&["command"]);
    let has_command = raw(&context.stage.config, &["command"]).is_some();
    let work = match (channel, url, command) {
        (None, None, Some(command)) => Work::Process(program(context, &command, &news, timeout)?),
        // A template that gives nothing leaves a stage of the one kind with the work of the other.
        _ if has_command => return Err(wrong("`command` goes alone: without `channel` or `url`, and with a program in it")),
        (Some(name), None, None) => Work::Call(call(context, name.clone(), channel_of(context.notify, &name)?, news, timeout)),
        (None, Some(url), None) => {
            let format = format_of(url, format.as_deref())?;
            let secret = secret.map(|secret| Arc::new(Known(secret)) as Arc<dyn Vault>);
            Work::Call(call(context, format.name().to_owned(), Target { format, secret }, news, timeout))
        }
        _ => return Err(wrong("give exactly one of `channel`, a [notify] entry of flowdeck.toml, `url` and `command`")),
    };
    Ok(Prepared { work, config })
}

fn news(context: &Context, fields: &mut Fields) -> Result<News, StageError> {
    let severity = fields.text(&["severity"])?;
    let severity = severity.as_deref().map(Severity::from_name).unwrap_or(Some(Severity::Info));
    let message = fields.text(&["message", "text"])?;
    let payload = fields.take(&["payload"]).unwrap_or_default();
    if message.is_none() && payload.is_null() {
        return Err(wrong("a notify stage needs a `message` or a `payload`"));
    }
    Ok(News {
        title: fields.text(&["title"])?,
        message: message.unwrap_or_default(),
        severity: severity.ok_or_else(|| wrong("`severity` must be info, warning, error or critical"))?,
        run: context.run_id.to_string(),
        stage: context.scope.context().get("stage_id").map_or_else(|| context.stage.id.to_string(), to_text),
        pipeline: context.scope.context().get("pipeline_id").map(to_text),
        at: context.scope.now(),
        payload,
    })
}

fn channel_of(known: &BTreeMap<String, Target>, name: &str) -> Result<Target, StageError> {
    known.get(name).cloned().ok_or_else(|| {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        wrong(format!("flowdeck.toml has no [notify.{name}]; it has {}", names.join(", ")))
    })
}

fn format_of(url: String, named: Option<&str>) -> Result<Format, StageError> {
    match named {
        None | Some("webhook") => Ok(Format::Webhook(url)),
        Some("slack") => Ok(Format::Slack(url)),
        Some("pagerduty") => Ok(Format::PagerDuty(url)),
        Some(_) => Err(wrong("`format` must be webhook, slack or pagerduty")),
    }
}

fn call(context: &Context, channel: String, target: Target, news: News, timeout: Duration) -> Call {
    let http = context.http.clone();
    let future = async move {
        match deliver(&target, &news, &http, timeout).await {
            Ok(status_code) => Outcome::succeeded(json!({"sent": true, "channel": channel, "status_code": status_code})),
            Err(error) => {
                let output = json!({"sent": false, "channel": channel, "status_code": error.details["status_code"]});
                Outcome::ended(Ending::Failed, error, output)
            }
        }
    };
    Call::new(future, context.stage.idempotent.unwrap_or(false))
}

fn program(context: &Context, command: &Value, news: &News, timeout: Duration) -> Result<Spec, StageError> {
    let Program::Command(words) = shell::direct(context, command)? else { return Err(wrong("`command` must be a list")) };
    Ok(Spec {
        program: Program::Command(words),
        cwd: context.workspace.to_owned(),
        env: shell::environment(context, serde_json::Map::new())?,
        stdin: Some(news.webhook().to_string()),
        timeout_ms: Some(shell::whole_millis(timeout)),
        grace_ms: GRACE_MS,
    })
}

fn finish(_: &StageSpec, exit: &Exit) -> Outcome {
    let ended = shell::ended(exit);
    let sent = ended.ending == Ending::Succeeded;
    Outcome { output: json!({"sent": sent, "channel": "command", "status_code": null}), ..ended }
}

/// An answer that is none of 2xx.
fn refused(status: u16) -> StageError {
    let message = format!("the receiver answered {status}");
    StageError::new(ErrorKind::Execution, message).with_details(json!({"status_code": status}))
}

#[cfg(test)]
mod tests;
