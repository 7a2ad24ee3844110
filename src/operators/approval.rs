//! `approval`: people are asked, and the stage is over once they have agreed.
//!
//! Owns what is asked and shown. The waiting itself is the engine's gate: by the time this is prepared, they have agreed.

use serde_json::{Value, json};

use super::fields::{Fields, kind, wrong};
use super::{Context, Done, Prepared};
use crate::language::template::to_text;
use crate::model::{People, Rule, Shown, StageError};

/// Longest value that is shown; the rest is in the run.
const SHOWN: usize = 2_000;

/// What an approval stage asks, and what it asks for beyond the environment's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    pub message: Option<String>,
    pub rules: Vec<Rule>,
    pub shown: Vec<Shown>,
}

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let asked = question(context)?;
    let done = Done::with_output(json!({"approved": true}));
    let shown: Vec<Value> = asked.shown.iter().map(|shown| json!({"name": shown.name, "value": shown.value})).collect();
    Ok(Prepared { config: json!({"message": asked.message, "evidence": shown}), ..done.into() })
}

/// Renders what a stage asks.
///
/// # Errors
/// A template that fails, a rule that names nobody.
pub(super) fn question(context: &Context) -> Result<Question, StageError> {
    let mut fields = Fields::render(context)?;
    // What the stage acts on is read with the pipeline.
    fields.take(&["environment"]);
    let message = fields.text(&["message"])?;
    let rules = match fields.take(&["rules"]) {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().enumerate().map(|(at, value)| rule(at, value)).collect::<Result<_, _>>()?,
        Some(other) => return Err(wrong(format!("`rules` must be a list, not {}", kind(&other)))),
    };
    let shown = match fields.take(&["evidence"]) {
        None => Vec::new(),
        Some(Value::Object(map)) => map.iter().map(|(name, value)| entry(name, value)).collect(),
        Some(Value::Array(list)) => list.iter().enumerate().map(|(at, value)| entry(&format!("{}", at + 1), value)).collect(),
        Some(other) => vec![entry("evidence", &other)],
    };
    Ok(Question { message, rules, shown })
}

fn rule(at: usize, value: &Value) -> Result<Rule, StageError> {
    let Value::Object(fields) = value else {
        return Err(wrong(format!("a rule is `{{name, users, groups, min}}`, not {}", kind(value))));
    };
    if let Some(unknown) = fields.keys().find(|key| !matches!(key.as_str(), "name" | "users" | "groups" | "min")) {
        return Err(wrong(format!("a rule has no `{unknown}`; it has name, users, groups and min")));
    }
    let names = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(std::collections::BTreeSet::new()),
        Some(Value::String(one)) => Ok([one.clone()].into()),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => Ok(list.iter().map(to_text).collect()),
        Some(other) => Err(wrong(format!("`{key}` of a rule must be a list of names, not {}", kind(other)))),
    };
    let people = People { users: names("users")?, groups: names("groups")? };
    let name = fields.get("name").map_or_else(|| format!("rule {}", at + 1), to_text);
    if people.users.is_empty() && people.groups.is_empty() {
        return Err(wrong(format!("the rule `{name}` names nobody: give it users or groups")));
    }
    let min = match fields.get("min") {
        None | Some(Value::Null) => Some(1),
        Some(value) => value.as_u64().and_then(|min| u32::try_from(min).ok()).filter(|min| *min > 0),
    };
    Ok(Rule { min: min.ok_or_else(|| wrong(format!("`min` of the rule `{name}` must be a number from 1")))?, name, people })
}

fn entry(name: &str, value: &Value) -> Shown {
    let mut text = to_text(value);
    if text.len() > SHOWN {
        text.truncate(text.floor_char_boundary(SHOWN));
        text.push('…');
    }
    Shown { name: name.to_owned(), value: text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Work;
    use super::super::testing::Stage;
    use crate::language::Component;

    #[test]
    fn a_rule_that_names_nobody_or_is_misspelt_is_no_rule() {
        let error = |rule| Stage::new(Component::Approval, json!({"rules": [rule]})).error().to_string();
        assert!(error(json!({"name": "qa"})).contains("names nobody"));
        assert!(error(json!({"user": ["ann"]})).contains("has no `user`"));
        assert!(error(json!({"users": ["ann"], "min": 0})).contains("from 1"));
        assert!(error(json!("ann")).contains("a rule is"));
    }

    #[test]
    fn whoever_comes_to_it_has_been_agreed_with() {
        let stage = Stage::new(Component::Approval, json!({"message": "ship {{input.v}}?", "evidence": {"tests": "{{1 + 1}}"}}));
        let stage = stage.input(json!({"v": "2.0"}));
        let prepared = stage.prepared().expect("prepared");
        assert_eq!(prepared.config, json!({"message": "ship 2.0?", "evidence": [{"name": "tests", "value": "2"}]}));
        let Work::Done(done) = prepared.work else { panic!("it does nothing itself") };
        assert_eq!(done.outcome.output, json!({"approved": true}));
    }
}
