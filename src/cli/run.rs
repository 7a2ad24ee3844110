//! `flowdeck run`: start a pipeline, and follow it in the console, in sentences, or not at all.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::json;

use super::document::Document;
use super::environment;
use super::explain::refused;
use super::pipeline::{Checked, Source, check, format_name};
use super::values::for_pipelines;
use super::{Context, Handoff, exit, plain};
use crate::client::{Client, ClientError};
use crate::model::{NewRun, Run, RunId};

const EXAMPLES: &str = "\
Examples:
  flowdeck run hello -i name=Ada            in the console, or as lines where there is no terminal
  flowdeck run deploy --inputs inputs.json -i version=v1.2.4
  flowdeck run ci --json > run.json         one document when it has ended
  id=$(flowdeck run ci --detach)            start it and leave

Ctrl-C cancels with ten seconds of grace, a second one at once. Whatever becomes of this
command, the run goes on in the engine: `flowdeck runs logs ID --follow`.";

/// Run a pipeline and follow it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The environment the run is for
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    #[command(flatten)]
    how: How,
    /// End the run after this long, such as `10m`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,
}

/// How a run that was started is followed
#[derive(Debug, Clone, Default, clap::Args)]
pub struct How {
    /// Start it and leave
    #[arg(long, conflicts_with = "plain")]
    pub detach: bool,
    /// Follow it as append-only lines
    #[arg(long)]
    pub plain: bool,
    /// Print one JSON document when the run has ended
    #[arg(long, conflicts_with = "plain")]
    pub json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration(text)
        .and_then(|limit| if limit.is_zero() { Err("a run needs some time".to_owned()) } else { Ok(limit) })
}

impl Args {
    /// The same for an environment, with a version among its inputs.
    pub fn aimed(mut self, environment: String, version: Option<String>) -> Self {
        self.env = Some(environment);
        self.source.input.extend(version.map(|version| format!("version={version}")));
        self
    }

    /// The plain run of a named pipeline, with nothing said about how.
    fn of(pipeline: &str, input: &[String]) -> Self {
        let source = Source { pipeline: pipeline.to_owned(), input: input.to_vec(), inputs: None, sample: false };
        Self { source, env: None, how: How { detach: true, ..How::default() }, timeout: None }
    }
}

pub async fn run(args: Args, context: Context) -> Handoff {
    match start(&args, &context).await {
        Ok((client, id)) => follow(&args.how, context, client, id).await,
        Err(handoff) => handoff,
    }
}

/// Checks everything that can be checked here, and creates the run.
async fn start(args: &Args, context: &Context) -> Result<(Client, RunId), Handoff> {
    environment::check(context, args.env.as_deref())?;
    let checked = check(context, &args.source)?;
    if context.read_only {
        errln!("error: `--read-only` starts nothing");
        return Err(Handoff::Exit(exit::REFUSED));
    }
    let new = new_run(context, checked, args.env.clone(), args.timeout).map_err(|message| {
        errln!("error: {message}");
        Handoff::Exit(exit::USAGE)
    })?;
    let client = context.engine().await.map_err(|error| refused(&error))?;
    let id = client.create(&new).await.map_err(|error| refused(&error))?;
    Ok((client, id))
}

/// Creates a run of a named pipeline and leaves it to the engine.
pub async fn start_detached(context: &Context, pipeline: &str) -> Result<RunId, Handoff> {
    start(&Args::of(pipeline, &[]), context).await.map(|(_, id)| id)
}

/// Creates a run of a named pipeline.
pub async fn start_named(context: &Context, pipeline: &str, input: &[String]) -> Result<(Client, RunId), Handoff> {
    start(&Args::of(pipeline, input), context).await
}

/// Tells a run in sentences until it has ended.
///
/// # Errors
/// When the engine cannot be reached any more.
pub async fn tell_to_end(context: &Context, client: &Client, id: &RunId) -> Result<Run, ClientError> {
    plain::follow(context, client, id, plain::Voice::Sentences).await
}

/// Comes back when a run has ended; says nothing.
///
/// # Errors
/// When the engine cannot be reached any more.
pub async fn wait_for_end(context: &Context, client: &Client, id: &RunId) -> Result<(), ClientError> {
    plain::follow(context, client, id, plain::Voice::Silent).await.map(drop)
}

/// What the engine is asked for, with the values that this client has.
///
/// # Errors
/// A secret that cannot be read.
pub fn new_run(
    context: &Context,
    checked: Checked,
    environment: Option<String>,
    timeout: Option<Duration>,
) -> Result<NewRun, String> {
    let values = for_pipelines(context, checked.pipelines())?;
    Ok(NewRun {
        definition: checked.text,
        format: format_name(checked.format).to_owned(),
        modules: checked.included.modules(),
        includes: checked.included.includes,
        path: Some(checked.path.display().to_string()),
        workspace: context.root().display().to_string(),
        inputs: checked.inputs,
        values,
        environment,
        timeout_ms: timeout.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// Follows a run that was started: in the console, in sentences, or not at all.
pub async fn follow(how: &How, context: Context, client: Client, id: RunId) -> Handoff {
    if how.detach {
        if how.json {
            outln!("{}", json!({"id": id}));
        } else {
            outln!("{id}");
        }
        return Handoff::Exit(exit::SUCCESS);
    }
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let at_terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !dumb;
    if at_terminal && !how.plain && !how.json {
        return Handoff::Console { context: Box::new(context), run: Some(id), replay: None };
    }
    let voice = if how.json { plain::Voice::Silent } else { plain::Voice::Sentences };
    match plain::follow(&context, &client, &id, voice).await {
        Ok(run) => {
            if how.json {
                outln!("{}", serde_json::to_string_pretty(&Document::of(&run)).unwrap_or_default());
            }
            Handoff::Exit(plain::verdict(&run))
        }
        Err(error) => refused(&error),
    }
}
