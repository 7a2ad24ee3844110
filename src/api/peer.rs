//! Who is at the other end of the socket, on the kernel's word.

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use crate::model::{Actor, Proof};

/// The process that connected.
#[derive(Debug, Clone)]
pub struct Peer {
    uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self { uid: stream.io().peer_cred().ok().map(|credentials| credentials.uid()) }
    }
}

impl Peer {
    /// The person or program behind the request.
    pub fn actor(&self) -> Actor {
        let name = match self.uid {
            Some(uid) => login_name(uid).unwrap_or_else(|| format!("uid:{uid}")),
            None => "unknown".to_owned(),
        };
        Actor { name, uid: self.uid, proof: Proof::PeerCredentials }
    }
}

/// The system's name for a user id, from its account file.
fn login_name(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}
