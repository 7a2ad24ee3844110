//! What the worker does to the world: moving traffic and measuring, each within its own time.

use serde_json::{Value, json};

use super::plan::{Action, Probe};
use super::reading::{Found, line, samples};
use crate::operators::ask::Ask;
use crate::operators::http::Http;
use crate::operators::program::{Printed, run};

/// Moves traffic.
///
/// # Errors
/// Why it was not moved, or not surely, in a lower-case sentence.
pub(super) async fn act(action: &Action, http: &Http) -> Result<(), String> {
    match action {
        Action::Request(ask) => match ask.send(http).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("the server answered {}", answer.status)),
            Err(error) => Err(said(&error)),
        },
        Action::Program(spec) => match run(spec, Printed::Shown).await?.code {
            Some(0) => Ok(()),
            Some(code) => Err(format!("exit code {code}")),
            None => Err("ended by a signal".to_owned()),
        },
    }
}

/// Measures.
///
/// # Errors
/// Why nothing could be measured, in a lower-case sentence.
pub(super) async fn measure(probe: &Probe, http: &Http) -> Result<Found, String> {
    let ask = |ask: Ask| async move { ask.send(http).await.map_err(|error| said(&error)) };
    match probe {
        Probe::Http(question) => {
            let answer = ask(question.clone()).await?;
            let (status, is_good) = (Some(i64::from(answer.status)), (200..400).contains(&answer.status));
            Ok(Found { result: answer.body.clone(), status, body: answer.body, is_good })
        }
        Probe::Prometheus(question) => {
            let answer = ask(question.clone()).await?;
            let result = samples(answer.status, &answer.body)?;
            Ok(Found { result, status: Some(i64::from(answer.status)), body: answer.body, is_good: true })
        }
        Probe::Command(spec) => {
            let ran = run(spec, Printed::Kept).await?;
            let code = ran.code.ok_or("ended by a signal")?;
            let text = String::from_utf8_lossy(&ran.printed).trim().to_owned();
            let result = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
            Ok(Found { result, status: Some(i64::from(code)), body: Value::String(text), is_good: code == 0 })
        }
    }
}

fn said(error: &crate::model::StageError) -> String {
    let cause = error.cause.as_deref().map(|cause| format!(": {cause}")).unwrap_or_default();
    line(&format!("{}{cause}", error.message))
}
