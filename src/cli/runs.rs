//! `flowdeck runs`: list, show, read and steer runs.

use std::io::{IsTerminal, Write};

use super::explain::refused;
use super::{Context, Handoff, exit, inert, plain, table, values};
use crate::client::{Client, ClientError};
use crate::model::{LogQuery, Rerun, RerunFrom, Resolution, Run, RunId, RunStatus, StageId, Values};

/// List, show and steer runs
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
    /// The newest runs (the default)
    List {
        /// How many
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Only runs in this state, such as `failed`
        #[arg(long, value_parser = status)]
        status: Option<RunStatus>,
    },
    /// A run and its stages
    Show {
        /// An id, a unique part of one, or `last`
        id: String,
    },
    /// The output of a run's stages
    Logs {
        id: String,
        /// Only this stage
        stage: Option<String>,
        /// This attempt instead of the last one
        #[arg(long)]
        attempt: Option<u32>,
        /// Print new output as it comes, to the end of the run
        #[arg(short, long)]
        follow: bool,
    },
    /// Stop a run: TERM, ten seconds of grace, KILL
    Cancel {
        id: String,
        /// KILL at once
        #[arg(long)]
        force: bool,
    },
    /// Run it again, keeping what succeeded
    Rerun {
        id: String,
        /// Run everything again
        #[arg(long, conflicts_with = "from")]
        all: bool,
        /// Run this stage and everything below it again
        #[arg(long, value_name = "STAGE")]
        from: Option<String>,
        /// Start it and leave
        #[arg(long)]
        detach: bool,
    },
    /// Say what became of an interrupted stage
    Resolve {
        id: String,
        stage: String,
        /// `retry` it, or count it as `succeed` or `fail`
        #[arg(value_parser = resolution)]
        answer: Resolution,
    },
}

fn status(text: &str) -> Result<RunStatus, String> {
    let names = || RunStatus::ALL.iter().map(|status| status.name()).collect::<Vec<_>>().join(", ");
    RunStatus::from_name(text).ok_or_else(|| format!("one of {}", names()))
}

fn resolution(text: &str) -> Result<Resolution, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| "one of retry, succeed, fail".to_owned())
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let action = args.action.unwrap_or(Action::List { limit: 20, status: None });
    let steers = matches!(action, Action::Cancel { .. } | Action::Rerun { .. } | Action::Resolve { .. });
    if steers && context.read_only {
        eprintln!("error: `--read-only` changes nothing");
        return Handoff::Exit(exit::REFUSED);
    }
    let client = match context.engine().await {
        Ok(client) => client,
        Err(error) => return refused(&error),
    };
    match carry_out(action, args.json, &context, &client).await {
        Ok(code) => Handoff::Exit(code),
        Err(error) => refused(&error),
    }
}

async fn carry_out(action: Action, json: bool, context: &Context, client: &Client) -> Result<u8, ClientError> {
    match action {
        Action::List { limit, status } => list(client, limit, status, json).await,
        Action::Show { id } => {
            let run = client.run(&id).await?;
            if json {
                print_json(&run)
            } else {
                print(&run)
            }
            Ok(exit::SUCCESS)
        }
        Action::Logs { id, stage, attempt, follow } => logs(context, client, &id, stage, attempt, follow).await,
        Action::Cancel { id, force } => done(&client.cancel(&id, force).await?, "is being cancelled", json),
        Action::Rerun { id, all, from, detach } => {
            let from = match from {
                Some(stage) => RerunFrom::Stage(StageId::new(&stage)),
                None if all => RerunFrom::Start,
                None => RerunFrom::Failed,
            };
            rerun(context, client, &id, from, detach, json).await
        }
        Action::Resolve { id, stage, answer } => {
            done(&client.resolve(&id, &StageId::new(&stage), answer).await?, "goes on", json)
        }
    }
}

fn done(id: &RunId, what: &str, json: bool) -> Result<u8, ClientError> {
    if json {
        println!("{}", serde_json::json!({"id": id}))
    } else {
        println!("run {id} {what}")
    }
    Ok(exit::SUCCESS)
}

fn print_json<T: serde::Serialize>(value: &T) {
    println!("{}", serde_json::to_string_pretty(value).unwrap_or_default());
}

async fn list(client: &Client, limit: usize, status: Option<RunStatus>, json: bool) -> Result<u8, ClientError> {
    let runs = client.runs(limit, status).await?;
    if json {
        print_json(&serde_json::json!({"runs": runs}));
        return Ok(exit::SUCCESS);
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            vec![
                run.id.to_string(),
                run.pipeline_name.clone(),
                run.status.to_string(),
                format!("{}/{}", run.stages_done, run.stages_total),
                run.created_at.to_string().get(..19).unwrap_or_default().replace('T', " "),
                run.actor.clone(),
                run.failure.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table::print(&["RUN", "PIPELINE", "STATUS", "STAGES", "CREATED (UTC)", "BY", "FAILURE"], &rows);
    Ok(exit::SUCCESS)
}

fn print(run: &Run) {
    println!("run {} of {} is {}", run.id, inert::line(&run.pipeline.name), run.status);
    println!("  by {} at {}", run.actor.name, run.created_at);
    if let Some(error) = &run.error {
        println!("  {}", inert::line(&error.to_string()));
    }
    for note in &run.notes {
        println!("  note: {}", inert::line(&note.message));
    }
    println!();
    let rows: Vec<Vec<String>> = run
        .stages
        .values()
        .map(|stage| {
            let took = match (stage.started_at, stage.finished_at) {
                (Some(started), Some(finished)) => format!("{:.1}s", finished.since(started).as_secs_f64()),
                _ => String::new(),
            };
            let why = stage.error.as_ref().map(ToString::to_string).or_else(|| stage.reason.clone());
            let cells = [stage.id.to_string(), stage.component.clone(), stage.status.to_string()];
            cells.into_iter().chain([stage.attempts.len().to_string(), took, why.unwrap_or_default()]).collect()
        })
        .collect();
    table::print(&["STAGE", "TYPE", "STATUS", "ATTEMPTS", "TOOK", "WHY"], &rows);
}

async fn rerun(
    context: &Context,
    client: &Client,
    id: &str,
    from: RerunFrom,
    detach: bool,
    json: bool,
) -> Result<u8, ClientError> {
    let old = client.run(id).await?;
    let values = values::for_run(context, &old).unwrap_or_else(|message| {
        eprintln!("warning: {message}");
        Values::default()
    });
    let new = client.rerun(old.id.as_str(), &Rerun { from, inputs: None, values }).await?;
    if detach {
        return done(&new, "started", json);
    }
    let voice = if json { plain::Voice::Silent } else { plain::Voice::Sentences };
    let run = plain::follow(context, client, &new, voice).await?;
    if json {
        print_json(&run);
    }
    Ok(plain::verdict(run.status))
}

async fn logs(
    context: &Context,
    client: &Client,
    id: &str,
    stage: Option<String>,
    attempt: Option<u32>,
    follow: bool,
) -> Result<u8, ClientError> {
    let run = client.run(id).await?;
    if follow {
        plain::follow(context, client, &run.id, plain::Voice::Sentences).await?;
        return Ok(exit::SUCCESS);
    }
    let stages: Vec<StageId> = match &stage {
        Some(stage) => vec![StageId::new(stage)],
        None => run.stages.values().filter(|stage| !stage.attempts.is_empty()).map(|stage| stage.id.clone()).collect(),
    };
    let several = stages.len() > 1;
    for stage in stages {
        print_log(client, &run, &stage, attempt, several).await?;
    }
    Ok(exit::SUCCESS)
}

/// How many lines are fetched at once.
const PAGE: u64 = 4000;

/// Prints a stage's output as it was written; to a terminal, made harmless.
async fn print_log(client: &Client, run: &Run, stage: &StageId, attempt: Option<u32>, several: bool) -> Result<(), ClientError> {
    let harmless = std::io::stdout().is_terminal();
    let mut from = 0;
    loop {
        let query = LogQuery { stage: stage.clone(), attempt, from: Some(from), count: PAGE };
        let window = client.log(run.id.as_str(), &query).await?;
        if let (0, Some(damage)) = (from, &window.damage) {
            eprintln!("warning: {stage}: {damage}");
        }
        let mut out = std::io::stdout().lock();
        for line in &window.lines {
            let text = if harmless { inert::line(&line.text) } else { line.text.as_str().into() };
            let prefix = if several { format!("{stage} | ") } else { String::new() };
            let end = if line.partial { "" } else { "\n" };
            if write!(out, "{prefix}{text}{end}").is_err() {
                return Ok(());
            }
        }
        let read = window.lines.len() as u64;
        from += read;
        if read < PAGE {
            return Ok(());
        }
    }
}
