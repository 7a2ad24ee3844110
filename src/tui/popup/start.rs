//! The way from a pipeline's name to a new run of it: its inputs where it takes some, then a question that names what
//! will run and where.

use serde_json::{Map, Value};

use super::Popup;
use super::choose::Choose;
use super::edit::Edit;
use super::page::Page;
use crate::tui::backend::{Order, Request, Sheet};
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Look;

/// Characters of the inputs that the question shows.
const SHOWN: usize = 60;

/// Opens the editor of the inputs, or where there are none the question.
pub fn open(sheet: Sheet, look: &Look) -> Vec<Intent> {
    let inputs = first_inputs(sheet.input_schema.as_ref(), sheet.sample_input.as_ref());
    let Some(inputs) = inputs else {
        return vec![Intent::Open(Box::new(Popup::Choose(question(&sheet, &Value::Object(Map::new())))))];
    };
    let mut edit = Edit::start(sheet, inputs, look);
    let check = edit.ask();
    std::iter::once(Intent::Open(Box::new(Popup::Edit(Box::new(edit))))).chain(check).collect()
}

/// What the editor begins with: a value of the sample or the default for each input that has one, `null` for one that
/// has to be given. `None` when the pipeline takes no inputs.
fn first_inputs(schema: Option<&Value>, sample: Option<&Value>) -> Option<Value> {
    let sample = sample.and_then(Value::as_object);
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    let required = schema.and_then(|schema| schema.get("required")?.as_array());
    let is_required = |name: &str| required.is_some_and(|required| required.iter().any(|other| other == name));
    let mut inputs = sample.cloned().unwrap_or_default();
    for (name, property) in properties.into_iter().flatten() {
        let default = property.get("default").cloned().or_else(|| is_required(name).then_some(Value::Null));
        if let (Some(value), false) = (default, inputs.contains_key(name)) {
            inputs.insert(name.clone(), value);
        }
    }
    let takes_some = !inputs.is_empty() || properties.is_some_and(|properties| !properties.is_empty());
    takes_some.then_some(Value::Object(inputs))
}

/// The last question. Nothing has happened before it is answered.
pub fn question(sheet: &Sheet, inputs: &Value) -> Choose {
    let order = |environment: Option<&String>| {
        let (name, text, inputs) = (sheet.name.clone(), sheet.document.text.clone(), inputs.clone());
        Request::Start(Box::new(Order { name, text, inputs, environment: environment.cloned() }))
    };
    let environment = match &sheet.environment {
        Some(own) => format!("environment  {own} (the pipeline's own)"),
        None if sheet.environments.is_empty() => "environment  none".to_owned(),
        None => "environment  as chosen below".to_owned(),
    };
    let mut given = inputs.to_string();
    if given.chars().count() > SHOWN {
        given = given.chars().take(SHOWN - 1).chain(['…']).collect();
    }
    let lines = vec![format!("file         {}", sheet.path), environment, format!("inputs       {given}")];
    let plain = if sheet.environments.is_empty() { "Yes, run it" } else { "Yes, for no environment" };
    let mut choices = vec![(plain.to_owned(), order(None))];
    choices.extend(sheet.environments.iter().map(|name| (format!("Yes, for {name}"), order(Some(name)))));
    Choose::new(format!("Run {}?", sheet.name), lines, "No", choices)
}

/// Why a pipeline cannot be started.
pub fn refusal(pipeline: &str, report: &str) -> Page {
    Page::new(format!("{pipeline} cannot be started"), report.lines().map(|line| (Role::Text, line.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::first_inputs;

    #[test]
    fn the_editor_begins_with_the_sample_then_the_defaults_and_asks_for_what_is_required() {
        let schema = json!({
            "properties": {"version": {"type": "string"}, "replicas": {"default": 2}, "note": {"type": "string"}, "who": {}},
            "required": ["version", "who"],
        });
        let inputs = |sample| first_inputs(Some(&schema), sample);
        assert_eq!(inputs(None), Some(json!({"version": null, "replicas": 2, "who": null})));
        assert_eq!(inputs(Some(&json!({"version": "v1"}))), Some(json!({"version": "v1", "replicas": 2, "who": null})));
    }

    #[test]
    fn a_pipeline_without_inputs_has_none_to_edit() {
        assert_eq!(first_inputs(None, None), None);
        assert_eq!(first_inputs(Some(&json!({"type": "object"})), None), None);
        assert_eq!(first_inputs(Some(&json!({"properties": {"note": {}}})), None), Some(json!({})));
    }
}
