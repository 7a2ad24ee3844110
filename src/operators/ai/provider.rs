//! The language models of the workspace. Keys are shown nowhere.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;

use crate::model::StageError;
use crate::operators::fields::wrong;

/// Which API a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// The Messages API.
    Anthropic,
    /// Chat completions, also of servers that are compatible with them.
    OpenAi,
}

/// What proves to a provider who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// The provider wants none.
    None,
    Known(String),
    /// There should be one, but it could not be read; the reason, without any part of the key.
    Missing(String),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Known(_) => "Known(…)",
            Self::Missing(_) => "Missing",
        })
    }
}

/// One of `[ai.providers]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub kind: ProviderKind,
    /// The service's own address when absent.
    pub base_url: Option<String>,
    /// Asked when a stage names none.
    pub model: Option<String>,
    pub key: Key,
}

/// The providers of the workspace by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ai {
    /// The one that a stage without `provider` asks.
    pub default: Option<String>,
    pub providers: BTreeMap<String, Provider>,
}

impl Ai {
    /// Every key, to be hidden wherever it might show up.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.providers.values().filter_map(|provider| match &provider.key {
            Key::Known(key) => Some(key.as_str()),
            Key::None | Key::Missing(_) => None,
        })
    }

    /// The provider a stage means; `None` when there is none at all, or the stage wants no real answer (`mock`).
    pub(super) fn choose(&self, named: Option<&str>) -> Result<Option<(&str, &Provider)>, StageError> {
        if self.providers.is_empty() || named.is_some_and(|name| name.eq_ignore_ascii_case("mock")) {
            return Ok(None);
        }
        let only = || self.providers.keys().next().filter(|_| self.providers.len() == 1).map(String::as_str);
        let Some(name) = named.or(self.default.as_deref()).or_else(only) else {
            return Err(wrong(format!("give the stage a `provider`, or flowdeck.toml a default: it has {}", self.names())));
        };
        let found = self.providers.get_key_value(name).map(|(name, provider)| Some((name.as_str(), provider)));
        found.ok_or_else(|| wrong(format!("flowdeck.toml has no AI provider `{name}`; it has {}", self.names())))
    }

    fn names(&self) -> String {
        self.providers.keys().cloned().collect::<Vec<_>>().join(", ")
    }
}

impl Provider {
    /// Where questions go.
    pub(super) fn url(&self) -> Result<Url, StageError> {
        let (own, path) = match self.kind {
            ProviderKind::Anthropic => ("https://api.anthropic.com/v1", "messages"),
            ProviderKind::OpenAi => ("https://api.openai.com/v1", "chat/completions"),
        };
        let base = self.base_url.as_deref().unwrap_or(own).trim_end_matches('/');
        // The address of the Messages API is commonly given without its version.
        let version = if self.kind == ProviderKind::Anthropic && !base.ends_with("/v1") { "/v1" } else { "" };
        Url::parse(&format!("{base}{version}/{path}")).map_err(|error| wrong("`base_url` is not a URL").caused_by(error))
    }
}
