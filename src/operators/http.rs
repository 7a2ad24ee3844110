//! HTTP clients, built when first needed and kept for their connections; what every answer has in common.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, StatusCode, Url, redirect};

use super::egress::{Egress, Forbidden};
use crate::model::{ErrorKind, StageError};

/// How a client treats certificates and redirects; requests that agree share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Manners {
    pub(super) verify: bool,
    /// 0: a redirect is the answer.
    pub(super) redirects: usize,
}

/// The engine's HTTP clients and the hosts they may call. Making one costs nothing; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Http {
    clients: Arc<Mutex<HashMap<Manners, Client>>>,
    egress: Egress,
}

impl Http {
    pub fn new(egress: Egress) -> Self {
        Self { clients: Arc::default(), egress }
    }

    /// Refuses an address that stages may not call. Redirects are judged on the way.
    ///
    /// # Errors
    /// SECURITY, naming the host.
    pub(super) fn permit(&self, url: &Url) -> Result<(), StageError> {
        Ok(self.egress.check(url)?)
    }

    /// The hosts that may be called, as rules that can be sent elsewhere.
    pub(super) fn egress(&self) -> &Egress {
        &self.egress
    }

    /// The client for these manners.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn client(&self, manners: Manners) -> Result<Client, reqwest::Error> {
        let kept = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&manners).cloned();
        if let Some(client) = kept {
            return Ok(client);
        }
        let client = build(manners, &self.egress)?;
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(manners, client.clone());
        Ok(client)
    }
}

fn build(manners: Manners, egress: &Egress) -> Result<Client, reqwest::Error> {
    let builder = || {
        let policy = match manners.redirects {
            0 => redirect::Policy::none(),
            limit => within(redirect::Policy::limited(limit), egress.clone()),
        };
        Client::builder()
            .user_agent(concat!("flowdeck/", env!("CARGO_PKG_VERSION")))
            .redirect(policy)
            .connect_timeout(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(30))
            .tls_danger_accept_invalid_certs(!manners.verify)
    };
    // A host without certificate files has no trust of its own; the web's is better than none at all.
    builder().build().or_else(|_| builder().tls_certs_only(bundled()).build())
}

/// Every hop is judged like the first address.
fn within(policy: redirect::Policy, egress: Egress) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| match egress.check(attempt.url()) {
        Ok(()) => policy.redirect(attempt),
        Err(forbidden) => attempt.error(forbidden),
    })
}

/// Refuses a redirect that leads out of HTTP (`file:`, `unix:`): the client would not follow it, and take it for the answer.
///
/// # Errors
/// SECURITY, naming the scheme.
pub(super) fn within_http(response: &Response) -> Result<(), StageError> {
    let target = response.headers().get(LOCATION).filter(|_| matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308));
    let target = target.and_then(|target| response.url().join(std::str::from_utf8(target.as_bytes()).ok()?).ok());
    match target {
        Some(target) if !matches!(target.scheme(), "http" | "https") => {
            let message = format!("the answer redirects elsewhere: `{}:` is not HTTP", target.scheme());
            Err(StageError::new(ErrorKind::Security, message))
        }
        Some(_) | None => Ok(()),
    }
}

/// A failure below HTTP. The URL, which may hold a secret, is left out.
pub(super) fn transport(error: reqwest::Error) -> StageError {
    let error = error.without_url();
    if let Some(forbidden) = causes(&error).find_map(|cause| cause.downcast_ref::<Forbidden>()) {
        let mut refused = StageError::from(forbidden.clone());
        refused.message = format!("the answer redirects elsewhere: {}", refused.message);
        return refused;
    }
    let (kind, message, recoverable) = if error.is_timeout() {
        (ErrorKind::Timeout, "no connection in time", true)
    } else if error.is_connect() {
        (ErrorKind::Connectivity, "could not connect", true)
    } else if error.is_redirect() {
        (ErrorKind::Execution, "too many redirects", false)
    } else if error.is_builder() {
        (ErrorKind::Configuration, "the request cannot be sent", false)
    } else if error.is_decode() || error.is_body() {
        (ErrorKind::Connectivity, "the answer broke off", true)
    } else {
        (ErrorKind::Connectivity, "the connection broke", true)
    };
    // The innermost cause; the layers above only repeat that something failed.
    let root = causes(&error).last().map(ToString::to_string).unwrap_or_default();
    let stage_error = StageError::new(kind, message).caused_by(root);
    if recoverable { stage_error.recoverable() } else { stage_error }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |cause| (*cause).source())
}

/// How long the server asks to be left alone, in milliseconds: seconds, a date, or the finer header that some AI services send.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(ms);
    }
    let text = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    let wait = at.as_millisecond().saturating_sub(jiff::Timestamp::now().as_millisecond());
    Some(u64::try_from(wait).unwrap_or(0))
}

/// Whether an error status may be gone the next time.
pub(super) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

fn bundled() -> Vec<Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Client, HeaderMap, RETRY_AFTER, bundled, retry_after};

    #[test]
    fn the_bundled_certificates_make_a_client() {
        assert!(bundled().len() > 50);
        assert!(Client::builder().tls_certs_only(bundled()).build().is_ok());
    }

    #[test]
    fn a_wait_comes_in_seconds_or_as_a_date() {
        let read = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(read("2"), Some(2000));
        assert_eq!(read("Fri, 31 Dec 1999 23:59:59 GMT"), Some(0));
        assert!(read("Fri, 31 Dec 2199 23:59:59 GMT").unwrap() > 1_000_000_000);
        assert_eq!(read("soon"), None);
    }
}
