//! Who is at the other end of the socket: on the kernel's word which user, on the system's word who that is now.

use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use super::Failure;
use crate::accounts;
use crate::engine::{Caller, Engine};
use crate::model::{Person, Proof};

/// A directory server that has not answered by then does not let anybody in.
const PATIENCE: Duration = Duration::from_secs(5);

/// The process that connected, as the kernel recorded it at that moment.
#[derive(Debug, Clone)]
pub struct Peer {
    uid: Option<u32>,
    pub pid: Option<i32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let credentials = stream.io().peer_cred().ok();
        Self { uid: credentials.map(|credentials| credentials.uid()), pid: credentials.and_then(|credentials| credentials.pid()) }
    }
}

impl Peer {
    /// The person or program behind one request, measured by the policy of this moment. Never kept for the next one.
    pub async fn caller(&self, engine: &Engine) -> Result<Caller, Failure> {
        let uid = self.uid.ok_or_else(|| Failure::forbidden("the system does not tell who is at the other end of the socket"))?;
        let (person, in_force) = tokio::join!(look_up(uid), engine.policy());
        let mut person = person?;
        person.service = in_force.policy.service_accounts.contains(&person.name);
        Ok(Caller { person, proof: Proof::PeerCredentials, in_force, engine_uid: engine.shared.paths.uid() })
    }
}

async fn look_up(uid: u32) -> Result<Person, Failure> {
    let asked = tokio::task::spawn_blocking(move || accounts::person(uid));
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(Ok(person))) => Ok(person),
        Ok(Ok(Err(error))) => Err(Failure::forbidden(&error.to_string())),
        Ok(Err(error)) => Err(Failure::forbidden(&error.to_string())),
        Err(_) => Err(Failure::forbidden("the system's account database does not answer")),
    }
}
