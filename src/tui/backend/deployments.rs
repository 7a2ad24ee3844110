//! Deployments for the console: what is live where, told again on change; rollbacks, promotions, holds and quarantines.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use super::{Aim, Engine, Promote, Reply, RollBack};
use crate::client::{Client, ClientError};
use crate::model::{PromoteRequest, RollbackRequest, RunId, StandingChange, StandingRequest, Values};

/// Sends what is live where whenever it may have changed; changes during a request make one more.
pub(super) async fn list(client: Client, changed: Arc<Notify>, replies: mpsc::Sender<Reply>) {
    let mut last = None;
    loop {
        changed.notified().await;
        let Ok(deployments) = client.deployments().await else { continue };
        if last.as_ref() != Some(&deployments) {
            last = Some(deployments.clone());
            if replies.send(Reply::Deployments(deployments)).await.is_err() {
                return;
            }
        }
    }
}

pub(super) async fn plan(engine: &Engine, aim: Aim) -> Reply {
    let plan = engine.client.rollback_plan(&aim.environment, Some(&aim.service), Some(&aim.version)).await;
    Reply::Plan { plan: plan.map(Box::new).map_err(|error| error.to_string()), aim }
}

pub(super) async fn roll_back(engine: Engine, order: RollBack) -> Result<Reply, ClientError> {
    let values = values(&engine, &order.as_in, Some(order.values)).await;
    let request = RollbackRequest { values, ..order.request };
    Ok(Reply::RunCreated(engine.client.roll_back(&order.environment, &request).await?))
}

pub(super) async fn promote(engine: Engine, order: Promote) -> Result<Reply, ClientError> {
    let values = values(&engine, &order.as_in, None).await;
    let request = PromoteRequest { values, ..order.request };
    Ok(Reply::RunCreated(engine.client.promote(&order.to, &request).await?))
}

/// What has these names, else what that run read, as this user has it now. The engine finds what is missing where it can.
async fn values(engine: &Engine, as_in: &RunId, names: Option<Vec<String>>) -> Values {
    let Ok(mut run) = engine.client.run(as_in.as_str()).await else { return Values::default() };
    run.environment_names = names.unwrap_or(run.environment_names);
    (engine.values)(&run)
}

pub(super) async fn change_standing(
    engine: Engine,
    environment: String,
    request: StandingRequest,
    changed: Arc<Notify>,
) -> Result<Reply, ClientError> {
    engine.client.change_standing(&environment, &request).await?;
    changed.notify_one();
    Ok(Reply::Done { what: said(&request.change, &environment) })
}

/// What a change came to.
fn said(change: &StandingChange, environment: &str) -> String {
    match change {
        StandingChange::Hold => format!("held: nothing automatic deploys to {environment}"),
        StandingChange::LiftHold => format!("the hold on {environment} is lifted"),
        StandingChange::Quarantine { digest } => format!("{digest} is in quarantine in {environment}"),
        StandingChange::LiftQuarantine { digest } => format!("the quarantine of {digest} in {environment} is lifted"),
    }
}
