//! Sending news. Neither the receiver's address nor its key is ever part of an error.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::json;

use super::{Format, News, Target, refused};
use crate::model::digest::hex;
use crate::model::{ErrorKind, StageError};
use crate::operators::ask::Ask;
use crate::operators::fields::wrong;
use crate::operators::http::Http;
use crate::operators::program::{Printed, run};
use crate::operators::shell::whole_millis;
use crate::process::{Program, Spec};

/// HMAC-SHA-256 of the body by the receiver's key, as `sha256=` and lower-case hex.
const SIGNATURE: &str = "x-flowdeck-signature";
const GRACE_MS: u64 = 2000;

/// Sends news to a target; gives the status of the answer, none for a command.
///
/// # Errors
/// CONFIGURATION for a key that cannot be read, EXECUTION for an answer that is none of 2xx (with its status in the details),
/// CONNECTIVITY, TIMEOUT, SECURITY for a host that may not be called.
pub async fn deliver(target: &Target, news: &News, http: &Http, timeout: Duration) -> Result<Option<u16>, StageError> {
    let secret = match &target.secret {
        None => None,
        Some(vault) => Some(vault.read().await.map_err(|why| wrong("the receiver's secret cannot be read").caused_by(why))?),
    };
    let (url, body) = match &target.format {
        Format::Command { words, cwd } => return tell_program(words, cwd, news, timeout).await.map(|()| None),
        Format::Webhook(url) => (url, news.webhook()),
        Format::Slack(url) => (url, news.slack()),
        Format::PagerDuty(url) => {
            let key = secret.as_deref().ok_or_else(|| wrong("PagerDuty needs a `secret`: the routing key"))?;
            (url, news.pagerduty(key))
        }
    };
    let body = body.to_string();
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    if let (Format::Webhook(_), Some(secret)) = (&target.format, &secret) {
        headers.push((SIGNATURE.to_owned(), signature(secret, &body)));
    }
    let answer = Ask::post(url, headers, body, timeout).send(http).await?;
    if (200..300).contains(&answer.status) { Ok(Some(answer.status)) } else { Err(refused(answer.status)) }
}

/// What the header of the signature says.
pub(super) fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex(hmac::sign(&key, body.as_bytes()).as_ref()))
}

async fn tell_program(words: &[String], cwd: &str, news: &News, timeout: Duration) -> Result<(), StageError> {
    let spec = Spec {
        program: Program::Command(words.to_vec()),
        cwd: cwd.to_owned(),
        env: Vec::new(),
        stdin: Some(news.webhook().to_string()),
        timeout_ms: Some(whole_millis(timeout)),
        grace_ms: GRACE_MS,
    };
    let failed = |why: String| StageError::new(ErrorKind::Execution, format!("the command that tells people failed: {why}"));
    match run(&spec, Printed::Dropped).await.map_err(failed)?.code {
        Some(0) => Ok(()),
        code => Err(failed(format!("exit code {}", json!(code)))),
    }
}
