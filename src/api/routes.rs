//! One function per route: unpack, call the engine, pack.

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::{Api, Failure, slim};
use crate::engine::Caller;
use crate::model::{
    Created, Document, EngineStatus, Event, LogQuery, LogWindow, NewRun, Rerun, Resolution, Run, RunStatus, RunSummary, Stage,
    StageId, Values, ViewQuery, ViewWindow,
};
use crate::store::{Family, RunFilter};

pub(super) type Answer<T> = Result<Json<T>, Failure>;

pub async fn status(State(api): State<Api>) -> Json<EngineStatus> {
    Json(api.engine.status().await)
}

pub async fn stop(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Json<EngineStatus> {
    let status = api.engine.status().await;
    api.engine.stopping(caller.actor(), "asked to");
    api.stop.cancel();
    Json(status)
}

/// What is wrong with the store and with what protects it; an empty list is good.
pub async fn doctor(State(api): State<Api>) -> Answer<Vec<String>> {
    let mut problems = api.engine.shared.store.check().await?;
    problems.extend(api.engine.shared.checkpoints.trouble());
    Ok(Json(problems))
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    pub limit: Option<u32>,
    #[serde(default)]
    pub status: Option<RunStatus>,
    #[serde(default)]
    pub pipeline: Option<String>,
    /// Only runs that the stages of this run started; else only runs that no stage started.
    #[serde(default)]
    pub of: Option<String>,
}

pub async fn list(State(api): State<Api>, Query(query): Query<ListQuery>) -> Answer<Vec<RunSummary>> {
    let limit = query.limit.unwrap_or(100);
    let family = match &query.of {
        Some(text) => Family::ChildrenOf(api.engine.find(text).await?),
        // Who asks for a state wants to find whatever is in it.
        None if query.status.is_some() => Family::All,
        None => Family::Started,
    };
    let filter = RunFilter { limit, status: query.status, pipeline: query.pipeline, family, ..RunFilter::default() };
    Ok(Json(api.engine.shared.store.runs(filter).await?))
}

pub async fn create(State(api): State<Api>, Extension(caller): Extension<Caller>, Json(new): Json<NewRun>) -> Answer<Created> {
    Ok(Json(Created { id: api.engine.create(new, &caller).await? }))
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ShowQuery {
    /// Leave large values out.
    #[serde(default)]
    pub slim: bool,
}

pub async fn show(State(api): State<Api>, Path(id): Path<String>, Query(query): Query<ShowQuery>) -> Answer<Run> {
    let run = api.engine.run(&id).await?;
    Ok(Json(if query.slim { slim::run(run) } else { run }))
}

pub async fn stage(State(api): State<Api>, Path((id, stage)): Path<(String, String)>) -> Answer<Stage> {
    let mut run = api.engine.run(&id).await?;
    let missing = crate::engine::EngineError::NoStage { run: run.id.clone(), stage: StageId::new(&stage) };
    Ok(Json(run.stages.swap_remove(stage.as_str()).ok_or(missing)?))
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cancel {
    #[serde(default)]
    pub force: bool,
    #[serde(default)]
    pub reason: Option<String>,
}

pub async fn cancel(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(cancel): Json<Cancel>,
) -> Answer<Created> {
    Ok(Json(Created { id: api.engine.cancel(&id, cancel.force, cancel.reason, &caller).await? }))
}

pub async fn rerun(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(rerun): Json<Rerun>,
) -> Answer<Created> {
    Ok(Json(Created { id: api.engine.rerun(&id, rerun, &caller).await? }))
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resolve {
    pub stage: StageId,
    pub resolution: Resolution,
}

pub async fn resolve(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(answer): Json<Resolve>,
) -> Answer<Created> {
    let id = api.engine.resolve(&id, &answer.stage, answer.resolution, &caller).await?;
    Ok(Json(Created { id }))
}

pub async fn provide(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(values): Json<Values>,
) -> Answer<Created> {
    Ok(Json(Created { id: api.engine.provide(&id, values, &caller).await? }))
}

pub async fn log(State(api): State<Api>, Path(id): Path<String>, Query(query): Query<LogQuery>) -> Answer<LogWindow> {
    Ok(Json(api.engine.log(&id, query).await?))
}

pub async fn lines(State(api): State<Api>, Path(id): Path<String>, Json(query): Json<ViewQuery>) -> Answer<ViewWindow> {
    Ok(Json(api.engine.lines(&id, query).await?))
}

/// The document pinned for a run.
pub async fn document(State(api): State<Api>, Path(id): Path<String>) -> Answer<Document> {
    Ok(Json(api.engine.document(&id).await?))
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EventsQuery {
    /// After this sequence number; from the beginning without it.
    #[serde(default)]
    pub after: u64,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A page of a run's events, oldest first; large values are left out.
pub async fn events(State(api): State<Api>, Path(id): Path<String>, Query(query): Query<EventsQuery>) -> Answer<Vec<Event>> {
    let events = api.engine.events(&id, query.after, query.limit.unwrap_or(1_000)).await?;
    Ok(Json(events.into_iter().map(slim::event).collect()))
}
