//! The command line: one file per subcommand, answers for people and for scripts.
//!
//! Owns arguments, exit codes and everything that is printed. Must not know how runs are carried out: what needs the
//! engine, the console or the demo inside this process is handed to `main`.

/// A line on standard output.
macro_rules! outln {
    ($($text:tt)*) => { $crate::cli::out::line(format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! errln {
    ($($text:tt)*) => { $crate::cli::out::error(format_args!($($text)*)) };
}

mod access;
pub mod audit;
mod completions;
mod component;
mod context;
mod deploy;
mod doctor;
mod document;
mod engine;
mod environment;
mod explain;
mod gates;
mod graph;
mod include;
mod inert;
mod init;
mod man;
mod out;
mod pipeline;
mod plain;
mod plan;
mod private;
mod releases;
mod replay;
mod rollback;
mod run;
mod runs;
mod schema;
mod start;
mod table;
mod test;
mod validate;
mod values;
mod whoami;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::language::support::Runs;
pub use audit::Args as AuditArgs;
pub use context::{Context, complain_about_settings};
pub use engine::RunArgs as EngineRunArgs;
pub use explain::complain;
pub use out::Out;
pub use pipeline::file_of_run;
pub use private::{Signals, stop_engine};
pub use replay::{From as ReplayFrom, Replay};
pub use run::{start_detached, start_named, tell_to_end, wait_for_end};
pub use start::{Opened, open_pipeline, order, pipeline_names};
pub use table::print as table;
pub use values::{for_run as values_for_run, revive};

/// Success, failure, usage, forbidden, unreachable, cancelled: stable, scripts rely on them.
pub mod exit {
    pub const SUCCESS: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const REFUSED: u8 = 3;
    pub const UNREACHABLE: u8 = 4;
    pub const CANCELLED: u8 = 130;
}

/// Runs, shows and gates pipelines, from a terminal. Without a command it opens the console on this workspace.
#[derive(Debug, Parser)]
#[command(name = "flowdeck", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  flowdeck init                      make a first pipeline here
  flowdeck run hello -i name=Ada     run pipelines/hello.yaml and follow it
  flowdeck runs logs last --follow   the output of the newest run
  flowdeck                           the console

Exit codes: 0 success, 1 the run failed, 2 usage or invalid pipeline, 3 refused,
4 engine unreachable, 130 cancelled";

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// The workspace: where `pipelines/` and `flowdeck.toml` are [default: the nearest one above this directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Where the engine keeps its state [env: FLOWDECK_STATE_DIR] [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Look, but change nothing
    #[arg(long, global = true)]
    pub read_only: bool,
}

/// Marks an engine that a client started on demand.
pub const DETACHED: &str = "--detached";

/// What this process has to become after the arguments are understood.
pub enum Handoff {
    Exit(u8),
    /// Open the console.
    Console {
        context: Box<Context>,
        run: Option<crate::model::RunId>,
        /// Play it again instead of following it.
        replay: Option<Replay>,
    },
    /// Be the engine.
    Engine {
        context: Box<Context>,
        options: EngineRunArgs,
    },
    /// Be a run's runner.
    Runner(PathBuf),
    /// Print the console's keys.
    Keys {
        context: Box<Context>,
        options: KeysArgs,
    },
    /// List the console's themes.
    Themes {
        context: Box<Context>,
        options: ThemesArgs,
    },
    /// Show, prove and export the audit chain.
    Audit {
        context: Box<Context>,
        options: AuditArgs,
    },
    /// Set up the demo.
    Demo {
        context: Box<Context>,
        options: DemoArgs,
    },
    /// Be the demo's sample service.
    Service(ServiceArgs),
}

/// Try everything on a workspace with real local services
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Run it without a terminal and exit by the result
    #[arg(long)]
    pub headless: bool,
    /// An input of the first release of `--headless`, such as `error_rate=1`: a bad one ends the story there
    #[arg(short, long = "input", value_name = "KEY=VALUE", requires = "headless")]
    pub input: Vec<String>,
    /// Where to make the workspace [default: a temporary directory, removed afterwards]
    pub dir: Option<PathBuf>,
}

/// Print the keys of the console as they are mapped here
#[derive(Debug, clap::Args)]
#[command(after_help = KEYS)]
pub struct KeysArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Print a key file that says the same, to save and edit
    #[arg(long, conflicts_with = "json")]
    pub toml: bool,
}

const KEYS: &str = "\
Your keys are in keys.toml in the directory for settings (~/.config/flowdeck), a workspace's in [console.keys] of
flowdeck.toml; yours win. To start: flowdeck keys --toml > ~/.config/flowdeck/keys.toml. Every mistake is told with
its place, and the exit code is 2; the console then opens with the keys it had before that file.";

/// List the console's themes, or print one to start from
#[derive(Debug, clap::Args)]
#[command(after_help = THEMES)]
pub struct ThemesArgs {
    /// Print the file of this theme
    #[arg(conflicts_with = "json")]
    pub name: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

const THEMES: &str = "\
Your themes are themes/NAME.toml in the directory for settings (~/.config/flowdeck). A theme with `inherits = \"dark\"`
says only what differs. Chosen by `theme` in [console] of flowdeck.toml or FLOWDECK_THEME; tried on in the console with
`:theme`. Every mistake is told with its place, and the exit code is 2; the console then opens with the default theme.";

/// The demo's web service
#[derive(Debug, clap::Args)]
pub struct ServiceArgs {
    #[command(subcommand)]
    pub action: ServiceAction,
}

#[derive(Debug, clap::Subcommand)]
pub enum ServiceAction {
    /// Be the copy in this directory
    Serve { dir: PathBuf },
    /// Replace the copy in this directory by another release
    Replace { dir: PathBuf, artifact: PathBuf },
    /// End the copy in this directory
    Stop { dir: PathBuf },
    /// Start a release on a free port, ask how it is, stop it; fails when it is not well
    Try { artifact: PathBuf },
    /// Be the front in this directory: it splits requests between a stable copy and a candidate
    Front { dir: PathBuf },
    /// Start a release beside the stable one; the front sends it nothing yet
    Begin { dir: PathBuf, artifact: PathBuf },
    /// Let the candidate take over, and end the copy before it
    TakeOver { dir: PathBuf },
    /// End the candidate, if there is one
    Retire { dir: PathBuf },
    /// Begin and take over at once
    Switch { dir: PathBuf, artifact: PathBuf },
}

macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident($args:ty) => $run:expr),* $(,)?) => {
        #[derive(Debug, clap::Subcommand)]
        pub enum Command {
            $($(#[$meta])* $name($args)),*
        }

        /// Carries a command out as far as this module can.
        async fn dispatch(command: Command, context: Context) -> Handoff {
            match command {
                $(Command::$name(args) => $run(args, context).await),*
            }
        }
    };
}

// One line per subcommand.
commands! {
    Run(run::Args) => run::run,
    Validate(validate::Args) => validate::run,
    Test(test::Args) => test::run,
    Plan(plan::Args) => plan::run,
    Graph(graph::Args) => graph::run,
    Runs(runs::Args) => runs::run,
    Engine(engine::Args) => engine::run,
    Whoami(whoami::Args) => whoami::run,
    Gates(gates::Args) => gates::run,
    Deploy(deploy::Args) => deploy::run,
    Rollback(rollback::Args) => rollback::run,
    Releases(releases::Args) => releases::run,
    Audit(audit::Args) => audit::run,
    Doctor(doctor::Args) => doctor::run,
    Keys(KeysArgs) => keys,
    Themes(ThemesArgs) => themes,
    Demo(DemoArgs) => demo,
    Init(init::Args) => init::run,
    Schema(schema::Args) => schema::run,
    Explain(component::Args) => component::run,
    Completions(completions::Args) => completions::run,
    Man(man::Args) => man::run,
    #[command(hide = true)]
    Runner(RunnerArgs) => runner,
    #[command(hide = true)]
    Service(ServiceArgs) => service,
}

#[derive(Debug, clap::Args)]
pub struct RunnerArgs {
    #[arg(long)]
    dir: PathBuf,
}

async fn runner(args: RunnerArgs, _: Context) -> Handoff {
    Handoff::Runner(args.dir)
}

async fn service(args: ServiceArgs, _: Context) -> Handoff {
    Handoff::Service(args)
}

async fn keys(options: KeysArgs, context: Context) -> Handoff {
    Handoff::Keys { context: Box::new(context), options }
}

async fn themes(options: ThemesArgs, context: Context) -> Handoff {
    Handoff::Themes { context: Box::new(context), options }
}

async fn demo(options: DemoArgs, context: Context) -> Handoff {
    if !options.headless && !at_terminal() {
        return no_terminal("`flowdeck demo --headless` runs it without one");
    }
    Handoff::Demo { context: Box::new(context), options }
}

/// The whole command line, for completions and the manual.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Understands the arguments and carries them out as far as this module can. `runs` says which components this build
/// has an operator for.
pub async fn main(cli: Cli, runs: Runs) -> Handoff {
    let context = match Context::new(&cli.global, runs) {
        Ok(context) => context,
        Err(error) => return complain_about_settings(&error),
    };
    match cli.command {
        Some(command) => dispatch(command, context).await,
        None if !at_terminal() => no_terminal("`flowdeck run PIPELINE --plain` and `flowdeck runs` work without one"),
        None => Handoff::Console { context: Box::new(context), run: None, replay: None },
    }
}

fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn no_terminal(help: &str) -> Handoff {
    errln!("error: the console needs a terminal on standard input and output");
    errln!("help: {help}");
    Handoff::Exit(exit::USAGE)
}

/// Says one line on standard output.
pub fn say(line: &str) {
    outln!("{}", inert::line(line));
}

/// Prints text of our own on standard output, as it is.
pub fn print(text: &str) {
    out::bytes(text.as_bytes());
}

/// Says a warning on standard error.
pub fn warn(message: &str) {
    errln!("warning: {}", inert::line(message));
}

/// An exit code for the shell.
pub fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}
