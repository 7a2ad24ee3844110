//! The audit chain over HTTP: read, prove, sign for.

use axum::Json;
use axum::extract::{Query, State};

use super::Api;
use super::routes::Answer;
use crate::model::{AuditQuery, AuditRecord, AuditVerdict, Sealed, VerifyRequest};

pub async fn list(State(api): State<Api>, Query(query): Query<AuditQuery>) -> Answer<Vec<AuditRecord>> {
    Ok(Json(api.engine.shared.store.audit(query).await?))
}

/// A chain that is broken is an answer, not a failure.
pub async fn verify(State(api): State<Api>, Json(request): Json<VerifyRequest>) -> Answer<AuditVerdict> {
    Ok(Json(api.engine.verify_audit(&request).await?))
}

pub async fn checkpoint(State(api): State<Api>) -> Answer<Sealed> {
    Ok(Json(api.engine.checkpoint().await?))
}
