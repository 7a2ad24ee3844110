//! What the workspace file says about the world outside: where stages may connect to, which models they may ask, which
//! services there are, and where news go.
//!
//! Owns the settings that the next run gets. The file is looked at whenever a run begins; runs that have begun keep what
//! they began with. Keys are in memory only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

mod news;

use super::EngineError;
use crate::config::{
    self, Ai as WrittenAi, AiKind, AiProvider, ConfigError, Network, Notify, Probe, Secret, SecretReader,
    Service as WrittenService, Workspace,
};
use crate::operators::{Ai, Egress, Http, Key, Provider, ProviderKind, Service, Settings};

/// A command that has not printed its key by then does not keep the engine from starting.
const PATIENCE: Duration = Duration::from_secs(5);

/// The settings as they were read last.
#[derive(Debug)]
pub struct Outside {
    workspace: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    network: Network,
    ai: WrittenAi,
    services: Vec<WrittenService>,
    notify: BTreeMap<String, Notify>,
    settings: Arc<Settings>,
}

impl Outside {
    /// Takes the workspace file as it was read, and reads the keys.
    ///
    /// # Errors
    /// An entry of `[network] allow` that is no host. A key that cannot be read only fails the stages that need it.
    pub async fn of(workspace: &Workspace) -> Result<Self, EngineError> {
        let known = Mutex::new(Known::of(workspace).await?);
        Ok(Self { workspace: workspace.dir.clone(), known })
    }

    /// The settings for runs that go on, whatever became of the file.
    pub async fn known(&self) -> Arc<Settings> {
        Arc::clone(&self.known.lock().await.settings)
    }

    /// The settings for a run that begins: read again when the file has changed, or when a key was missing.
    ///
    /// # Errors
    /// A file that is not valid, with every problem at its place.
    pub async fn current(&self) -> Result<Arc<Settings>, EngineError> {
        let workspace = Workspace::load(&self.workspace).map_err(|error| invalid(&error))?;
        let mut known = self.known.lock().await;
        let file = &workspace.file;
        let same = known.network == file.network
            && known.ai == file.ai
            && known.services == file.services
            && known.notify == file.notify;
        if !same || known.lacks_a_key() {
            *known = Known::of(&workspace).await?;
        }
        Ok(Arc::clone(&known.settings))
    }
}

impl Known {
    async fn of(workspace: &Workspace) -> Result<Self, EngineError> {
        let (network, ai) = (workspace.file.network.clone(), workspace.file.ai.clone());
        let egress = match &network.allow {
            None => Egress::default(),
            Some(hosts) => {
                Egress::only(hosts).map_err(|error| EngineError::InvalidSettings(format!("[network] allow: {error}")))?
            }
        };
        let mut providers = Ai { default: ai.default.clone(), ..Ai::default() };
        for (name, provider) in &ai.providers {
            providers.providers.insert(name.clone(), read(&workspace.dir, name, provider).await);
        }
        let (services, notify) = (workspace.file.services.clone(), workspace.file.notify.clone());
        let settings = Settings {
            http: Http::new(egress),
            ai: providers,
            services: services.iter().map(service).collect(),
            notify: notify.iter().map(|(name, to)| (name.clone(), news::target(&workspace.dir, name, to))).collect(),
        };
        Ok(Self { network, ai, services, notify, settings: Arc::new(settings) })
    }

    fn lacks_a_key(&self) -> bool {
        self.settings.ai.providers.values().any(|provider| matches!(provider.key, Key::Missing(_)))
    }
}

pub(super) fn invalid(error: &ConfigError) -> EngineError {
    EngineError::InvalidSettings(match error {
        ConfigError::Invalid { path, text, problems } => config::report(problems, path, text, false).trim_end().to_owned(),
        other => other.to_string(),
    })
}

fn service(written: &WrittenService) -> Service {
    let (url, status) = match (&written.probe, &written.url) {
        (Some(Probe::Http { url, expect_status }), _) => (Ok(url.clone()), *expect_status),
        (None, Some(url)) => (Ok(url.clone()), None),
        (Some(Probe::Tcp(_)), _) => (Err("has a tcp probe, and a health-check asks by HTTP"), None),
        (Some(Probe::Command(_)), _) => (Err("has a command for a probe, and a health-check asks by HTTP"), None),
        (None, None) => (Err("has neither a `probe` nor a `url` in flowdeck.toml"), None),
    };
    Service {
        name: written.name.clone(),
        environment: written.environment.clone(),
        url,
        expect_status: status.and_then(|status| u16::try_from(status).ok()),
        timeout: written.timeout,
    }
}

async fn read(dir: &Path, name: &str, provider: &AiProvider) -> Provider {
    let kind = match provider.kind {
        AiKind::Anthropic => ProviderKind::Anthropic,
        AiKind::OpenAi => ProviderKind::OpenAi,
    };
    let key = match provider.key.clone() {
        None => Key::None,
        Some(secret) => key(dir.to_owned(), name.to_owned(), secret).await,
    };
    Provider { kind, base_url: provider.base_url.clone(), model: provider.model.clone(), key }
}

async fn key(dir: PathBuf, name: String, secret: Secret) -> Key {
    let read = tokio::task::spawn_blocking(move || secret.read(&name, &SecretReader::quiet(&dir)));
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(Ok(key))) if key.is_empty() => Key::Missing("it is empty".to_owned()),
        Ok(Ok(Ok(key))) => Key::Known(key),
        Ok(Ok(Err(error))) => Key::Missing(error.to_string()),
        Ok(Err(error)) => Key::Missing(error.to_string()),
        Err(_) => Key::Missing(format!("its command took longer than {} s", PATIENCE.as_secs())),
    }
}
