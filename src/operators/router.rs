//! `router`: the stages of the route that a value names.

use serde_json::{Map, Value, json};

use super::fields::{self, Fields, listed_ids, wrong};
use super::locals::Locals;
use super::{Branch, Context, Done, Prepared};
use crate::language::{expression, template};
use crate::model::{NoteLevel, StageError, StageId};

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let data = fields.take_nullable(&["data"]).unwrap_or(Value::Null);
    let value = fields.take_nullable(&["value"]).unwrap_or(Value::Null);
    let value = match fields::raw(&context.stage.config, &["value_expression"]) {
        Some(Value::String(source)) => {
            let bound = [("value", &value), ("data", &data)];
            let scope = Locals { inner: context.scope, names: &bound, fields: None };
            expression::evaluate(source, &scope).map_err(|error| fields::in_field("value_expression", error.into()))?
        }
        Some(_) | None => value,
    };
    let fold = fields.flag(&["case_insensitive"], false)?;
    let empty = Map::new();
    let routes = match fields::raw(&context.stage.config, &["routes"]) {
        Some(Value::Object(routes)) => routes,
        Some(other) => return Err(wrong(format!("`routes` must be an object, not {}", fields::kind(other)))),
        None => &empty,
    };
    let default = fields::raw(&context.stage.config, &["default_route", "default_stages"]);
    let text = template::to_text(&value);
    let matched = find(routes, &text, fold);
    let taken = matched.map(|(name, _)| name.clone()).or_else(|| default.map(|_| "default".to_owned()));
    let run = matched.map(|(_, stages)| stages).or(default).map(listed_ids).unwrap_or_default();
    let mut skip: Vec<StageId> =
        routes.values().chain(default).flat_map(listed_ids).filter(|stage| !run.contains(stage)).collect();
    skip.dedup();
    let output = json!({
        "route_taken": taken,
        "original_value": value,
        "matched_value": matched.map(|(name, _)| name),
        "stages_to_execute": run,
        "stages_to_skip": skip,
        "data": data,
    });
    let mut done = Done::with_output(output);
    if taken.is_none() {
        done.notes.push((NoteLevel::Warning, format!("no route fits `{text}` and there is no default: nothing runs")));
    }
    done.branch = Some(Branch { run, skip });
    Ok(done.into())
}

/// An exact match first, then one that differs in capitals, if that is allowed.
fn find<'a>(routes: &'a Map<String, Value>, text: &str, fold: bool) -> Option<(&'a String, &'a Value)> {
    let exact = routes.iter().find(|(name, _)| *name == text);
    exact.or_else(|| routes.iter().find(|(name, _)| fold && name.to_lowercase() == text.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Done;
    use super::super::testing::Stage;
    use crate::language::Component;

    fn routed(value: Value, more: Value) -> Done {
        let mut config = json!({"value": value, "routes": {"dev": "a", "prod": ["b", "c"], "3": ["d"]}});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Stage::new(Component::Router, config).done()
    }

    #[test]
    fn the_route_of_the_value_runs_and_the_others_do_not() {
        let output = routed(json!("prod"), json!({})).outcome.output;
        assert_eq!(output["stages_to_execute"], json!(["b", "c"]));
        assert_eq!(output["stages_to_skip"], json!(["a", "d"]));
        assert_eq!(output["route_taken"], "prod");
        assert_eq!(routed(json!(3), json!({})).outcome.output["stages_to_execute"], json!(["d"]));
    }

    #[test]
    fn capitals_matter_unless_said_otherwise() {
        assert_eq!(routed(json!("PROD"), json!({})).outcome.output["route_taken"], Value::Null);
        assert_eq!(routed(json!("PROD"), json!({"case_insensitive": true})).outcome.output["route_taken"], "prod");
    }

    #[test]
    fn without_a_match_the_default_runs_or_nothing_with_a_warning() {
        let output = routed(json!("x"), json!({"default_route": ["a"]})).outcome.output;
        assert_eq!((&output["route_taken"], &output["stages_to_execute"]), (&json!("default"), &json!(["a"])));
        assert_eq!(output["matched_value"], Value::Null);
        let done = routed(json!("x"), json!({}));
        assert_eq!(done.outcome.output["stages_to_execute"], json!([]));
        assert_eq!(done.notes.len(), 1);
    }

    #[test]
    fn an_expression_may_make_the_value() {
        let output = routed(json!(7), json!({"value_expression": "'prod' if value > 5 else 'dev'"})).outcome.output;
        assert_eq!(output["original_value"], "prod");
    }
}
