//! One question and its answer over the wire. Never follows a redirect: it would take the key along.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::answer::{Answer, excerpt, nonsense, reported, said};
use super::events::Events;
use super::provider::{Key, Provider, ProviderKind};
use super::question::Question;
use super::{anthropic, openai};
use crate::model::{ErrorKind, StageError};
use crate::operators::Http;
use crate::operators::fields::wrong;
use crate::operators::http::{Manners, is_passing, retry_after, transport};

/// Silence for so long in the middle of an answer is its end.
const SILENCE: Duration = Duration::from_secs(120);
/// Largest answer that comes in one piece, and largest error that is read.
const MOST_WHOLE: usize = 16 * 1024 * 1024;
const MOST_ERROR: usize = 64 * 1024;

/// A provider, ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Line {
    http: Http,
    kind: ProviderKind,
    key: Option<String>,
    url: Url,
    /// The name people gave it.
    name: String,
}

impl Line {
    /// # Errors
    /// SECURITY when the provider's host may not be called; CONFIGURATION when its key could not be read.
    pub(super) fn new(http: &Http, name: &str, provider: &Provider) -> Result<Self, StageError> {
        let url = provider.url()?;
        http.permit(&url)?;
        let key = match &provider.key {
            Key::None => None,
            Key::Known(key) => Some(key.clone()),
            Key::Missing(reason) => {
                return Err(wrong(format!("the key of the AI provider `{name}` cannot be read")).caused_by(reason));
            }
        };
        Ok(Self { http: http.clone(), kind: provider.kind, key, url, name: name.to_owned() })
    }

    /// Asks, and passes the text on in pieces as it comes.
    pub(super) async fn ask(&self, question: &Question, log: &mpsc::Sender<String>) -> Result<Answer, StageError> {
        let client = self.http.client(Manners { verify: true, redirects: 0 }).map_err(transport)?;
        let request = self.request(&client, question)?;
        let response = request.send().await.map_err(transport)?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with("text/event-stream") {
            self.stream(response, log).await
        } else {
            self.whole(response, log).await
        }
    }

    fn request(&self, client: &reqwest::Client, question: &Question) -> Result<RequestBuilder, StageError> {
        let host = self.url.host_str().unwrap_or_default();
        let builder = client.post(self.url.clone());
        let (builder, body) = match self.kind {
            ProviderKind::Anthropic => (builder.header("anthropic-version", anthropic::VERSION), anthropic::body(question)),
            ProviderKind::OpenAi => (builder, openai::body(question, host)),
        };
        let Some(key) = &self.key else { return Ok(builder.json(&body)) };
        let (name, text) = match self.kind {
            ProviderKind::Anthropic => ("x-api-key", key.clone()),
            ProviderKind::OpenAi => ("authorization", format!("Bearer {key}")),
        };
        let mut value = reqwest::header::HeaderValue::from_str(&text)
            .map_err(|_| wrong(format!("the key of the AI provider `{}` has characters that no header can have", self.name)))?;
        value.set_sensitive(true);
        Ok(builder.header(name, value).json(&body))
    }

    async fn refusal(&self, mut response: Response) -> StageError {
        let status = response.status();
        let mut details = json!({"status_code": status.as_u16()});
        if let Some(wait) = retry_after(response.headers()) {
            details["retry_after_ms"] = json!(wait);
        }
        // A body that breaks off still says something.
        let body = body(&mut response, MOST_ERROR).await.unwrap_or_default();
        let json = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let said = said(&json).unwrap_or_else(|| excerpt(&String::from_utf8_lossy(&body)));
        let reason = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
        let kind = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => ErrorKind::Configuration,
            status if status.is_redirection() => ErrorKind::Security,
            _ => ErrorKind::Execution,
        };
        let message = format!("the AI provider `{}` answered {}{reason}", self.name, status.as_u16());
        let mut error = StageError::new(kind, message).with_details(details);
        if status.is_redirection() {
            error = error.caused_by("a redirect is not followed: it would take the key along");
        } else if !said.is_empty() {
            error = error.caused_by(said);
        }
        if is_passing(status) { error.recoverable() } else { error }
    }

    async fn stream(&self, mut response: Response, log: &mpsc::Sender<String>) -> Result<Answer, StageError> {
        let (mut answer, mut events, mut found) = (Answer::default(), Events::default(), Vec::new());
        while let Some(bytes) = chunk(&mut response).await? {
            events.push(&bytes, &mut found).map_err(|_| nonsense("an event has no end"))?;
            self.take(&mut found, &mut answer, log).await?;
        }
        events.finish(&mut found);
        self.take(&mut found, &mut answer, log).await?;
        if answer.complete {
            return Ok(answer);
        }
        let error = StageError::new(ErrorKind::Connectivity, "the answer broke off");
        Err(error.caused_by("the stream ended before the provider said so").recoverable())
    }

    async fn take(&self, found: &mut Vec<String>, answer: &mut Answer, log: &mpsc::Sender<String>) -> Result<(), StageError> {
        for data in found.drain(..) {
            if data == openai::DONE {
                answer.complete = true;
                continue;
            }
            let event: Value = serde_json::from_str(&data).map_err(|error| nonsense("an event is not JSON").caused_by(error))?;
            let piece = match self.kind {
                ProviderKind::Anthropic => anthropic::event(&event, answer)?,
                ProviderKind::OpenAi => openai::event(&event, answer)?,
            };
            answer.add(piece)?;
            tell(log, piece).await;
        }
        Ok(())
    }

    async fn whole(&self, mut response: Response, log: &mpsc::Sender<String>) -> Result<Answer, StageError> {
        let bytes = body(&mut response, MOST_WHOLE).await?;
        if bytes.len() >= MOST_WHOLE {
            return Err(StageError::new(ErrorKind::Execution, format!("the answer is larger than {MOST_WHOLE} bytes")));
        }
        let body: Value = serde_json::from_slice(&bytes).map_err(|error| nonsense("it is not JSON").caused_by(error))?;
        if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
            return Err(reported(error));
        }
        let mut answer = Answer::default();
        let text = match self.kind {
            ProviderKind::Anthropic => anthropic::whole(&body, &mut answer)?,
            ProviderKind::OpenAi => openai::whole(&body, &mut answer)?,
        };
        answer.add(&text)?;
        tell(log, &text).await;
        Ok(answer)
    }
}

/// Writes into the stage's log. Nobody listening is no reason to stop.
pub(super) async fn tell(log: &mpsc::Sender<String>, text: &str) {
    if !text.is_empty() {
        let _ = log.send(text.to_owned()).await;
    }
}

async fn chunk(response: &mut Response) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, StageError> {
    match tokio::time::timeout(SILENCE, response.chunk()).await {
        Ok(chunk) => chunk.map_err(transport),
        Err(_) => {
            let message = format!("the answer stopped for {} s", SILENCE.as_secs());
            Err(StageError::new(ErrorKind::Timeout, message).recoverable())
        }
    }
}

/// The body, up to about `most` bytes.
async fn body(response: &mut Response, most: usize) -> Result<Vec<u8>, StageError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(response).await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= most {
            break;
        }
    }
    Ok(bytes)
}
