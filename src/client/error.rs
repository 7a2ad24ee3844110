//! Why the engine did not answer as hoped.

use crate::api::Failure;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the engine cannot be reached at {socket}: {cause}")]
    Unreachable { socket: String, cause: String },
    /// The kernel does not let this user open the socket.
    #[error(
        "the engine's socket {socket} is not open to you: it is for its own user, and for the group that `[engine] group` \
         names (a membership counts from the next login)"
    )]
    Closed { socket: String },
    #[error("{}", .0.message)]
    Refused(Failure),
    #[error("the engine's answer makes no sense: {0}")]
    Nonsense(String),
}

impl ClientError {
    /// The exit code scripts rely on: 2 for what the caller got wrong, 3 for what they may not, 4 for an engine that is not there.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } | Self::Nonsense(_) => 4,
            Self::Closed { .. } => 3,
            Self::Refused(failure) if failure.status == 403 => 3,
            Self::Refused(failure) => match failure.code.as_str() {
                "not_found" | "ambiguous" | "invalid_pipeline" | "unsupported" | "invalid_inputs" | "invalid_settings" => 2,
                "refused" => 3,
                _ => 1,
            },
        }
    }
}
