//! Routes of environments: what is live there, going back, holds and promotions. Unpack, call the engine, pack.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::Api;
use super::routes::Answer;
use crate::engine::Caller;
use crate::model::{Created, Deployments, PromoteRequest, RollbackPlan, RollbackRequest, StandingRequest};

pub async fn list(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Answer<Deployments> {
    Ok(Json(api.engine.deployments(&caller).await?))
}

/// Where a rollback would go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanQuery {
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub to: Option<String>,
}

pub async fn rollback_plan(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Query(query): Query<PlanQuery>,
) -> Answer<RollbackPlan> {
    Ok(Json(api.engine.rollback_plan(&name, query.service.as_deref(), query.to.as_deref(), &caller).await?))
}

pub async fn roll_back(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(request): Json<RollbackRequest>,
) -> Answer<Created> {
    Ok(Json(Created { id: api.engine.roll_back(&name, request, &caller).await? }))
}

pub async fn promote(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(request): Json<PromoteRequest>,
) -> Answer<Created> {
    Ok(Json(Created { id: api.engine.promote(&name, request, &caller).await? }))
}

pub async fn change_standing(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(request): Json<StandingRequest>,
) -> Answer<Deployments> {
    Ok(Json(api.engine.change_standing(&name, request, &caller).await?))
}
