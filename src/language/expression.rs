//! Expressions: a safe subset of Python over JSON values, bounded in steps, size and depth.
//!
//! Parsing needs the known stage ids (they contain hyphens), so it happens with a scope in hand; an [`Expression`] that is
//! evaluated many times can be kept. Errors speak of types and names, never of values: a value may be a secret.

mod ast;
mod budget;
mod compare;
mod error;
mod evaluate;
mod functions;
mod lexer;
mod methods;
mod number;
mod parser;
mod places;
mod python;
mod reference;

use std::borrow::Cow;

use serde_json::Value;

use super::scope::Scope;
use super::template;

pub use ast::Reference;
pub(super) use budget::Budget;
pub use error::{EvalError, EvalErrorKind};
pub(super) use evaluate::{Evaluator, ROOTS};
pub use parser::parse;
pub use python::truthy;

/// A parsed expression. It stays valid for every scope that knows the same stages.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(super) root: ast::Expr,
}

impl Expression {
    /// Evaluates with fresh limits.
    ///
    /// # Errors
    /// A missing stage, environment value or secret; wrong types; a limit. In strict mode also a missing field.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let mut budget = Budget::default();
        Evaluator::new(scope, &mut budget).run(&self.root).map(Cow::into_owned)
    }

    /// Every stage, environment value and secret that the expression names.
    pub fn references(&self) -> Vec<Reference> {
        self.root.references()
    }
}

/// Parses and evaluates `source`.
///
/// # Errors
/// Whatever does not parse, and everything [`Expression::evaluate`] refuses.
pub fn evaluate(source: &str, scope: &dyn Scope) -> Result<Value, EvalError> {
    compile(source, scope)?.evaluate(scope)
}

/// Parses `source` for a scope that knows the stages of its pipeline.
///
/// # Errors
/// Text that is no expression, with the place in it.
pub fn compile(source: &str, scope: &dyn Scope) -> Result<Expression, EvalError> {
    parse(source, &|text| scope.longest_stage_id(text).map(str::len))
}

/// Parses a `condition` or `when` text: a template outside quotes binds its typed value, one inside quotes splices text.
///
/// # Errors
/// Text that is no expression, with the place in it.
pub fn compile_condition(source: &str, scope: &dyn Scope) -> Result<Expression, EvalError> {
    parse_condition(source, &|text| scope.longest_stage_id(text).map(str::len))
}

/// As [`compile_condition`], with the stage ids given by a function from text to the length of the id it starts with.
///
/// # Errors
/// Text that is no expression, with the place in it.
pub fn parse_condition(source: &str, ids: &parser::Ids<'_>) -> Result<Expression, EvalError> {
    parser::check_length(source)?;
    parser::parse_spliced(&template::unwrap_outside_quotes(source), ids)
}

/// Evaluates what a pipeline gives as `condition` or `when`, and says whether it holds.
///
/// Text follows the condition rule; where it is one template that yields text, that text is the expression. Anything else
/// is rendered and asked for its truth. An empty text is false.
///
/// # Errors
/// As [`evaluate`].
pub fn condition(condition: &Value, scope: &dyn Scope) -> Result<(Value, bool), EvalError> {
    let Value::String(source) = condition else {
        let value = template::render(condition, scope)?;
        let holds = truthy(&value);
        return Ok((value, holds));
    };
    let source = source.trim();
    let value = match template::sole(source) {
        Some(inner) => match evaluate(inner, scope)? {
            Value::String(text) if !text.trim().is_empty() => {
                evaluate(text.trim(), scope).map_err(|error| of_given_text(text.trim(), error))?
            }
            value => value,
        },
        None if source.is_empty() => Value::Bool(false),
        None => compile_condition(source, scope)?.evaluate(scope)?,
    };
    let holds = truthy(&value);
    Ok((value, holds))
}

/// A text that a template gave and that is no expression is quoted up to this length.
const LONGEST_QUOTE: usize = 200;

/// An error in a text that a template gave. It may be a secret, so the message has all of it, which can be hidden as a
/// whole, or nothing, but no part of it.
fn of_given_text(text: &str, error: EvalError) -> EvalError {
    let message = if text.len() <= LONGEST_QUOTE {
        format!("the template gives `{text}`, which cannot be evaluated")
    } else {
        format!("the template gives a text of {} bytes, which cannot be evaluated", text.len())
    };
    EvalError { message, offset: None, ..error }
}

/// True when the whole expression is a call of `raw(…)`: its value goes into a script without quoting.
pub fn is_raw(source: &str) -> bool {
    matches!(parse(source, &|_| None), Ok(Expression { root: ast::Expr::Call { function, .. } }) if function == "raw")
}
