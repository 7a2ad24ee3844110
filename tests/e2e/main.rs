//! The binary as people and scripts use it: every test has a workspace and an engine of its own.

mod ai;
mod api;
mod bad_input;
mod cli;
mod console;
mod demo;
mod faults;
mod flow;
mod kill_points;
mod picture;
#[path = "../harness/pty.rs"]
mod pty;
mod runs;
mod secrets;
mod server;
mod settings;
mod support;
#[path = "../harness/svg.rs"]
mod svg;
