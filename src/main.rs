//! Process entry: decides whether this process is a runner, a rollout, an engine, the demo's service, or a client.

#[path = "main/audit.rs"]
mod audit;
#[path = "main/console.rs"]
mod console;
#[path = "main/demo.rs"]
mod demo;
#[path = "main/fault.rs"]
mod fault;
#[path = "main/look.rs"]
mod look;
#[path = "main/memory.rs"]
mod memory;
#[path = "main/serve.rs"]
mod serve;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use flowdeck::cli::{self, Cli, Handoff};
use flowdeck::{operators, runner};

fn main() -> ExitCode {
    if std::env::args_os().skip(1).eq(operators::ROLLOUT_WORKER) {
        return operators::roll_out();
    }
    // A runner starts with every run: it needs neither the command line's machinery nor an async runtime.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "runner")
        && arguments.next().is_some_and(|second| second == "--dir")
        && let Some(dir) = arguments.next()
    {
        return runner::main(Path::new(&dir));
    }
    if std::env::args_os().any(|argument| argument == cli::DETACHED) {
        // An engine outlives whoever started it, and must not keep that one's pipes and locks.
        if let Err(error) = flowdeck::process::inherited::close_all() {
            return code_of(cli::complain(cli::exit::FAILED, &error));
        }
    }
    let cli = Cli::parse();
    let handoff = match small_runtime() {
        Ok(runtime) => runtime.block_on(cli::main(cli, operators::runs)),
        Err(error) => cli::complain(cli::exit::FAILED, &error),
    };
    let outcome = match handoff {
        Handoff::Exit(code) => return cli::code(code),
        Handoff::Runner(dir) => return runner::main(&dir),
        Handoff::Engine { context, options } => serve::main(&context, &options),
        Handoff::Console { context, run, replay } => {
            let start = console::start(run, replay);
            small_runtime().map_err(Into::into).and_then(|rt| rt.block_on(console::open(&context, start)))
        }
        Handoff::Audit { context, options } => {
            small_runtime().map_err(Into::into).and_then(|rt| rt.block_on(audit::main(&context, options)))
        }
        Handoff::Keys { context, options } => look::print_keys(&context, &options),
        Handoff::Themes { context, options } => look::print_themes(&context, &options),
        Handoff::Demo { context, options } => demo::main(&context, options),
        Handoff::Service(options) => demo::service(&options),
    };
    match outcome {
        Ok(code) => cli::code(code),
        Err(error) => code_of(cli::complain(cli::exit::FAILED, error.as_ref())),
    }
}

fn code_of(handoff: Handoff) -> ExitCode {
    match handoff {
        Handoff::Exit(code) => cli::code(code),
        _ => ExitCode::FAILURE,
    }
}

/// One thread is enough for a client.
fn small_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
