//! What an environment does not let in: everything that is automatic while it is held, and artefacts in quarantine.
//! A fold of its events, so that both outlive a restart until somebody lifts them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Who stopped something, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub by: String,
    pub at: Timestamp,
    pub reason: String,
}

/// The stops of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Nothing automatic deploys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Stop>,
    /// Digests of artefacts that nobody deploys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quarantined: BTreeMap<String, Stop>,
}

impl Standing {
    /// The quarantine that an artefact is in, however its digest is written: the name of an image may stand before it, and hex
    /// has two cases.
    pub fn quarantine_of(&self, artefact: &str) -> Option<&Stop> {
        let wanted = bare(artefact);
        self.quarantined.iter().find(|(digest, _)| bare(digest) == wanted).map(|(_, stop)| stop)
    }
}

/// A digest without the name before it. What is none is left as it is.
fn bare(text: &str) -> Cow<'_, str> {
    let digest = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
    match digest.split_once(':') {
        Some((kind, hex))
            if ["sha256", "sha384", "sha512"].iter().any(|known| kind.eq_ignore_ascii_case(known))
                && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            Cow::Owned(digest.to_ascii_lowercase())
        }
        Some(_) | None => Cow::Borrowed(text),
    }
}

/// The closed list of facts about the stops of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StandingEvent {
    Held(Stop),
    HoldLifted(Stop),
    Quarantined {
        digest: String,
        #[serde(flatten)]
        stop: Stop,
    },
    QuarantineLifted {
        digest: String,
        #[serde(flatten)]
        stop: Stop,
    },
}

impl Standing {
    /// Folds one more event in. The only place where stops change.
    pub fn apply(&mut self, event: &StandingEvent) {
        match event {
            StandingEvent::Held(stop) => self.hold = Some(stop.clone()),
            StandingEvent::HoldLifted(_) => self.hold = None,
            StandingEvent::Quarantined { digest, stop } => {
                self.quarantined.insert(digest.clone(), stop.clone());
            }
            StandingEvent::QuarantineLifted { digest, .. } => {
                self.quarantined.remove(digest);
            }
        }
    }
}
