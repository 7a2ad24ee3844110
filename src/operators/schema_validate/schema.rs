//! Compiled schemas, kept by their text.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;

use crate::language::json_schema::{Compiled, Mismatch};
use crate::model::StageError;
use crate::operators::fields::wrong;

/// More than any pipeline has; beyond it the cache starts afresh.
const CAPACITY: usize = 256;

static COMPILED: LazyLock<Mutex<HashMap<String, Compiled>>> = LazyLock::new(Mutex::default);

/// Every place where the data does not fit; empty when it is valid.
pub(super) fn check(schema: &Value, data: &Value) -> Result<Vec<Mismatch>, StageError> {
    Ok(compiled(schema)?.check(data))
}

fn compiled(schema: &Value) -> Result<Compiled, StageError> {
    let key = schema.to_string();
    let kept = COMPILED.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some(compiled) = kept {
        return Ok(compiled);
    }
    let compiled = Compiled::new(schema).map_err(|reason| wrong("`schema` is not a usable JSON Schema").caused_by(reason))?;
    let mut cache = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= CAPACITY {
        cache.clear();
    }
    cache.insert(key, compiled.clone());
    Ok(compiled)
}
