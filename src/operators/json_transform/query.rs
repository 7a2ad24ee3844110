//! JMESPath, with compiled expressions kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jmespath::Expression;
use serde_json::Value;

use super::failed;
use crate::model::StageError;

/// More than any pipeline has; beyond it the cache starts afresh.
const CAPACITY: usize = 256;

thread_local! {
    // A compiled expression cannot be shared between threads.
    static COMPILED: RefCell<HashMap<String, Rc<Expression<'static>>>> = RefCell::new(HashMap::new());
}

pub(super) fn search(expression: &str, data: &Value) -> Result<Value, StageError> {
    let fault =
        |cause: &dyn std::fmt::Display| failed(format!("the expression `{expression}` failed")).caused_by(first_line(cause));
    let compiled = compile(expression).map_err(|error| fault(&error))?;
    let found = compiled.search(data).map_err(|error| fault(&error))?;
    serde_json::to_value(&*found).map_err(|error| fault(&error))
}

fn compile(expression: &str) -> Result<Rc<Expression<'static>>, jmespath::JmespathError> {
    COMPILED.with_borrow_mut(|cache| {
        if let Some(compiled) = cache.get(expression) {
            return Ok(Rc::clone(compiled));
        }
        if cache.len() >= CAPACITY {
            cache.clear();
        }
        let compiled = Rc::new(jmespath::compile(expression)?);
        cache.insert(expression.to_owned(), Rc::clone(&compiled));
        Ok(compiled)
    })
}

/// The library draws the expression below its message; the message is enough.
fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
