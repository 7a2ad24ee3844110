//! Tells people that a gate waits for them, over every `[notify]` target of the workspace.
//!
//! Owns when and how often that is tried: in the background, each target once, a bounded number at a time. What cannot be sent
//! is logged; nothing ever waits for it, and no decision depends on it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::gates::Asked;
use super::shared::Shared;
use crate::model::{GateEvent, GateFact, Opening};
use crate::operators::{News, Settings, Severity, deliver};

/// How long one target may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Messages under way, over all runs; more are dropped, and logged.
const MOST: usize = 32;
/// Of a digest, enough to approve with.
const PREFIX: usize = 12;

static PLACES: Semaphore = Semaphore::const_new(MOST);

impl Shared {
    /// Tells of gates that have been opened or renewed, once that is durable.
    pub(super) fn tell_people(self: &Arc<Self>, events: &[GateEvent], asked: &Asked) {
        for event in events {
            let (opening, again) = match &event.fact {
                GateFact::Opened { opening, .. } => (opening, None),
                GateFact::Renewed { opening, reason, .. } => (opening, Some(reason.as_str())),
                GateFact::Decided { .. }
                | GateFact::Refused { .. }
                | GateFact::Approved
                | GateFact::Rejected { .. }
                | GateFact::Expired
                | GateFact::Withdrawn { .. }
                | GateFact::Superseded { .. }
                | GateFact::Started { .. } => continue,
            };
            let news = news(event, opening, again, asked);
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                // A file that is not valid at the moment does not keep people in the dark.
                let settings = match shared.outside.current().await {
                    Ok(settings) => settings,
                    Err(_) => shared.outside.known().await,
                };
                tell(&settings, &news).await;
            });
        }
    }
}

async fn tell(settings: &Settings, news: &News) {
    let sendings = settings.notify.iter().map(|(name, target)| async move {
        let Ok(_place) = PLACES.try_acquire() else {
            tracing::warn!(channel = %name, "too many messages are under way: nobody was told about a gate");
            return;
        };
        if let Err(error) = deliver(target, news, &settings.http, TIMEOUT).await {
            tracing::warn!(channel = %name, %error, "people could not be told about a gate");
        }
    });
    futures_util::future::join_all(sendings).await;
}

fn news(event: &GateEvent, opening: &Opening, again: Option<&str>, asked: &Asked) -> News {
    let (subject, id) = (&opening.subject, &event.gate);
    let digest: String = opening.digest.chars().take(PREFIX).collect();
    let who = &asked.requested_by;
    let what =
        if asked.target.own { format!("stage {} of run {}", asked.stage, asked.run) } else { format!("run {}", asked.run) };
    let again = again.map(|reason| format!(" The question stands anew: {reason}.")).unwrap_or_default();
    let command = format!("flowdeck gates approve {id} --digest {digest} --reason TEXT");
    News {
        title: Some(format!("{} waits for approval", subject.environment)),
        message: format!("{what}, started by {who}, waits at its gate to {}.{again}\n{command}", subject.environment),
        severity: Severity::Info,
        run: asked.run.to_string(),
        stage: asked.stage.to_string(),
        pipeline: None,
        at: event.at,
        payload: serde_json::json!({
            "gate": id, "environment": subject.environment, "service": subject.service, "run_id": asked.run,
            "stage": asked.stage, "digest": digest, "requested_by": who, "expires_at": opening.expires_at, "command": command,
        }),
    }
}
