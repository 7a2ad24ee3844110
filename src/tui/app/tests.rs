//! Drives the core as a person would: keys in, effects and pictures out, time in hand.

mod drawing;
mod driver;
mod inspector;
mod keys;
mod random;
mod replay;
mod scale;
