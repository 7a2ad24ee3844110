//! The door: who asks is found out for every request, and every group of routes says what it needs.
//!
//! Owns nothing but the order of these two questions. Roles are decided in `policy`; a command that touches runs is
//! decided in the engine, which alone knows the environments that the run may touch.

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::peer::Peer;
use super::{Api, Failure};
use crate::engine::Caller;
use crate::policy::access::Action;

/// What a route needs of whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// To be somebody. What is answered is about them alone.
    Nothing,
    /// To see the workspace, or to be the user whose process the engine is.
    Status,
    /// To see the workspace.
    View,
    /// To see the workspace here; then the engine asks for an operator, or for a deployer of the environments.
    Command,
    /// To be an admin, or the user whose process the engine is.
    Stop,
}

impl Needs {
    fn check(self, caller: &Caller) -> Result<(), Failure> {
        match self {
            Self::Nothing => Ok(()),
            Self::Status if caller.owns_engine() => Ok(()),
            Self::Status | Self::View | Self::Command => Ok(caller.may(&Action::View)?),
            Self::Stop => Ok(caller.may_stop().map(drop)?),
        }
    }
}

/// Lets a request in, with its caller, or answers 403.
pub async fn admit(
    State((api, needs)): State<(Api, Needs)>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let caller = peer.caller(&api.engine).await?;
    needs.check(&caller)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}
