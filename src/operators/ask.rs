//! One HTTP question and its answer, as plain data that can be sent to another process.
//!
//! Owns how questions inside a config are read, bounded and sent. Must not know what an answer means.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Context;
use super::fields::{Fields, in_field, wrong};
use super::http::{Http, Manners, transport, within_http};
use super::http_request::answer::decode;
use super::http_request::request::{self, millis};
use crate::language::duration::Unit;
use crate::model::{ErrorKind, StageError};

/// The fields of a question.
pub(super) const KEYS: &[&str] = &["url", "method", "headers", "body", "params", "auth", "timeout", "verify_ssl"];
/// More of an answer is not read.
const LONGEST: usize = 1024 * 1024;
const REDIRECTS: usize = 10;

/// What is asked. Its URL and headers may hold secrets: none of them is ever part of an error.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
    /// For the whole answer.
    pub(super) timeout_ms: u64,
    verify: bool,
    redirects: usize,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// JSON where it is JSON, else text.
    pub(super) body: Value,
}

impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ask").field("method", &self.method).field("timeout_ms", &self.timeout_ms).finish_non_exhaustive()
    }
}

impl Ask {
    /// Reads a question out of rendered fields, with `timeout` where they give none.
    ///
    /// # Errors
    /// CONFIGURATION for what cannot be sent, SECURITY for a host that stages may not call; both begin with `place`.
    pub(super) fn read(context: &Context, mut fields: Fields, place: &str, timeout: Duration) -> Result<Self, StageError> {
        let timeout = fields.timeout(Unit::Seconds)?.unwrap_or(timeout);
        let verify = fields.flag(&["verify_ssl"], true)?;
        let request = request::read(context, &mut fields).map_err(|error| in_field(place, error))?;
        context.http.permit(&request.url).map_err(|error| in_field(place, error))?;
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| in_field(place, wrong("headers and body have to be texts in UTF-8")))
        };
        let headers = request.headers.iter().map(|(name, value)| Ok((name.as_str().to_owned(), text(value.as_bytes())?)));
        Ok(Self {
            headers: headers.collect::<Result<_, StageError>>()?,
            body: request.body.as_deref().map(text).transpose()?,
            method: request.method,
            url: request.url.into(),
            timeout_ms: millis(timeout).max(1),
            verify,
            redirects: REDIRECTS,
        })
    }

    /// A question by GET that needs nothing but an address.
    ///
    /// # Errors
    /// As [`Ask::read`].
    pub(super) fn get(context: &Context, url: &str, place: &str, timeout: Duration) -> Result<Self, StageError> {
        let fields = Fields::within(place, serde_json::json!({"url": url}), KEYS)?;
        Self::read(context, fields, place, timeout)
    }

    /// Something to be taken in by whoever is at an address that was checked before. Nobody is redirected with it.
    pub(super) fn post(url: &str, headers: Vec<(String, String)>, body: String, timeout: Duration) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers,
            body: Some(body),
            timeout_ms: millis(timeout).max(1),
            verify: true,
            redirects: 0,
        }
    }

    /// Where it goes, without what may be secret in an address: `http://host:8080/path`.
    pub(super) fn address(&self) -> String {
        let Ok(mut url) = Url::parse(&self.url) else { return String::new() };
        url.set_query(None);
        url.set_fragment(None);
        // Refused only for addresses that have no user in the first place.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.into()
    }

    /// Asks, and reads at most a MiB of the answer.
    ///
    /// # Errors
    /// CONNECTIVITY, TIMEOUT, SECURITY for a redirect that leads out of the allowed hosts.
    pub(super) async fn send(&self, http: &Http) -> Result<Answer, StageError> {
        let limit = Duration::from_millis(self.timeout_ms);
        match tokio::time::timeout(limit, self.exchange(http)).await {
            Ok(answer) => answer,
            Err(_) => {
                let message = format!("no complete answer within {} ms", self.timeout_ms);
                Err(StageError::new(ErrorKind::Timeout, message).recoverable())
            }
        }
    }

    async fn exchange(&self, http: &Http) -> Result<Answer, StageError> {
        let url = Url::parse(&self.url).map_err(|_| wrong("`url` is not a URL"))?;
        http.permit(&url)?;
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|_| wrong("`method` is not an HTTP method"))?;
        let client = http.client(Manners { verify: self.verify, redirects: self.redirects }).map_err(transport)?;
        let request = client.request(method, url).headers(self.header_map()?);
        let request = match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        };
        let response = request.send().await.map_err(transport)?;
        if self.redirects > 0 {
            within_http(&response)?;
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, body: decode(&beginning(response).await?, &headers) })
    }

    fn header_map(&self) -> Result<HeaderMap, StageError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("`headers`: a name is none"))?;
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong("`headers`: a value is none"))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(headers)
    }
}

async fn beginning(mut response: Response) -> Result<Vec<u8>, StageError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST {
            let message = format!("the answer is larger than {LONGEST} bytes");
            return Err(StageError::new(ErrorKind::Execution, message));
        }
    }
    Ok(bytes)
}
