//! `http-request`: one request and its answer.
//!
//! Any answer is a success unless `expect_status` or retries say otherwise; a broken connection or no answer in time is not.

pub(super) mod answer;
pub(super) mod request;

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::fields::Fields;
use super::http::{Manners, transport};
use super::{Call, Context, Prepared, Work};
use crate::language::Retry;
use crate::language::duration::Unit;
use crate::model::{NoteLevel, Outcome, StageError};
use answer::{Answers, Expect};

const TIMEOUT: Duration = Duration::from_secs(30);
const BODY_LIMIT: u64 = 10 * 1024 * 1024;
const REDIRECTS: u64 = 10;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let config = Value::Object(fields.as_map().clone());
    let manners = manners(&mut fields)?;
    let answers = Answers {
        limit: fields.count(&["max_body_bytes", "max_response_bytes"])?.unwrap_or(BODY_LIMIT),
        expect: expect(context, &mut fields)?,
        follow: manners.redirects > 0,
    };
    let timeout = fields.timeout(Unit::Request)?.unwrap_or(TIMEOUT);
    let request = request::read(context, &mut fields)?;
    context.http.permit(&request.url)?;
    let safe = is_safe(&request.method);
    let http = context.http.clone();
    let future = async move {
        match http.client(manners) {
            Ok(client) => answers.fetch(request.build(&client), timeout).await,
            Err(error) => Outcome::failed(transport(error)),
        }
    };
    let mut call = Call::new(future, context.stage.idempotent.unwrap_or(safe));
    if !manners.verify {
        let note = "the server's certificate is not verified (`verify_ssl: false`): anybody on the way could answer";
        call.notes.push((NoteLevel::Warning, note.to_owned()));
    }
    Ok(Prepared { work: Work::Call(call), config })
}

/// What an answer with this status and output means for the stage.
pub(super) fn judge(context: &Context, status: u16, output: Value) -> Result<Outcome, StageError> {
    let expect = expect(context, &mut Fields::render(context)?)?;
    Ok(expect.judge(status, &HeaderMap::new(), output))
}

/// Whether a method that is written out promises to change nothing. A request without one is a GET.
pub(super) fn is_safe_method(method: Option<&Value>) -> bool {
    match method {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => is_safe(&name.trim().to_ascii_uppercase()),
        Some(_) => false,
    }
}

fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

fn manners(fields: &mut Fields) -> Result<Manners, StageError> {
    let follow = fields.flag(&["follow_redirects", "allow_redirects"], true)?;
    let limit = fields.count(&["max_redirects"])?.unwrap_or(REDIRECTS);
    let redirects = if follow { usize::try_from(limit).unwrap_or(usize::MAX) } else { 0 };
    Ok(Manners { verify: fields.flag(&["verify_ssl", "verify"], true)?, redirects })
}

fn expect(context: &Context, fields: &mut Fields) -> Result<Expect, StageError> {
    match fields.take(&["expect_status", "expected_status"]) {
        Some(value) => Expect::parse(&value),
        // With a fixed retry the author polls: an error status is a failed attempt.
        None if matches!(context.stage.retry, Retry::Fixed { .. }) => Ok(Expect::BelowErrors),
        None => Ok(Expect::Anything),
    }
}

#[cfg(test)]
mod tests;
