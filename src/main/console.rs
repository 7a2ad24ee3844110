//! The console over this workspace's engine.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flowdeck::cli::{self, Context};
use flowdeck::config::Probe;
use flowdeck::model::{Run, RunId};
use flowdeck::tui::backend::{Engine, Target};
use flowdeck::tui::keymap::Keymap;
use flowdeck::tui::theme::Theme;
use flowdeck::tui::{Options, Replay, ReplayFrom, Start, capabilities};
use tokio::sync::mpsc;

/// How many requests and replies may wait between the console and its backend.
const QUEUE: usize = 256;

/// Where the console begins: on a run if one is named, perhaps on its replay.
pub fn start(run: Option<RunId>, replay: Option<cli::Replay>) -> Start {
    match (run, replay) {
        (Some(run), Some(cli::Replay { speed, from })) => {
            let from = match from {
                cli::ReplayFrom::Start => ReplayFrom::Start,
                cli::ReplayFrom::After(millis) => ReplayFrom::After(millis),
                cli::ReplayFrom::At(at) => ReplayFrom::At(at),
            };
            Start::Replay(run, Replay { speed, from })
        }
        (Some(run), None) => Start::Run(run),
        (None, _) => Start::Overview,
    }
}

/// Opens the console.
pub async fn open(context: &Context, start: Start) -> Result<u8, Box<dyn Error>> {
    let _log = log_to(&context.paths.log_dir())?;
    let options = options(context, start)?;
    let client = context.engine().await?;
    let (for_values, for_files) = (context.clone(), context.clone());
    let engine = Engine {
        client,
        revive: cli::revive(context),
        values: Arc::new(move |run: &Run| cli::values_for_run(&for_values, run).unwrap_or_default()),
        file: Arc::new(move |run: &Run| cli::file_of_run(&for_files, run)),
        services: targets(context),
    };
    let (ask, asked) = mpsc::channel(QUEUE);
    let (reply, replies) = mpsc::channel(QUEUE);
    let backend = tokio::spawn(engine.serve(asked, reply));
    let farewell = flowdeck::tui::run(options, ask, replies).await;
    backend.abort();
    for line in farewell?.lines {
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(cli::exit::SUCCESS)
}

fn options(context: &Context, start: Start) -> Result<Options, Box<dyn Error>> {
    let (depth, charset) = capabilities(|name| std::env::var(name).ok());
    let theme = theme(&context.settings.theme, &context.paths.themes_dir())?;
    let keys = keys(&context.paths.keys_file())?;
    let name = context.root().file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Options {
        start,
        theme,
        keys,
        charset,
        depth,
        read_only: context.read_only,
        workspace: name.unwrap_or_else(|| "/".to_owned()),
    })
}

/// A theme of the user's, or one of ours.
fn theme(name: &str, own: &Path) -> Result<Theme, String> {
    let path = own.join(format!("{name}.toml"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Theme::parse(&path.display().to_string(), &text).map_err(|errors| lines(&errors)),
        Err(_) => Theme::shipped(name),
    }
}

/// Our keys with the user's changes.
fn keys(path: &Path) -> Result<Keymap, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Keymap::with_overrides(&path.display().to_string(), &text).map_err(|errors| lines(&errors)),
        Err(_) => Ok(Keymap::default()),
    }
}

fn lines(errors: &[impl std::fmt::Display]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn targets(context: &Context) -> Vec<Target> {
    let services = context.workspace.file.services.iter();
    let target = |service: &flowdeck::config::Service| {
        let (probe, expect_status) = match &service.probe {
            Some(Probe::Http { url, expect_status }) => (Some(url.clone()), *expect_status),
            Some(Probe::Tcp(_) | Probe::Command(_)) | None => (None, None),
        };
        Target {
            name: service.name.clone(),
            environment: service.environment.clone().unwrap_or_default(),
            url: service.url.clone().unwrap_or_default(),
            probe,
            expect_status: expect_status.and_then(|status| u16::try_from(status).ok()),
        }
    };
    services.map(target).collect()
}

/// The console's own log goes to a file: the screen is taken.
fn log_to(dir: &Path) -> std::io::Result<tracing_appender::non_blocking::WorkerGuard> {
    std::fs::create_dir_all(dir)?;
    let file = tracing_appender::rolling::never(dir, "console.log");
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(file);
    let filter = tracing_subscriber::EnvFilter::try_from_env("FLOWDECK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).init();
    Ok(guard)
}
