//! The typed client of an engine over its Unix socket.
//!
//! Owns connecting, starting an engine on demand, and a stream that reconnects by itself. Holds no truth about runs.

mod error;
mod http;
pub mod start;
mod stream;

pub use error::ClientError;
pub use http::Client;
pub use stream::{Frames, Revive, Subscription, Update};
