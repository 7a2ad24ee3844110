//! Bounds on what hostile text may cost. Each is far above what people write.

use serde_json::Value;

/// Nesting of a document, in brackets. Values travel on through JSON readers that stop at 128, inside some layers of our own.
pub const DOCUMENT_DEPTH: usize = 100;

/// Nesting of a value that templates produce.
pub const VALUE_DEPTH: usize = 110;

/// Nesting of an expression: parentheses, displays, calls.
pub const EXPRESSION_DEPTH: usize = 48;

/// Length of one expression in bytes.
pub const EXPRESSION_BYTES: usize = 64 * 1024;

/// Steps one rendering may take: nodes evaluated, items visited, values compared.
pub const STEPS: u64 = 5_000_000;

/// Bytes that one rendering may create, intermediate values included.
pub const BYTES: u64 = 64 * 1024 * 1024;

/// Problems reported for one file; more than that helps nobody.
pub const PROBLEMS: usize = 500;

/// Values that the aliases of a YAML document may add to it.
pub const YAML_NODES: usize = 500_000;

/// Text bytes that the aliases of a YAML document may add to it.
pub const YAML_BYTES: usize = 64 * 1024 * 1024;

/// Schemas inside schemas. The checker recurses with large frames, and threads may have stacks of 2 MiB.
pub const SCHEMA_DEPTH: usize = 20;

/// Nesting of a value that is checked against a schema with references, which may lead the checker round and round.
pub const REFERRED_DEPTH: usize = 24;

/// True when `value` is nested deeper than `limit`; looks no deeper than that.
pub fn deeper_than(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit == 0 || items.iter().any(|item| deeper_than(item, limit - 1)),
        Value::Object(map) => limit == 0 || map.values().any(|item| deeper_than(item, limit - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
