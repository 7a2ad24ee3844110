//! Why an expression has no value.

use crate::model::{ErrorKind, StageError};

/// What kind of mistake it is; a missing environment value is the operator's to mend, the rest the author's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvalErrorKind {
    /// The text is no expression.
    Syntax,
    /// A name that means nothing here.
    UnknownName,
    /// A stage the pipeline does not have.
    MissingStage,
    /// An environment value or a secret that is not there; the message names it.
    MissingEnvironment,
    /// A field that is not there, in strict mode.
    MissingField,
    /// Values of the wrong type, out of range, not convertible.
    Value,
    /// Too many steps, too large, too deep.
    Limit,
}

/// A lower-case fragment, the kind, and where in the expression's own text it went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub kind: EvalErrorKind,
    pub message: String,
    /// Byte offset in the expression.
    pub offset: Option<usize>,
    /// The environment value or secret that is missing.
    pub missing: Option<String>,
}

impl EvalError {
    pub fn new(kind: EvalErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), offset: None, missing: None }
    }

    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::new(EvalErrorKind::Value, message)
    }

    pub(super) fn syntax(offset: usize, message: impl Into<String>) -> Self {
        Self::new(EvalErrorKind::Syntax, message).at(offset)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(EvalErrorKind::Limit, message)
    }

    /// Sets the place unless an inner place is known already.
    #[must_use]
    pub(super) fn at(mut self, offset: usize) -> Self {
        self.offset = self.offset.or(Some(offset));
        self
    }

    /// Moves the place, for an expression that is part of a longer text.
    #[must_use]
    pub(in crate::language) fn moved(mut self, by: usize) -> Self {
        self.offset = self.offset.map(|at| at + by);
        self
    }
}

impl From<EvalError> for StageError {
    fn from(error: EvalError) -> Self {
        let kind = match error.kind {
            EvalErrorKind::MissingEnvironment => ErrorKind::Configuration,
            EvalErrorKind::Syntax
            | EvalErrorKind::UnknownName
            | EvalErrorKind::MissingStage
            | EvalErrorKind::MissingField
            | EvalErrorKind::Value
            | EvalErrorKind::Limit => ErrorKind::Expression,
        };
        StageError::new(kind, error.message)
    }
}
