//! The config of a request, checked before anything is sent. Errors never tell a URL or a header's value.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::{Map, Value};

use crate::language::template::to_text;
use crate::model::StageError;
use crate::operators::Context;
use crate::operators::fields::{Fields, wrong};

#[derive(Debug)]
pub(in crate::operators) struct Request {
    /// Upper case.
    pub(in crate::operators) method: String,
    verb: Method,
    pub(in crate::operators) url: Url,
    pub(in crate::operators) headers: HeaderMap,
    pub(in crate::operators) body: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn build(self, client: &Client) -> RequestBuilder {
        let builder = client.request(self.verb, self.url).headers(self.headers);
        match self.body {
            Some(body) => builder.body(body),
            None => builder,
        }
    }
}

pub(in crate::operators) fn read(context: &Context, fields: &mut Fields) -> Result<Request, StageError> {
    let method = fields.text(&["method"])?.unwrap_or_else(|| "GET".to_owned()).trim().to_ascii_uppercase();
    let verb = Method::from_bytes(method.as_bytes()).map_err(|_| wrong("`method` is not an HTTP method"))?;
    let mut url = url(&fields.text(&["url"])?.ok_or_else(|| wrong("an http-request needs a `url`"))?)?;
    for name in [["params"], ["query_params"], ["query"]] {
        query(&mut url, fields.object(&name)?.unwrap_or_default());
    }
    let mut headers = headers(fields.object(&["headers"])?.unwrap_or_default())?;
    if let Some(auth) = fields.take(&["auth"]) {
        headers.insert(AUTHORIZATION, authorization(&auth)?);
    }
    if let Some(key) = idempotency_key(context, fields)? {
        headers.insert(HeaderName::from_static("idempotency-key"), header_value("idempotency_key", &key)?);
    }
    let body = fields.take(&["body", "json", "data"]).map(|body| encode(body, &mut headers));
    Ok(Request { method, verb, url, headers, body })
}

fn url(text: &str) -> Result<Url, StageError> {
    let url = Url::parse(text.trim()).map_err(|error| wrong("`url` is not a URL").caused_by(error))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(wrong(format!("`url` must start with http:// or https://, not {other}:"))),
    }
}

/// A list repeats its name; null leaves it out.
fn query(url: &mut Url, params: Map<String, Value>) {
    let pairs = params.into_iter().flat_map(|(name, value)| {
        let values = match value {
            Value::Array(list) => list,
            single => vec![single],
        };
        values.into_iter().filter(|value| !value.is_null()).map(move |value| (name.clone(), to_text(&value)))
    });
    let pairs: Vec<_> = pairs.collect();
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
}

fn headers(given: Map<String, Value>) -> Result<HeaderMap, StageError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let header = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| wrong(format!("`headers`: `{name}` is not a header name")))?;
        let values = match value {
            Value::Null => continue,
            Value::Array(list) => list,
            single => vec![single],
        };
        for value in values {
            headers.append(header.clone(), header_value(&format!("headers: {name}"), &to_text(&value))?);
        }
    }
    Ok(headers)
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, StageError> {
    HeaderValue::from_bytes(text.trim().as_bytes())
        .map_err(|_| wrong(format!("`{name}`: the value contains a line break or another character no header can")))
}

/// `{username, password}` or `{token}`; a `type` may say `basic` or `bearer` as well.
fn authorization(auth: &Value) -> Result<HeaderValue, StageError> {
    let part = |names: [&str; 2]| names.iter().find_map(|name| auth.get(name)).filter(|part| !part.is_null()).map(to_text);
    let text = match (part(["token", "bearer"]), part(["username", "user"])) {
        (Some(token), None) => format!("Bearer {token}"),
        (None, Some(user)) => {
            let password = part(["password", "pass"]).unwrap_or_default();
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
        _ => return Err(wrong("`auth` must have either a `token` or a `username` and `password`")),
    };
    let mut value = header_value("auth", &text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A text is the key; `true` makes one that every attempt of this stage in this run shares.
fn idempotency_key(context: &Context, fields: &mut Fields) -> Result<Option<String>, StageError> {
    match fields.take(&["idempotency_key"]) {
        None | Some(Value::Bool(false)) => Ok(None),
        // The item's own stage in a loop: `deploy[1]` asks for something else than `deploy[0]`.
        Some(Value::Bool(true)) => {
            let stage = context.scope.context().get("stage_id").map_or_else(|| context.stage.id.to_string(), to_text);
            Ok(Some(format!("{}-{stage}", context.run_id)))
        }
        Some(key @ (Value::String(_) | Value::Number(_))) => Ok(Some(to_text(&key))),
        Some(_) => Err(wrong("`idempotency_key` must be a text or true")),
    }
}

/// A text goes as it is; an object as a form when its header says so; anything else as JSON.
fn encode(body: Value, headers: &mut HeaderMap) -> Vec<u8> {
    let form = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    match body {
        Value::String(text) => text.into_bytes(),
        Value::Object(map) if form => encode_form(map).into_bytes(),
        other => {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            other.to_string().into_bytes()
        }
    }
}

fn encode_form(map: Map<String, Value>) -> String {
    // A URL's query is written by the same rules.
    let mut url = Url::parse("http://form/").ok();
    if let Some(url) = &mut url {
        query(url, map);
    }
    url.as_ref().and_then(Url::query).unwrap_or_default().to_owned()
}

/// The time an answer took, for its output.
pub(in crate::operators) fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
