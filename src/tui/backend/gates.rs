//! Gates for the console: the list of those that wait, told again on change, and decisions.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use super::{Engine, Reply};
use crate::client::{Client, ClientError};
use crate::model::{Answer, Decided, GateId, GateStatus, GateView};

/// Sends the gates that wait whenever they may have changed; changes during a request make one more.
pub(super) async fn list(client: Client, changed: Arc<Notify>, replies: mpsc::Sender<Reply>) {
    let mut last = None;
    loop {
        changed.notified().await;
        let Ok(gates) = client.gates(false).await else { continue };
        if last.as_ref() != Some(&gates) {
            last = Some(gates.clone());
            if replies.send(Reply::Gates(gates)).await.is_err() {
                return;
            }
        }
    }
}

pub(super) async fn decide(engine: Engine, gate: GateId, decided: Decided) -> Result<Reply, ClientError> {
    let after = engine.client.decide(gate.as_str(), &decided).await?;
    Ok(Reply::Done { what: said(decided.answer, &after) })
}

/// What a decision came to.
fn said(answer: Answer, after: &GateView) -> String {
    let place = format!("{} of run {}", after.stage, after.run_id);
    match (answer, after.status) {
        (Answer::Approve, GateStatus::Pending) => format!("your approval of {place} is recorded; more people are needed"),
        (Answer::Approve, _) => format!("approved: {place} may start in {}", after.environment),
        (Answer::Reject, _) => format!("rejected: {place} does not start in {}", after.environment),
        (Answer::Withdraw, _) => format!("withdrawn: {place} does not start in {}", after.environment),
    }
}
