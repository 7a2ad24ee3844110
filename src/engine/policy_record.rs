//! The policy in force, put on record before anything is decided under it.
//!
//! Owns what was recorded last. A change that cannot be recorded is told like a broken file: what needs a policy that is
//! surely current does not start.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Mutex;

use super::clock;
use super::in_force::InForce;
use super::shared::Shared;
use crate::model::audit::action;
use crate::model::{Actor, NewRecord, Policy};
use crate::store::{Batch, Expected, NewFact, StoreError};

/// Where the hashes of policies are, one after the other.
const STREAM: &str = "policy";

/// What was recorded last, once that is known: its hash, and how many changes there were.
#[derive(Debug, Default)]
pub struct Recorded(Mutex<Option<(Option<String>, u64)>>);

impl Shared {
    /// The policy as the workspace file says now, or the last good one; on record when it is another than before.
    pub(super) async fn policy_in_force(&self) -> Arc<InForce> {
        let in_force = self.policy.current().await;
        match self.put_on_record(&in_force).await {
            Ok(()) => in_force,
            Err(error) => {
                let why = format!("the change of the policy could not be put on record: {error}");
                tracing::error!("{why}");
                Arc::new(InForce { broken: Some(why), ..InForce::clone(&in_force) })
            }
        }
    }

    async fn put_on_record(&self, in_force: &InForce) -> Result<(), StoreError> {
        let mut last = self.recorded.0.lock().await;
        if last.is_none() {
            let facts = self.store.stream(STREAM).await?;
            let hash = facts.last().and_then(|fact| fact.body["hash"].as_str()).map(str::to_owned);
            *last = Some((hash, facts.len() as u64));
        }
        let Some((hash, length)) = last.as_mut() else { return Ok(()) };
        // A workspace that never had a policy does not begin with a record of none.
        let never = hash.is_none() && in_force.policy == Policy::default();
        if never || hash.as_deref() == Some(in_force.hash.as_str()) {
            return Ok(());
        }
        let at = clock::now();
        let body = json!({"old": hash, "new": in_force.hash, "policy": in_force.policy});
        let record = NewRecord {
            at,
            actor: Actor::engine(),
            action: action::POLICY_CHANGED.to_owned(),
            subject: "policy".to_owned(),
            body,
        };
        let fact = NewFact { stream: STREAM.to_owned(), at, body: json!({"hash": in_force.hash}) };
        let expected = vec![Expected { stream: STREAM.to_owned(), length: *length }];
        self.store.record(Batch { facts: vec![fact], audit: vec![record], expected, ..Batch::default() }).await?;
        (*hash, *length) = (Some(in_force.hash.clone()), *length + 1);
        Ok(())
    }
}
