//! The console over this workspace's engine.

use std::error::Error;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use flowdeck::cli::{self, Context};
use flowdeck::config::Probe;
use flowdeck::model::{Document, Run, RunId};
use flowdeck::tui::backend::{Engine, Order, Pipelines, Sheet, Target};
use flowdeck::tui::{Options, Replay, ReplayFrom, Start, capabilities};
use tokio::sync::mpsc;

use super::look;

/// How many requests and replies may wait between the console and its backend.
const QUEUE: usize = 256;

/// Worn when the theme that was asked for cannot be.
pub const FALLBACK: &str = "terminal";

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

/// Opens the console; where it begins nowhere else, where a cut connection left the last one.
pub async fn open(context: &Context, start: Start) -> Result<u8, Box<dyn Error>> {
    let _log = log_to(&context.paths.own_dir().join("log"))?;
    let mut options = options(context, start)?;
    let client = context.engine().await?;
    let places = context.paths.own_dir().join("consoles");
    if options.start == Start::Overview
        && let Some(run) = super::memory::take(&places)
        && client.run(run.as_str()).await.is_ok()
    {
        options.start = Start::Run(run);
    }
    let memory = super::memory::Memory::start(places);
    let (for_values, for_files) = (context.clone(), context.clone());
    let engine = Engine {
        client,
        revive: cli::revive(context),
        values: Arc::new(move |run: &Run| cli::values_for_run(&for_values, run).unwrap_or_default()),
        file: Arc::new(move |run: &Run| cli::file_of_run(&for_files, run)),
        pipelines: pipelines(context),
        services: targets(context),
        copies: context.paths.own_dir().to_owned(),
        followed: memory.followed(),
    };
    let (ask, asked) = mpsc::channel(QUEUE);
    let (reply, replies) = mpsc::channel(QUEUE);
    let backend = tokio::spawn(engine.serve(asked, reply));
    let farewell = tokio::select! {
        biased;
        never = super::fault::strike() => match never {},
        farewell = flowdeck::tui::run(options, ask, replies) => farewell,
    };
    backend.abort();
    let lost = farewell.as_ref().is_ok_and(|farewell| farewell.lost);
    memory.end(lost);
    for line in farewell?.lines {
        let said = writeln!(std::io::stdout(), "{line}");
        if !lost {
            said?;
        }
    }
    Ok(cli::exit::SUCCESS)
}

/// How the console starts pipelines: as `flowdeck run --detach` does.
fn pipelines(context: &Context) -> Pipelines {
    let (for_names, for_opening, for_orders) = (context.clone(), context.clone(), context.clone());
    Pipelines {
        names: Arc::new(move || cli::pipeline_names(&for_names)),
        open: Arc::new(move |name: &str| {
            let cli::Opened { path, text, format, pipeline, environments } = cli::open_pipeline(&for_opening, name)?;
            Ok(Sheet {
                name: name.to_owned(),
                path: path.display().to_string(),
                document: Document { text, format: format.to_owned(), included: None },
                input_schema: pipeline.input_schema,
                sample_input: pipeline.sample_input,
                environment: pipeline.environment,
                environments,
            })
        }),
        order: Arc::new(move |order: &Order| {
            cli::order(&for_orders, &order.name, &order.text, order.inputs.clone(), order.environment.clone())
        }),
    }
}

fn options(context: &Context, start: Start) -> Result<Options, Box<dyn Error>> {
    let (abilities, charset) = capabilities(|name| std::env::var(name).ok());
    let (themes, unread) = look::themes(context);
    let (keys, unusable) = look::keys(context);
    let themes = themes.at(abilities.depth);
    let mut problems: Vec<String> = unread.iter().map(ToString::to_string).collect();
    let theme = themes.get(&context.settings.theme).cloned().or_else(|problem| {
        problems.push(format!("{problem}; `{FALLBACK}` is worn instead"));
        themes.get(FALLBACK).cloned()
    })?;
    problems.extend(unusable.iter().map(|error| format!("{error}; its keys are not used (`flowdeck keys` shows more)")));
    let name = context.root().file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Options {
        start,
        theme,
        themes,
        keys,
        charset,
        abilities,
        read_only: context.read_only,
        workspace: name.unwrap_or_else(|| "/".to_owned()),
        copies: context.paths.own_dir().to_owned(),
        in_tmux: std::env::var_os("TMUX").is_some_and(|value| !value.is_empty()),
        problems,
    })
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
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let file = tracing_appender::rolling::never(dir, "console.log");
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(false).finish(file);
    let filter = tracing_subscriber::EnvFilter::try_from_env("FLOWDECK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).init();
    Ok(guard)
}
