//! `flowdeck runs`: list, show, read and steer runs.

use std::io::IsTerminal;

use super::document::Document;
use super::explain::refused;
use super::{Context, Handoff, exit, inert, out, plain, replay, table, values};
use crate::client::{Client, ClientError};
use crate::model::{LogLine, LogQuery, Rerun, RerunFrom, Resolution, Run, RunId, RunStatus, StageId, StageStatus, Values};

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
        /// The runs that the stages of this run started, instead
        #[arg(long, value_name = "RUN", value_parser = named)]
        of: Option<String>,
    },
    /// A run and its stages
    Show {
        /// An id, a unique part of one, or `last`
        #[arg(value_parser = named)]
        id: String,
    },
    /// The output of a run's stages
    Logs {
        /// An id, a unique part of one, or `last`
        #[arg(value_parser = named)]
        id: String,
        /// Only this stage, without a prefix
        stage: Option<String>,
        /// This attempt instead of the last one
        #[arg(long, value_name = "NUMBER")]
        attempt: Option<u32>,
        /// Print new output as it comes, to the end of the run; Ctrl-C leaves the run alone
        #[arg(short, long, conflicts_with_all = ["json", "attempt"])]
        follow: bool,
    },
    /// Stop a run: TERM, ten seconds of grace, KILL
    Cancel {
        /// An id, a unique part of one, or `last`
        #[arg(value_parser = named)]
        id: String,
        /// KILL at once
        #[arg(long)]
        force: bool,
    },
    /// Run it again, keeping what succeeded
    Rerun {
        /// An id, a unique part of one, or `last`
        #[arg(value_parser = named)]
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
    /// Play a run that has ended again
    Replay(replay::Args),
    /// Say what became of an interrupted stage
    Resolve {
        /// An id, a unique part of one, or `last`
        #[arg(value_parser = named)]
        id: String,
        stage: String,
        /// `retry` it, or count it as `succeed` or `fail`
        #[arg(value_parser = resolution)]
        answer: Resolution,
    },
}

pub(super) fn named(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("an id, a unique part of one, or `last`") } else { Ok(text.to_owned()) }
}

fn status(text: &str) -> Result<RunStatus, String> {
    let names = || RunStatus::ALL.iter().map(|status| status.name()).collect::<Vec<_>>().join(", ");
    RunStatus::from_name(text).ok_or_else(|| format!("one of {}", names()))
}

fn resolution(text: &str) -> Result<Resolution, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| "one of retry, succeed, fail".to_owned())
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let action = args.action.unwrap_or(Action::List { limit: 20, status: None, of: None });
    let steers = matches!(action, Action::Cancel { .. } | Action::Rerun { .. } | Action::Resolve { .. });
    if steers && context.read_only {
        errln!("error: `--read-only` changes nothing");
        return Handoff::Exit(exit::REFUSED);
    }
    let client = match context.engine().await {
        Ok(client) => client,
        Err(error) => return refused(&error),
    };
    match carry_out(action, args.json, &context, &client).await {
        Ok(handoff) => handoff,
        Err(error) => refused(&error),
    }
}

async fn carry_out(action: Action, json: bool, context: &Context, client: &Client) -> Result<Handoff, ClientError> {
    let code = match action {
        Action::Replay(args) => return replay::run(args, json, context, client).await,
        Action::List { limit, status, of } => list(client, limit, status, of.as_deref(), json).await,
        Action::Show { id } => {
            let run = client.run(&id).await?;
            if json {
                print_json(&Document::of(&run))
            } else {
                print(&run)
            }
            Ok(exit::SUCCESS)
        }
        Action::Logs { id, stage, attempt, follow } => {
            let stage = stage.as_deref().map(StageId::new);
            if follow { tail(context, client, &id, stage).await } else { logs(client, &id, stage, attempt, json).await }
        }
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
    };
    code.map(Handoff::Exit)
}

fn done(id: &RunId, what: &str, json: bool) -> Result<u8, ClientError> {
    if json {
        outln!("{}", serde_json::json!({"id": id}));
    } else {
        outln!("run {id} {what}");
    }
    Ok(exit::SUCCESS)
}

fn print_json<T: serde::Serialize>(value: &T) {
    outln!("{}", serde_json::to_string_pretty(value).unwrap_or_default());
}

async fn list(client: &Client, limit: usize, status: Option<RunStatus>, of: Option<&str>, json: bool) -> Result<u8, ClientError> {
    let runs = match of {
        Some(run) => client.runs_of(run, limit, status).await?,
        None => client.runs(limit, status).await?,
    };
    if json {
        print_json(&serde_json::json!({"runs": runs}));
        return Ok(exit::SUCCESS);
    }
    if runs.is_empty() {
        errln!(
            "no runs{}; `flowdeck run PIPELINE` starts one",
            status.map(|status| format!(" are {status}")).unwrap_or_default()
        );
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
    outln!("run {} of {} is {}", run.id, inert::line(&run.pipeline.name), run.status);
    let tally = run.tally();
    outln!("  by {} at {}, {}/{} stages", run.actor.name, run.created_at, tally.ended(), tally.total);
    if let Some(parent) = &run.parent {
        outln!("  for stage {} of run {}", parent.stage, parent.run);
    }
    if let Some(earlier) = &run.rerun_of {
        outln!("  run again from {earlier}");
    }
    if let Some(hash) = &run.pipeline.edited_from {
        let short = |hash: &str| hash.get(..12).unwrap_or_default().to_owned();
        outln!("  edited from {}, pinned as {}", short(hash), short(&run.pipeline.hash));
    }
    if run.pipeline.renewed_from.is_some() {
        outln!("  with its file read anew, pinned as {}", run.pipeline.hash.get(..12).unwrap_or_default());
    }
    if let Some(error) = &run.error {
        outln!("  {}", inert::line(&error.to_string()));
    }
    for note in &run.notes {
        outln!("  note: {}", inert::line(&note.message));
    }
    outln!("");
    let rows: Vec<Vec<String>> = run
        .stages
        .values()
        .map(|stage| {
            let took = match (stage.started_at, stage.finished_at) {
                (Some(started), Some(finished)) => format!("{:.1}s", finished.since(started).as_secs_f64()),
                _ => String::new(),
            };
            let left = stage.is_left_behind();
            let why = stage.error.as_ref().map(ToString::to_string).or_else(|| stage.reason.clone().filter(|_| !left));
            let status = if left { "not reached".to_owned() } else { stage.status.to_string() };
            let cells = [stage.id.to_string(), stage.component.to_string(), status];
            cells.into_iter().chain([stage.attempts.len().to_string(), took, why.unwrap_or_default()]).collect()
        })
        .collect();
    table::print(&["STAGE", "TYPE", "STATUS", "ATTEMPTS", "TOOK", "WHY"], &rows);
    for stage in run.stages.values().filter(|stage| stage.status == StageStatus::Unknown) {
        let of = stage.undoes.as_ref().filter(|_| stage.failed_to_undo()).unwrap_or(&stage.id);
        outln!("\nlook what {of} did, then: flowdeck runs resolve {} {} retry|succeed|fail", run.id, stage.id);
    }
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
        errln!("warning: {message}");
        Values::default()
    });
    let new = client.rerun(old.id.as_str(), &Rerun { from, inputs: None, document: None, values }).await?;
    if detach {
        return done(&new, "started", json);
    }
    let voice = if json { plain::Voice::Silent } else { plain::Voice::Sentences };
    let run = plain::follow(context, client, &new, voice).await?;
    if json {
        print_json(&run);
    }
    Ok(plain::verdict(&run))
}

/// Prints output as it comes.
async fn tail(context: &Context, client: &Client, id: &str, stage: Option<StageId>) -> Result<u8, ClientError> {
    let run = client.run(id).await?;
    if let Some(unknown) = stage.as_ref().filter(|stage| !run.stages.contains_key(*stage)) {
        return Ok(no_stage(&run, unknown));
    }
    plain::tail(context, client, &run.id, stage).await
}

fn no_stage(run: &Run, unknown: &StageId) -> u8 {
    errln!("error: run {} has no stage `{unknown}`", run.id);
    let known: Vec<&str> = run.stages.keys().map(StageId::as_str).collect();
    errln!("help: it has {}", known.join(", "));
    exit::USAGE
}

async fn logs(client: &Client, id: &str, stage: Option<StageId>, attempt: Option<u32>, json: bool) -> Result<u8, ClientError> {
    let run = client.run(id).await?;
    let several = stage.is_none();
    let stages: Vec<StageId> = match stage {
        Some(unknown) if !run.stages.contains_key(&unknown) => return Ok(no_stage(&run, &unknown)),
        Some(stage) => vec![stage],
        None => run.stages.values().filter(|stage| !stage.attempts.is_empty()).map(|stage| stage.id.clone()).collect(),
    };
    if let (Some(number), [stage]) = (attempt, stages.as_slice()) {
        let count = run.stages.get(stage).map_or(0, |stage| stage.attempts.len());
        if !(1..=count).contains(&usize::try_from(number).unwrap_or(usize::MAX)) {
            errln!("error: stage `{stage}` of run {} has no attempt {number}; there are {count}", run.id);
            return Ok(exit::USAGE);
        }
    }
    let mut form = Form { json, prefix: several, harmless: std::io::stdout().is_terminal(), first: true };
    form.open(&run);
    for stage in stages {
        print_log(client, &run, &stage, attempt, &mut form).await?;
    }
    form.close();
    Ok(exit::SUCCESS)
}

/// How many lines are fetched at once.
const PAGE: u64 = 4000;

/// How lines of output are printed.
struct Form {
    /// As one document, written while it is read: a log may be larger than memory.
    json: bool,
    prefix: bool,
    /// Made so for a terminal; elsewhere output is printed as it was written.
    harmless: bool,
    first: bool,
}

impl Form {
    fn open(&self, run: &Run) {
        if self.json {
            outln!("{{\"id\": {}, \"lines\": [", serde_json::json!(run.id));
        }
    }

    fn line(&mut self, stage: &StageId, line: &LogLine) {
        if self.json {
            let comma = if std::mem::take(&mut self.first) { ' ' } else { ',' };
            let mut document = serde_json::json!({"stage": stage});
            if let (Some(fields), Ok(serde_json::Value::Object(more))) = (document.as_object_mut(), serde_json::to_value(line)) {
                fields.extend(more);
            }
            outln!("{comma}{document}");
            return;
        }
        let text = if self.harmless { inert::line(&line.text) } else { line.text.as_str().into() };
        let prefix = if self.prefix { format!("{stage} | ") } else { String::new() };
        let end = if line.partial { "" } else { "\n" };
        out::bytes(format!("{prefix}{text}{end}").as_bytes());
    }

    fn close(&self) {
        if self.json {
            outln!("]}}");
        }
    }
}

async fn print_log(
    client: &Client,
    run: &Run,
    stage: &StageId,
    attempt: Option<u32>,
    form: &mut Form,
) -> Result<(), ClientError> {
    let mut from = 0;
    loop {
        let query = LogQuery { stage: stage.clone(), attempt, from: Some(from), count: PAGE };
        let window = client.log(run.id.as_str(), &query).await?;
        if let (0, Some(damage)) = (from, &window.damage) {
            errln!("warning: {stage}: {damage}");
        }
        window.lines.iter().for_each(|line| form.line(stage, line));
        let read = window.lines.len() as u64;
        from += read;
        if read < PAGE {
            return Ok(());
        }
    }
}
