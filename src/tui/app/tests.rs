//! Drives the core as a person would: keys in, effects and pictures out, time in hand.

mod drawing;
mod driver;
mod keys;
mod random;
mod scale;
mod replay;
