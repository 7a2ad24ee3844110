//! From the workspace file to what operators know of the world outside. Keys are read here, once, and kept in memory only.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowdeck::config::{AiKind, AiProvider, Secret, SecretReader, Workspace};
use flowdeck::operators::{Ai, Egress, Http, Key, Provider, ProviderKind, Settings};

/// A command that has not printed its key by then does not keep the engine from starting.
const PATIENCE: Duration = Duration::from_secs(5);

/// # Errors
/// An entry of `[network] allow` that is no host. A key that cannot be read only fails the stages that need it.
pub async fn settings(workspace: &Workspace) -> Result<Settings, Box<dyn Error>> {
    let file = &workspace.file;
    let egress = match &file.network.allow {
        None => Egress::default(),
        Some(hosts) => Egress::only(hosts).map_err(|error| format!("[network] allow: {error}"))?,
    };
    let mut ai = Ai { default: file.ai.default.clone(), ..Ai::default() };
    for (name, provider) in &file.ai.providers {
        ai.providers.insert(name.clone(), read(&workspace.dir, name, provider).await);
    }
    Ok(Settings { http: Http::new(egress), ai })
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
