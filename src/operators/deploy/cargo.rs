//! What a deploy stage brings: the service, its version, and digests of its artefacts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::language::StageSpec;
use crate::language::duration::Unit;
use crate::language::template::to_text;
use crate::model::StageError;
use crate::operators::Context;
use crate::operators::fields::{Fields, wrong};

/// The fields that say what is brought. All others are read when it starts: they may hold what nobody may see before.
const NAMED: &[&str] = &["service", "version", "artifact", "artifacts", "artefact", "artefacts", "bake"];

/// What would be deployed, as a decision and a release name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cargo {
    pub service: String,
    pub version: String,
    /// Digests by name. Without any, the version stands for what it brings: `version` = `SERVICE@VERSION`.
    pub artefacts: BTreeMap<String, String>,
    pub bake: Option<Duration>,
}

/// Renders what a deploy stage brings.
///
/// # Errors
/// A template that fails, a service or version that is missing, an artefact that is no digest, a secret among them.
pub fn cargo(context: &Context) -> Result<Cargo, StageError> {
    let given = context.stage.config.as_object().into_iter().flatten();
    let named = given.filter(|(key, _)| NAMED.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone()));
    let stage = StageSpec { config: Value::Object(named.collect()), ..context.stage.clone() };
    let mut fields = Fields::render(&Context { stage: &stage, ..*context })?;
    let service = fields.text(&["service"])?.map(|text| text.trim().to_owned()).unwrap_or_default();
    let given = fields.text(&["version"])?.or_else(|| context.scope.input().get("version").map(to_text));
    let version = given.map(|text| text.trim().to_owned()).unwrap_or_default();
    for (name, text) in [("service", &service), ("version", &version)] {
        if text.is_empty() {
            return Err(wrong(format!("a deploy stage needs a `{name}`, and it is empty")));
        }
        one_line(name, text, 200)?;
        // A release is on record for ever.
        if context.secrets.contains_secret(text) {
            return Err(wrong(format!("`{name}` holds a secret, and releases are recorded")));
        }
    }
    let mut artefacts = BTreeMap::new();
    if let Some(value) = fields.take(&["artifact", "artifacts", "artefact", "artefacts"]) {
        read(&value, None, &mut artefacts)?;
    }
    if artefacts.values().any(|digest| context.secrets.contains_secret(digest)) {
        return Err(wrong("`artifact` holds a secret, and releases are recorded"));
    }
    for text in artefacts.iter().flat_map(|(name, digest)| [name, digest]) {
        one_line("artifact", text, 1_000)?;
    }
    if artefacts.is_empty() {
        artefacts.insert("version".to_owned(), format!("{service}@{version}"));
    }
    let bake = fields.duration(&["bake"], Unit::Seconds)?;
    Ok(Cargo { service, version, artefacts, bake })
}

/// People tell releases apart by what they see, and stops go by the text: there is nothing in it that nobody sees.
fn one_line(name: &str, text: &str, longest: usize) -> Result<(), StageError> {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if text.chars().any(unseen) || text.len() > longest {
        return Err(wrong(format!("`{name}` must be a short text in one line, of signs that can be seen")));
    }
    Ok(())
}

fn read(value: &Value, name: Option<&str>, into: &mut BTreeMap<String, String>) -> Result<(), StageError> {
    match value {
        Value::String(digest) if !digest.trim().is_empty() => {
            into.insert(name.unwrap_or("artifact").to_owned(), digest.trim().to_owned());
            Ok(())
        }
        Value::Object(fields) => match fields.get("digest").and_then(Value::as_str) {
            Some(digest) => {
                let own = fields.get("name").or_else(|| fields.get("image")).and_then(Value::as_str);
                read(&Value::from(digest), own.or(name), into)
            }
            None => fields.iter().try_for_each(|(name, value)| read(value, Some(name), into)),
        },
        Value::Array(list) => list.iter().enumerate().try_for_each(|(at, value)| {
            let numbered = format!("artifact-{}", at + 1);
            read(value, Some(&numbered), into)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(wrong(format!("`artifact` must be a digest, `{{name, digest}}` or digests by name, not {value}")))
        }
    }
}
