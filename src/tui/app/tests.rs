//! Drives the core as a person would: keys in, effects and pictures out, time in hand.

mod approvals;
mod audit;
mod confirm;
mod crowd;
mod drawing;
pub mod driver;
mod graphs;
mod inspector;
mod keys;
mod messages;
mod places;
mod random;
mod readable;
mod replay;
mod room;
mod runs;
mod scale;
mod standing;
mod start;
mod storm;
mod terminals;
mod triage;
mod waiting;
mod wire;
