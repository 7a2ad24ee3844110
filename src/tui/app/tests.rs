//! Drives the core as a person would: keys in, effects and pictures out, time in hand.

mod driver;
mod drawing;
mod keys;
mod random;
mod scale;
