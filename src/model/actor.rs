//! Who did something, and what proves it.

use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize};

/// Where an identity comes from. Never an environment variable or a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The kernel's word for the process at the other end of the Unix socket.
    PeerCredentials,
    /// The engine itself (recovery, timeouts).
    Engine,
}

impl Proof {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::PeerCredentials => "peer_credentials",
            Self::Engine => "engine",
        }
    }

    /// The inverse of `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}

/// A person or program that asked for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Login name, or `uid:1000` when the system does not know one.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uid: Option<u32>,
    pub proof: Proof,
}

impl Actor {
    /// The engine acting on its own.
    pub fn engine() -> Self {
        Self { name: "engine".to_owned(), uid: None, proof: Proof::Engine }
    }
}
