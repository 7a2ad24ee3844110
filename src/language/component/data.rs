//! Components that compute values from values.

use super::Entry;
use crate::language::field::Kind;

pub(super) static JSON_TRANSFORM: Entry = Entry {
    name: "json-transform",
    aliases: &["transform"],
    about: "Makes a value of other values.",
    required: &[&["template", "jmespath_expression", "mapping", "flatten", "parse_json_strings", "data"]],
    keys: keys! {
        "data" | "input": Kind::Any, "What `data` means in the template, and what is queried or mapped.";
        "template": Kind::Deferred, "The output, full of templates.";
        "jmespath_expression" | "expression" | "jmespath": Kind::Text, "A JMESPath query over `data`.";
        "mapping" | "mappings" | "field_mapping": Kind::Deferred, "Field names to paths in `data`.";
        "defaults": Kind::Map, "Values of fields that are missing.";
        "exclude_fields" | "exclude": Kind::Texts, "Fields left out.";
        "flatten": Kind::Flag, "Nested objects become dotted keys.";
        "flatten_separator" | "flatten_delimiter" | "separator": Kind::Text, "What joins them; a dot when absent.";
        "parse_json_strings": Kind::Flag, "Texts that hold JSON become values.";
    },
    encloses: false,
    output: &[
        ("result", "The value; with `template` the output is the rendered tree itself."),
        ("fields_mapped", "How many fields were found."),
        ("fields_missing", "The names of those that were not."),
    ],
    example: "\
- id: names
  type: json-transform
  config: { data: { users: [{ name: Ada }, { name: Lin }] }, jmespath_expression: \"users[*].name\" }
- id: report
  type: json-transform
  depends_on: [names]
  config: { template: { first: \"{{upstream.names.result[0]}}\", count: \"{{len(upstream.names.result)}}\" } }
",
};

pub(super) static FILTER: Entry = Entry {
    name: "filter",
    aliases: &[],
    about: "Lets pass or stops what depends on it, or picks list items.",
    required: &[&["condition", "field_conditions"]],
    keys: keys! {
        "data" | "items": Kind::Any, "What is judged.";
        "condition": Kind::Condition, "Speaks of `item` to pick list items.";
        "field_conditions": Kind::Any, "Field names to wanted values.";
        "pass_if_missing": Kind::Flag, "Missing data passes.";
        "filter_mode" | "mode": Kind::Text, "`pass_fail` or `filter_array`.";
        "invert" | "negate": Kind::Flag, "Turns the answer round.";
    },
    encloses: false,
    output: &[
        ("passed", "Whether it passed; false skips what depends on the stage and does not read it."),
        ("data", "The data, or the items that passed; null when it did not pass."),
        ("filtered_count", "How many were left out."),
        ("reason", "Why it did not pass."),
    ],
    example: "\
- id: enough
  type: filter
  config: { data: \"{{input}}\", condition: \"data.replicas >= 2\" }
",
};

pub(super) static SCHEMA_VALIDATE: Entry = Entry {
    name: "schema-validate",
    aliases: &["validate-schema", "json-schema-validate"],
    about: "Checks a value against a JSON Schema.",
    required: &[&["schema"]],
    keys: keys! {
        "data": Kind::Any, "What is checked.";
        "schema" | "json_schema": Kind::Any, "The JSON Schema.";
        "strict": Kind::Flag, "True when absent: an invalid value fails the stage.";
        "coerce_types": Kind::Flag, "Texts become numbers and booleans where the schema wants them.";
        "collect_all_errors": Kind::Flag, "All errors instead of the first; true when absent.";
    },
    encloses: false,
    output: &[
        ("valid", "Whether the data fits."),
        ("data", "The data, coerced if asked."),
        ("errors", "`{path, message}` each, the path a JSON pointer."),
        ("error_count", "How many."),
    ],
    example: "\
- id: valid
  type: schema-validate
  config: { data: \"{{input}}\", schema: { type: object, required: [version], properties: { version: { type: string } } } }
",
};

pub(super) static LOGGER: Entry = Entry {
    name: "logger",
    aliases: &["log"],
    about: "Writes a line into the log.",
    required: &[&["message", "data"]],
    keys: keys! {
        "message" | "msg": Kind::Any, "The line.";
        "level" | "log_level": Kind::Text, "debug, info, warning, error.";
        "data": Kind::Any, "Logged beside it.";
        "tags": Kind::Any, "Words to find it by.";
    },
    encloses: false,
    output: &[("logged", "True."), ("log_id", "An id of the line."), ("passthrough", "`data`, or the message without it.")],
    example: "\
- id: tell
  type: logger
  config: { message: \"deploying {{input.version}}\", level: info, data: { by: \"{{context.actor}}\" } }
",
};

pub(super) static VARIABLE_SET: Entry = Entry {
    name: "variable-set",
    aliases: &["set-variable", "set-variables"],
    about: "Sets variables for later stages.",
    required: &[&["variables", "name"]],
    keys: keys! {
        "variables" | "vars": Kind::Map, "Names to values.";
        "name" | "variable" | "variable_name": Kind::Text, "One variable's name.";
        "value": Kind::Any, "Its value.";
        "scope": Kind::Text, "`pipeline`; a variable is there for the whole run.";
        "overwrite": Kind::Flag, "True when absent; false keeps an earlier value.";
        "extract_path": Kind::Text, "The part of the value to keep.";
    },
    encloses: false,
    output: &[("variables", "Names to values; each name is a field of the output as well.")],
    example: "\
- id: settings
  type: variable-set
  config: { variables: { region: eu, tag: \"v{{input.version}}\" } }
- id: use
  type: logger
  depends_on: [settings]
  config: { message: \"{{variables.tag}} goes to {{variables.region}}\" }
",
};

pub(super) static LOOP: Entry = Entry {
    name: "loop",
    aliases: &["batch"],
    about: "Cuts a list into batches.",
    required: &[&["items"]],
    keys: keys! {
        "items" | "data": Kind::Any, "The list; an object counts as a list of `{key, value}`.";
        "batch_size": Kind::Integer, "Items of one batch; 1 when absent.";
        "max_iterations": Kind::Integer, "Most batches.";
        "start_index": Kind::Integer, "The first item; 0 when absent.";
    },
    encloses: false,
    output: &[
        ("batches", "Lists of items."),
        ("total_items", "Items in the list."),
        ("total_batches", "Batches made."),
        ("has_more", "Whether items are left."),
        ("metadata", "`batch_size`, `start_index`, `end_index`, `next_index`."),
    ],
    example: "\
- id: batches
  type: loop
  config: { items: [1, 2, 3], batch_size: 2 }
",
};
