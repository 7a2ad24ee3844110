//! The binary as people and scripts use it: every test has a workspace and an engine of its own.

mod ai;
mod api;
mod bad_input;
mod cli;
mod console;
mod demo;
mod faults;
mod flow;
mod picture;
#[path = "../harness/pty.rs"]
mod pty;
mod rules;
mod runs;
mod support;
#[path = "../harness/svg.rs"]
mod svg;
