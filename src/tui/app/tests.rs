//! Drives the core as a person would: keys in, effects and pictures out, time in hand.

mod drawing;
pub mod driver;
mod graphs;
mod inspector;
mod keys;
mod places;
mod random;
mod readable;
mod replay;
mod scale;
mod storm;
mod terminals;
mod wire;
