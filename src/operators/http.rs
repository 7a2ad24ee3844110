//! HTTP clients, built when first needed and kept for their connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, redirect};

/// How a client treats certificates and redirects; requests that agree share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Manners {
    pub(super) verify: bool,
    /// 0: a redirect is the answer.
    pub(super) redirects: usize,
}

/// The engine's HTTP clients. Making one costs nothing; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Http(Arc<Mutex<HashMap<Manners, Client>>>);

impl Http {
    pub fn new() -> Self {
        Self::default()
    }

    /// The client for these manners.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(super) fn client(&self, manners: Manners) -> Result<Client, reqwest::Error> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&manners).cloned();
        if let Some(client) = kept {
            return Ok(client);
        }
        let client = build(manners)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(manners, client.clone());
        Ok(client)
    }
}

fn build(manners: Manners) -> Result<Client, reqwest::Error> {
    let builder = || {
        let policy = match manners.redirects {
            0 => redirect::Policy::none(),
            limit => redirect::Policy::limited(limit),
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

fn bundled() -> Vec<Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Client, bundled};

    #[test]
    fn the_bundled_certificates_make_a_client() {
        assert!(bundled().len() > 50);
        assert!(Client::builder().tls_certs_only(bundled()).build().is_ok());
    }
}
