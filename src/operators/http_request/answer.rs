//! From the answer to the attempt's outcome.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::request::millis;
use crate::model::{Ending, ErrorKind, Outcome, StageError};
use crate::operators::fields::wrong;
use crate::operators::http::{is_passing, retry_after, transport, within_http};

/// Which statuses are a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operators) enum Expect {
    Anything,
    /// Everything below 400.
    BelowErrors,
    /// Any of these ranges, both ends included.
    Ranges(Vec<(u16, u16)>),
}

/// How answers are read and judged.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) limit: u64,
    pub(super) expect: Expect,
    /// Redirects are followed; one that is not is no answer.
    pub(super) follow: bool,
}

impl Expect {
    /// `200`, `"2xx"`, `"200-204"` or a list of them.
    pub(in crate::operators) fn parse(value: &Value) -> Result<Self, StageError> {
        let list = match value {
            Value::Array(list) => list.as_slice(),
            single => std::slice::from_ref(single),
        };
        let ranges: Option<Vec<_>> = list.iter().map(range).collect();
        let ranges = ranges.filter(|ranges| !ranges.is_empty());
        ranges
            .map(Self::Ranges)
            .ok_or_else(|| wrong("`expect_status` must be a status such as 200 or \"2xx\", or a list of them"))
    }

    /// The outcome of an attempt that got this answer.
    pub(super) fn judge(&self, status: u16, headers: &HeaderMap, output: Value) -> Outcome {
        if self.accepts(status) {
            return Outcome::succeeded(output);
        }
        Outcome::ended(Ending::Failed, unexpected(status, headers), output)
    }

    pub(in crate::operators) fn accepts(&self, status: u16) -> bool {
        match self {
            Self::Anything => true,
            Self::BelowErrors => status < 400,
            Self::Ranges(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&status)),
        }
    }
}

fn range(value: &Value) -> Option<(u16, u16)> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        _ => return None,
    };
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let status = |text: &str| text.trim().parse().ok().filter(|status| (100..=599).contains(status));
    match text.split_once('-') {
        Some((from, to)) => Some((status(from)?, status(to)?)),
        None => status(&text).map(|status| (status, status)),
    }
}

impl Answers {
    /// Sends the request and reads the answer, all within `timeout`.
    pub(super) async fn fetch(&self, request: RequestBuilder, timeout: Duration) -> Outcome {
        let started = Instant::now();
        match tokio::time::timeout(timeout, self.exchange(request, started)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::failed(error),
            Err(_) => {
                let message = format!("no complete answer within {} ms", millis(timeout));
                let error = StageError::new(ErrorKind::Timeout, message).recoverable();
                Outcome::ended(Ending::TimedOut, error, Value::Null)
            }
        }
    }

    async fn exchange(&self, request: RequestBuilder, started: Instant) -> Result<Outcome, StageError> {
        let response = request.send().await.map_err(transport)?;
        if self.follow {
            within_http(&response)?;
        }
        let status = response.status();
        let headers = response.headers().clone();
        let url = response.url().clone();
        let bytes = self.read(response).await?;
        let output = json!({
            "status_code": status.as_u16(),
            "headers": plain(&headers),
            "body": decode(&bytes, &headers),
            "elapsed_ms": millis(started.elapsed()),
            "success": status.is_success(),
            "url": url.as_str(),
        });
        Ok(self.expect.judge(status.as_u16(), &headers, output))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, StageError> {
        let too_large = || {
            let message = format!("the answer is larger than {} bytes; `max_body_bytes` raises the limit", self.limit);
            StageError::new(ErrorKind::Execution, message)
        };
        if response.content_length().is_some_and(|length| length > self.limit) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > self.limit {
                return Err(too_large());
            }
        }
        Ok(bytes)
    }
}

fn unexpected(code: u16, headers: &HeaderMap) -> StageError {
    let status = StatusCode::from_u16(code).ok();
    let reason = status.and_then(|status| status.canonical_reason()).map(|reason| format!(" {reason}")).unwrap_or_default();
    let mut details = json!({"status_code": code});
    if let Some(wait) = retry_after(headers) {
        details["retry_after_ms"] = json!(wait);
    }
    let message = format!("the server answered {code}{reason}");
    let error = StageError::new(ErrorKind::Execution, message).with_details(details);
    if status.is_some_and(is_passing) { error.recoverable() } else { error }
}

/// Names are lower case already; a repeated header is joined.
fn plain(headers: &HeaderMap) -> Map<String, Value> {
    let mut map = Map::new();
    for name in headers.keys() {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        map.insert(name.as_str().to_owned(), Value::String(values.join(", ")));
    }
    map
}

/// JSON when the answer says so, or looks like an object or list; else text.
pub(in crate::operators) fn decode(bytes: &[u8], headers: &HeaderMap) -> Value {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let media = kind.split(';').next().unwrap_or_default().trim();
    let says_json = media == "application/json" || media == "text/json" || media.ends_with("+json");
    let looks_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if (says_json || looks_json)
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return value;
    }
    let latin = ["iso-8859-1", "latin1", "us-ascii"].iter().any(|charset| kind.contains(charset));
    Value::String(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if latin => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    })
}
