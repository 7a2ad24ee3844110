//! `[notify]` as operators take it. A key is read from its source each time something is sent, and kept nowhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::config::{Channel, Notify, Secret, SecretReader};
use crate::operators::{Format, Target, Vault};

/// Where a key comes from.
struct Source {
    dir: PathBuf,
    name: String,
    secret: Secret,
}

impl Vault for Source {
    fn read(&self) -> BoxFuture<'static, Result<String, String>> {
        let (dir, name, secret) = (self.dir.clone(), self.name.clone(), self.secret.clone());
        Box::pin(async move {
            // It has a time limit of its own.
            let read = tokio::task::spawn_blocking(move || secret.read(&name, &SecretReader::quiet(&dir)));
            read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        })
    }
}

/// One `[notify.NAME]` of the workspace in `dir`.
pub(super) fn target(dir: &Path, name: &str, written: &Notify) -> Target {
    let format = match &written.channel {
        Channel::Webhook(url) => Format::Webhook(url.clone()),
        Channel::Slack(url) => Format::Slack(url.clone()),
        Channel::PagerDuty(url) => Format::PagerDuty(url.clone()),
        Channel::Command(words) => Format::Command { words: words.clone(), cwd: dir.display().to_string() },
    };
    let source = |secret: &Secret| Source { dir: dir.to_owned(), name: format!("notify.{name}"), secret: secret.clone() };
    Target { format, secret: written.secret.as_ref().map(|secret| Arc::new(source(secret)) as Arc<dyn Vault>) }
}
