//! `variable-set`: values that later stages read as `variables.*`.

use serde_json::{Map, Value};

use super::fields::{Fields, wrong};
use super::path::Path;
use super::{Context, Done, Prepared};
use crate::model::{NoteLevel, StageError};

/// Words for the only scope there is.
const WHOLE_RUN: &[&str] = &["pipeline", "run", "workflow", "global"];

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let mut variables = fields.object(&["variables", "vars"])?.unwrap_or_default();
    let value = fields.take_nullable(&["value"]);
    match fields.text(&["name", "variable", "variable_name"])? {
        Some(name) => drop(variables.insert(name, value.unwrap_or(Value::Null))),
        None if value.is_some() => return Err(wrong("`value` needs a `name`")),
        None if variables.is_empty() => return Err(wrong("set at least one variable, in `variables` or as `name` and `value`")),
        None => {}
    }
    if let Some(path) = fields.text(&["extract_path"])? {
        extract(&mut variables, &path)?;
    }
    if !fields.flag(&["overwrite"], true)? {
        keep_earlier(&mut variables, context.scope.variables());
    }

    let scope = fields.text(&["scope"])?;
    let narrower = scope.filter(|scope| !WHOLE_RUN.contains(&scope.to_ascii_lowercase().as_str()));
    let notes = narrower.map(|scope| (NoteLevel::Warning, format!("`scope: {scope}`: a variable is there for the whole run")));

    let mut output = variables.clone();
    output.insert("variables".to_owned(), Value::Object(variables.clone()));
    let notes = notes.into_iter().collect();
    Ok(Done { variables: Some(variables), notes, ..Done::with_output(Value::Object(output)) }.into())
}

/// Replaces each value by what the path leads to inside it; null when nothing is there.
fn extract(variables: &mut Map<String, Value>, text: &str) -> Result<(), StageError> {
    let path = Path::parse(text).ok_or_else(|| wrong(format!("`extract_path`: `{text}` is not a path")))?;
    for value in variables.values_mut() {
        *value = path.find(value).unwrap_or(Value::Null);
    }
    Ok(())
}

fn keep_earlier(variables: &mut Map<String, Value>, earlier: &Map<String, Value>) {
    for (name, value) in variables {
        if let Some(kept) = earlier.get(name) {
            value.clone_from(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Stage;
    use crate::language::Component;

    #[test]
    fn variables_are_published_flat_and_together() {
        let config = json!({"variables": {"tag": "{{input.tag}}", "n": 1}});
        let done = Stage::new(Component::VariableSet, config).input(json!({"tag": "v1"})).done();
        assert_eq!(done.outcome.output, json!({"tag": "v1", "n": 1, "variables": {"tag": "v1", "n": 1}}));
        assert_eq!(json!(done.variables), json!({"tag": "v1", "n": 1}));
    }

    #[test]
    fn a_single_value_may_be_extracted() {
        let config = json!({"name": "sha", "value": "{{input}}", "extract_path": "commits[0].sha", "scope": "pipeline"});
        let done = Stage::new(Component::VariableSet, config).input(json!({"commits": [{"sha": "abc"}]})).done();
        assert_eq!(json!(done.variables), json!({"sha": "abc"}));
    }

    #[test]
    fn a_scope_narrower_than_the_run_is_a_warning() {
        let notes = |scope| Stage::new(Component::VariableSet, json!({"variables": {"a": 1}, "scope": scope})).done().notes;
        assert_eq!(notes("pipeline"), []);
        assert_eq!(notes("stage").len(), 1);
    }

    #[test]
    fn without_overwrite_an_earlier_value_stays() {
        let config = json!({"variables": {"a": 2, "b": 2}, "overwrite": false});
        let done = Stage::new(Component::VariableSet, config).variables(json!({"a": 1})).done();
        assert_eq!(json!(done.variables), json!({"a": 1, "b": 2}));
    }

    #[test]
    fn nothing_to_set_is_an_error() {
        assert!(Stage::new(Component::VariableSet, json!({})).error().message.contains("at least one variable"));
        assert!(Stage::new(Component::VariableSet, json!({"value": 1})).error().message.contains("needs a `name`"));
    }
}
