//! What an evaluation may cost.

use serde_json::Value;

use super::EvalError;
use crate::language::limits::{BYTES, STEPS};

/// What an evaluation may still spend, and the number of `uuid()` calls so far.
#[derive(Debug)]
pub struct Budget {
    steps: u64,
    bytes: u64,
    pub uuids: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: STEPS, bytes: BYTES, uuids: 0 }
    }
}

impl Budget {
    pub fn step(&mut self, count: u64) -> Result<(), EvalError> {
        self.steps = self.steps.checked_sub(count).ok_or_else(|| EvalError::limit("the expression takes too many steps"))?;
        Ok(())
    }

    /// Accounts for `count` bytes before they are made.
    pub fn grow(&mut self, count: usize) -> Result<(), EvalError> {
        let left = self.bytes.checked_sub(count as u64);
        self.bytes = left.ok_or_else(|| EvalError::limit("the expression makes too much data"))?;
        Ok(())
    }

    /// Accounts for a copy of `value`.
    pub fn copy(&mut self, value: &Value) -> Result<(), EvalError> {
        self.step(1)?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.grow(8),
            Value::String(text) => self.grow(24 + text.len()),
            Value::Array(items) => {
                self.grow(24 + 32 * items.len())?;
                items.iter().try_for_each(|item| self.copy(item))
            }
            Value::Object(map) => {
                self.grow(48 + 96 * map.len())?;
                map.iter().try_for_each(|(key, item)| self.grow(key.len()).and_then(|()| self.copy(item)))
            }
        }
    }
}
