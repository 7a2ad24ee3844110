//! The JSON Schema of the pipeline format, made from the tables that check it.

use serde_json::{Map, Value, json};

use super::component::Component;
use super::field::{DOCUMENT, ERROR_HANDLING, Field, Kind, RETRY, STAGE};

/// A draft-07 schema with descriptions, for editors. Unknown fields are allowed: they are warnings.
pub fn document() -> Value {
    let mut properties = object_of(DOCUMENT, kind);
    properties.insert("stages".to_owned(), json!({"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/stage"}, "description": "The stages, at least one."}));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "flowdeck pipeline",
        "type": "object",
        "required": ["stages"],
        "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
        "properties": properties,
        "definitions": {"stage": stage(), "template": {"type": "string", "pattern": "\\{\\{"}},
    })
}

fn stage() -> Value {
    let mut properties = object_of(STAGE, kind);
    for key in ["component_type", "type", "component"] {
        if let Some(Value::Object(schema)) = properties.get_mut(key) {
            schema.remove("type");
            schema.insert("enum".to_owned(), names().into());
        }
    }
    properties.insert(
        "id".to_owned(),
        json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "description": "Unique in the pipeline."}),
    );
    properties.insert("error_handling".to_owned(), json!({"type": "object", "properties": object_of(ERROR_HANDLING, kind)}));
    properties.insert("retry_config".to_owned(), json!({"type": "object", "properties": object_of(RETRY, kind)}));
    let each: Vec<Value> = Component::written().map(component_rule).collect();
    json!({
        "type": "object",
        "required": ["id"],
        "anyOf": [{"required": ["component_type"]}, {"required": ["type"]}, {"required": ["component"]}],
        "properties": properties,
        "allOf": each,
    })
}

fn names() -> Vec<String> {
    let mut names = Vec::new();
    for component in Component::written() {
        names.extend(spellings(component));
    }
    names
}

fn spellings(component: Component) -> Vec<String> {
    let entry = component.entry();
    let mut names: Vec<String> = Vec::new();
    for name in [entry.name].iter().chain(entry.aliases) {
        for spelling in [(*name).to_owned(), name.replace('-', "_")] {
            if !names.contains(&spelling) {
                names.push(spelling);
            }
        }
    }
    names
}

/// "Where the type is this component, `config` looks like that."
fn component_rule(component: Component) -> Value {
    let spellings = spellings(component);
    let typed = |key: &str| json!({"properties": {key: {"enum": spellings}}, "required": [key]});
    let config = json!({"type": "object", "description": component.entry().about, "properties": object_of(component.entry().keys, rendered)});
    json!({
        "if": {"anyOf": [typed("component_type"), typed("type"), typed("component")]},
        "then": {"properties": {"config": config, "input_mapping": {"type": "object"}}},
    })
}

pub(super) fn object_of(fields: &[Field], schema_of: fn(Kind) -> Value) -> Map<String, Value> {
    let describe = |field: &Field| {
        let mut schema = schema_of(field.kind);
        if let Value::Object(map) = &mut schema {
            map.insert("description".to_owned(), field.about.into());
        }
        (field.name.to_owned(), schema)
    };
    fields.iter().map(describe).collect()
}

/// Where templates are rendered, one fits as well.
pub(super) fn rendered(of: Kind) -> Value {
    let schema = kind(of);
    match of {
        Kind::Integer | Kind::Number | Kind::Flag | Kind::Map | Kind::StageRoutes => {
            json!({"anyOf": [schema, {"$ref": "#/definitions/template"}]})
        }
        _ => schema,
    }
}

fn kind(kind: Kind) -> Value {
    let stages = json!({"type": ["string", "array"], "items": {"type": "string"}});
    match kind {
        Kind::Any | Kind::Condition | Kind::Deferred => json!({}),
        Kind::Id | Kind::Expression => json!({"type": "string"}),
        Kind::Text | Kind::Script => json!({"type": ["string", "number", "boolean"]}),
        Kind::Integer => json!({"type": "integer", "minimum": 0}),
        Kind::Number => json!({"type": "number"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Seconds | Kind::Milliseconds | Kind::RequestTimeout => json!({"type": ["number", "string"]}),
        Kind::List => json!({"type": ["array", "string"]}),
        Kind::Texts | Kind::Stages => stages,
        Kind::Map => json!({"type": "object"}),
        Kind::StageRoutes => json!({"type": "object", "additionalProperties": stages}),
        Kind::Schema => json!({"type": ["object", "boolean"]}),
        Kind::Choice(words) => json!({"enum": words}),
    }
}
