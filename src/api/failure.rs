//! Errors as clients get them: a status, a code that scripts can rely on, a message for people.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::EngineError;
use crate::policy::access::Refusal;
use crate::store::StoreError;

/// The body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    #[serde(skip)]
    pub status: u16,
    /// `not_found`, `ambiguous`, `invalid_pipeline`, `unsupported`, `invalid_inputs`, `invalid_settings`, `refused`, `forbidden`, `store_full`,
    /// `store`.
    pub code: String,
    pub message: String,
}

impl Failure {
    /// Somebody may not do this, or cannot be told from somebody who may not.
    pub(super) fn forbidden(message: &str) -> Self {
        Self { status: StatusCode::FORBIDDEN.as_u16(), code: "forbidden".to_owned(), message: message.to_owned() }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        EngineError::Forbidden(refusal).into()
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let (status, code) = match &error {
            EngineError::NoRun(_) | EngineError::NoStage { .. } | EngineError::NoGate(_) => (StatusCode::NOT_FOUND, "not_found"),
            EngineError::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous"),
            EngineError::InvalidPipeline(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_pipeline"),
            EngineError::Unsupported(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported"),
            EngineError::InvalidInputs(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_inputs"),
            EngineError::InvalidSettings(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_settings"),
            EngineError::Refused(_) => (StatusCode::CONFLICT, "refused"),
            EngineError::Undecided { code, .. } => (StatusCode::FORBIDDEN, *code),
            EngineError::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            EngineError::Store(StoreError::Full { .. }) => (StatusCode::INSUFFICIENT_STORAGE, "store_full"),
            EngineError::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
        };
        Self { status: status.as_u16(), code: code.to_owned(), message: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        EngineError::Store(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}
