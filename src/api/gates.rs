//! Routes of gates: unpack, call the engine, pack.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::{Api, Failure};
use crate::engine::Caller;
use crate::model::{BreakRequest, Decided, Deployments, GateView, ReviewRequest};

type Answer<T> = Result<Json<T>, Failure>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ListQuery {
    /// Also those that are over.
    #[serde(default)]
    pub all: bool,
}

pub async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ListQuery>,
) -> Answer<Vec<GateView>> {
    Ok(Json(api.engine.gates(query.all, &caller).await?))
}

pub async fn show(State(api): State<Api>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Answer<GateView> {
    Ok(Json(api.engine.gate(&id, &caller).await?))
}

pub async fn decide(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(decided): Json<Decided>,
) -> Answer<GateView> {
    Ok(Json(api.engine.decide(&id, decided, &caller).await?))
}

pub async fn break_glass(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(request): Json<BreakRequest>,
) -> Answer<GateView> {
    Ok(Json(api.engine.break_glass(&id, request, &caller).await?))
}

pub async fn review(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(request): Json<ReviewRequest>,
) -> Answer<Deployments> {
    Ok(Json(api.engine.review_glass(&id, request, &caller).await?))
}
