//! The binary as people and scripts use it: every test has a workspace and an engine of its own.

mod ai;
mod api;
mod bad_input;
mod faults;
mod runs;
mod support;
