//! The binary as people and scripts use it: every test has a workspace and an engine of its own.

mod access;
mod again;
mod ai;
mod api;
mod approvals;
mod audit;
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
mod gates;
mod kill_points;
mod look;
#[path = "../harness/modes.rs"]
mod modes;
mod people;
mod picture;
mod pipeline_tests;
mod programs;
#[path = "../harness/pty.rs"]
mod pty;
mod releases;
mod restore;
mod rogue;
mod rollout;
mod rules;
mod runs;
mod secrets;
mod seeds;
mod server;
mod settings;
mod ssh;
mod subpipelines;
mod support;
#[path = "../harness/svg.rs"]
mod svg;
mod tell;
mod tmux;
mod undoing;
