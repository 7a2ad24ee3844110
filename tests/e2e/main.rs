//! The binary as people and scripts use it: every test has a workspace and an engine of its own.

mod again;
mod ai;
mod api;
mod bad_files;
mod bad_input;
mod bad_running;
mod bad_servers;
mod cli;
mod console;
mod contract;
mod demo;
mod faults;
mod flow;
mod kill_points;
mod picture;
mod pipeline_tests;
#[path = "../harness/pty.rs"]
mod pty;
mod rogue;
mod rules;
mod runs;
mod seeds;
mod subpipelines;
mod support;
#[path = "../harness/svg.rs"]
mod svg;
