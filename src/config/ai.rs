//! `[ai]`: the language models that stages may ask. Keys are only pointed to, never held.

use std::collections::BTreeMap;
use std::path::Path;

use super::Secret;
use super::file::{secret, url};
use super::reader::{Node, Reader};

/// `[ai]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ai {
    /// The provider of stages that name none.
    pub default: Option<String>,
    pub providers: BTreeMap<String, AiProvider>,
}

/// One of `[ai.providers]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AiProvider {
    pub kind: AiKind,
    /// The service's own address when absent.
    pub base_url: Option<String>,
    pub model: Option<String>,
    /// Where the key comes from; some local servers want none.
    pub key: Option<Secret>,
}

/// Which API a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AiKind {
    Anthropic,
    /// OpenAI's, or any server compatible with it.
    OpenAi,
}

const KEYS: &[&str] = &["kind", "base_url", "model", "key"];

impl std::str::FromStr for AiKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "anthropic" => Ok(Self::Anthropic),
            "openai" => Ok(Self::OpenAi),
            _ => Err(format!(
                "{text:?} is not a kind of provider; there are \"anthropic\" and \"openai\" (also for compatible servers)"
            )),
        }
    }
}

pub(super) fn ai(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path) -> Ai {
    let mut ai = Ai::default();
    let mut default_span = None;
    for (key, value) in reader.table(value).into_iter().flatten() {
        match key.get_ref().as_ref() {
            "default" => {
                ai.default = reader.text(value);
                default_span = Some(value.span());
            }
            "providers" => {
                for (name, value) in reader.table(value).into_iter().flatten() {
                    if let Some(provider) = provider(reader, value, workspace) {
                        ai.providers.insert(name.get_ref().to_string(), provider);
                    }
                }
            }
            _ => reader.unknown("key", key, &["default", "providers"]),
        }
    }
    if let (Some(name), Some(span)) = (&ai.default, default_span)
        && !ai.providers.contains_key(name)
    {
        reader.wrong(span, format!("[ai.providers] has no {name:?}"));
    }
    ai
}

fn provider(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path) -> Option<AiProvider> {
    let table = reader.table(value)?;
    let mut kind = None;
    let (mut base_url, mut model, mut key) = (None, None, None);
    for (name, value) in table {
        match name.get_ref().as_ref() {
            "kind" => kind = reader.parsed(value, str::parse),
            "base_url" => base_url = reader.parsed(value, url),
            "model" => model = reader.text(value),
            "key" => key = secret(reader, value, workspace),
            _ => reader.unknown("key", name, KEYS),
        }
    }
    if !table.contains_key("kind") {
        reader.wrong(value.span(), "a provider needs a `kind`: \"anthropic\" or \"openai\"");
    }
    Some(AiProvider { kind: kind?, base_url, model, key })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{File, Secret};
    use super::{AiKind, AiProvider};

    fn problems(text: &str) -> Vec<String> {
        let found = File::parse(text, Path::new("/srv")).expect_err("this file is wrong");
        found.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn providers_and_the_sources_of_their_keys_are_read() {
        let text = "[ai]\ndefault = \"local\"\n[ai.providers.local]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:11434/v1\"\nmodel = \"m\"\n\
            [ai.providers.cloud]\nkind = \"anthropic\"\nkey = { file = \"secrets/key\" }\n";
        let ai = File::parse(text, Path::new("/srv")).unwrap().ai;
        assert_eq!(ai.default.as_deref(), Some("local"));
        let local = AiProvider {
            kind: AiKind::OpenAi,
            base_url: Some("http://127.0.0.1:11434/v1".to_owned()),
            model: Some("m".to_owned()),
            key: None,
        };
        assert_eq!(ai.providers["local"], local);
        assert_eq!(ai.providers["cloud"].key, Some(Secret::File("/srv/secrets/key".into())));
    }

    #[test]
    fn a_key_written_into_the_file_is_refused_and_not_repeated() {
        let found = problems("[ai.providers.x]\nkind = \"openai\"\nkey = \"sk-hunter2\"\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("does not belong in this file") && !found[0].contains("hunter2"), "{found:?}");
    }

    #[test]
    fn what_a_provider_cannot_be_is_said() {
        assert_eq!(problems("[ai]\ndefault = \"x\"\n"), ["[ai.providers] has no \"x\""]);
        assert_eq!(problems("[ai.providers.x]\nmodel = \"m\"\n"), ["a provider needs a `kind`: \"anthropic\" or \"openai\""]);
        assert!(problems("[ai.providers.x]\nkind = \"gpt\"\n")[0].contains("\"gpt\" is not a kind"));
        assert!(problems("[ai.providers.x]\nkind = \"openai\"\nbase_url = \"ftp://x\"\n")[0].contains("ftp://x"));
    }
}
