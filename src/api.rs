//! The HTTP API over the engine, on a Unix socket.
//!
//! Owns routes and what each needs, the peer's identity, the event stream and the mapping of errors to statuses. Decides nothing: every
//! command goes through `engine::handle`, whoever sends it.

mod access;
mod audit;
mod environments;
mod events;
mod failure;
mod gates;
mod peer;
mod routes;
mod slim;
mod whoami;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use access::Needs;
pub use failure::Failure;

/// Largest request: a pipeline document with its inputs.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// What every route sees.
#[derive(Clone)]
pub struct Api {
    pub engine: Engine,
    /// Cancelled to stop the engine.
    pub stop: CancellationToken,
}

/// All routes, each in the group of what it needs.
pub fn router(api: Api) -> Router {
    let door = |needs: Needs| middleware::from_fn_with_state((api.clone(), needs), access::admit);
    let own = Router::new().route("/v1/whoami", get(whoami::whoami)).route_layer(door(Needs::Nothing));
    let health = Router::new()
        .route("/v1/engine", get(routes::status))
        .route("/v1/doctor", get(routes::doctor))
        .route_layer(door(Needs::Status));
    let views = Router::new()
        .route("/v1/gates", get(gates::list))
        .route("/v1/gates/{id}", get(gates::show))
        .route("/v1/environments", get(environments::list))
        .route("/v1/environments/{name}/rollback", get(environments::rollback_plan))
        .route("/v1/audit", get(audit::list))
        .route("/v1/audit/verify", post(audit::verify))
        .route("/v1/events", get(events::stream))
        .route("/v1/runs", get(routes::list))
        .route("/v1/runs/{id}", get(routes::show))
        .route("/v1/runs/{id}/stages/{stage}", get(routes::stage))
        .route("/v1/runs/{id}/document", get(routes::document))
        .route("/v1/runs/{id}/events", get(routes::events))
        .route("/v1/runs/{id}/log", get(routes::log))
        .route("/v1/runs/{id}/lines", post(routes::lines))
        .route("/v1/runs/{id}/scan", post(events::scan))
        .route_layer(door(Needs::View));
    let commands = Router::new()
        .route("/v1/runs", post(routes::create))
        .route("/v1/runs/{id}/cancel", post(routes::cancel))
        .route("/v1/runs/{id}/rerun", post(routes::rerun))
        .route("/v1/runs/{id}/resolve", post(routes::resolve))
        .route("/v1/runs/{id}/values", post(routes::provide))
        .route("/v1/gates/{id}/decide", post(gates::decide))
        .route("/v1/gates/{id}/break", post(gates::break_glass))
        .route("/v1/gates/{id}/review", post(gates::review))
        .route("/v1/environments/{name}/rollback", post(environments::roll_back))
        .route("/v1/environments/{name}/promote", post(environments::promote))
        .route("/v1/environments/{name}/standing", post(environments::change_standing))
        .route_layer(door(Needs::Command));
    let control = Router::new()
        .route("/v1/engine/stop", post(routes::stop))
        .route("/v1/audit/checkpoint", post(audit::checkpoint))
        .route_layer(door(Needs::Stop));
    own.merge(health)
        .merge(views)
        .merge(commands)
        .merge(control)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(api.clone(), count))
        .with_state(api)
}

/// Serves until `stop` is cancelled; open streams are cut then.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: UnixListener, api: Api) -> std::io::Result<()> {
    let stop = api.stop.clone();
    let app = router(api).into_make_service_with_connect_info::<peer::Peer>();
    axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await }).await
}

/// Keeps the engine awake while a request is open.
async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let _visit = api.engine.shared.activity.enter();
    next.run(request).await
}
