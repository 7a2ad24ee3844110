//! `flowdeck engine`: look at this workspace's engine, start it, be it, stop it.

use std::time::Duration;

use super::explain::refused;
use super::{Context, Handoff, complain, exit};
use crate::client::{Client, start};
use crate::config::{EngineLock, IdleTimeout};
use crate::model::EngineStatus;

/// How long a stopping engine may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Look at or control this workspace's engine
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Say whether an engine runs, and what it does (the default)
    Status,
    /// Start one in the background, if none runs
    Start,
    /// Be the engine, in the foreground
    Run(RunArgs),
    /// Stop it; runs go on and are taken up by the next engine
    Stop,
}

/// Options of an engine.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RunArgs {
    /// Leave the terminal and stop when idle
    #[arg(long, hide = true)]
    pub detached: bool,
    /// Stop after this long without clients and runs, or `never` [default: 10m when started on demand, else never]
    #[arg(long, value_name = "DURATION", value_parser = idle_timeout)]
    pub idle_timeout: Option<IdleTimeout>,
}

fn idle_timeout(text: &str) -> Result<IdleTimeout, String> {
    text.parse()
}

pub async fn run(args: Args, context: Context) -> Handoff {
    match args.action.unwrap_or(Action::Status) {
        Action::Run(options) => Handoff::Engine { context: Box::new(context), options },
        Action::Start => match context.engine().await {
            Ok(client) => status(&client, args.json).await,
            Err(error) => refused(&error),
        },
        Action::Status => show(&context, args.json).await,
        Action::Stop if context.read_only => {
            errln!("error: `--read-only` stops nothing");
            Handoff::Exit(exit::REFUSED)
        }
        Action::Stop => stop(&context, args.json).await,
    }
}

/// Says whether an engine runs.
async fn show(context: &Context, json: bool) -> Handoff {
    match start::answers(context.paths.socket()).await {
        Err(error) => refused(&error),
        Ok(false) => {
            if json {
                outln!("{{\"running\": false}}");
            }
            errln!("error: no engine runs for {}", context.root().display());
            errln!("help: the next command that needs one starts it; `flowdeck engine start` does so now");
            Handoff::Exit(exit::UNREACHABLE)
        }
        Ok(true) => match context.client() {
            Ok(client) => status(&client, json).await,
            Err(error) => refused(&error),
        },
    }
}

async fn status(client: &Client, json: bool) -> Handoff {
    match client.status().await {
        Ok(status) => {
            print(&status, json);
            Handoff::Exit(exit::SUCCESS)
        }
        Err(error) => refused(&error),
    }
}

fn print(status: &EngineStatus, json: bool) {
    if json {
        outln!("{}", serde_json::to_string_pretty(status).unwrap_or_default());
        return;
    }
    outln!("engine {} runs as process {} since {}", status.version, status.pid, status.started_at);
    outln!("  runs    {} unfinished, {} stages at work", status.runs, status.stages);
    outln!("  socket  {}", status.socket);
    outln!("  state   {}", status.state_dir);
}

/// Stops the engine and waits until it is gone.
async fn stop(context: &Context, json: bool) -> Handoff {
    match start::answers(context.paths.socket()).await {
        Err(error) => return refused(&error),
        Ok(true) => {}
        Ok(false) => {
            say_stopped(json, "no engine runs");
            return Handoff::Exit(exit::SUCCESS);
        }
    }
    let stopping = match context.client() {
        Ok(client) => client.stop_engine().await,
        Err(error) => Err(error),
    };
    let pid = match stopping {
        Ok(status) => status.pid,
        Err(error) => return refused(&error),
    };
    // The lock of somebody else's state cannot be looked at; their engine has answered that it stops.
    if context.paths.other_owner().is_none()
        && let Err(error) = EngineLock::wait_until_free(&context.paths, PATIENCE).await
    {
        return complain(exit::UNREACHABLE, &error);
    }
    say_stopped(json, &format!("engine {pid} stopped"));
    Handoff::Exit(exit::SUCCESS)
}

fn say_stopped(json: bool, line: &str) {
    if json {
        outln!("{{\"running\": false}}");
    } else {
        outln!("{line}");
    }
}
