//! Pure decisions about who may do what and when: access, gates, freezes, locks, releases, rollbacks.
//!
//! Everything that a decision depends on is an argument (time, people as they are looked up now, the environment as it is
//! configured now); what follows from it is returned as events of `model`. Must not know a clock, storage or a runtime.

pub mod access;
pub mod analysis;
pub mod blocker;
pub mod break_glass;
pub mod freeze;
pub mod gate;
pub mod lock;
pub mod promotion;
pub mod quorum;
pub mod release;
pub mod rollback;
pub mod standing;
pub mod start;
pub mod subject;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod scene;
