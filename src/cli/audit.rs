//! `flowdeck audit`: who did what, and the proof that nobody changed the record of it.
//!
//! Owns the arguments and everything that is printed. Where records come from, the engine or a store without one, `main` knows.

mod export;
mod since;

use serde_json::{Value, json};

use super::{Context, Handoff, exit, inert, table};
use crate::model::{AuditQuery, AuditRecord, AuditVerdict, Sealed};
pub use export::{Format, Writer};

/// Rows of a listing where nobody says how many.
const ROWS: u32 = 20;

/// Show, prove and export the record of who did what
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub json: bool,
}

const HELP: &str = "\
All of it works without an engine as well. `verify` exits with 1 and names the first bad record when the chain is not whole.
A checkpoint is the signed end of the chain: kept elsewhere, it shows an end that was cut off and a chain that was rewritten.
`[audit] checkpoint = \"FILE\"` in flowdeck.toml has the engine add them to a file by itself.";

/// What is wanted.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// The newest records (the default)
    List(ListArgs),
    /// Go through the whole chain, and compare it with checkpoints
    Verify(VerifyArgs),
    /// Write all records out, oldest first
    Export(ExportArgs),
    /// Sign for the chain as it is now
    Checkpoint(CheckpointArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only this action, such as `run.created`, or a family of them, such as `run`
    #[arg(long)]
    action: Option<String>,
    /// Only what this person did
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only since then: `24h`, `2026-01-31`, or a time such as `2026-01-31T08:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = since::parse)]
    since: Option<crate::model::Timestamp>,
    /// How many, up to 10 000
    #[arg(long, default_value_t = ROWS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A file of checkpoints [default: the one in flowdeck.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<std::path::PathBuf>,
    /// The public keys that checkpoints may be signed with [default: the file of checkpoints with `.pub`]
    #[arg(long, value_name = "FILE")]
    pub key: Option<std::path::PathBuf>,
    /// An exported chain (JSON lines) instead of this workspace's
    #[arg(long, value_name = "EXPORT")]
    pub file: Option<std::path::PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// `jsonl` can be verified again; `csv` is for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub format: Format,
    /// Where to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<std::path::PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct CheckpointArgs {
    /// Add it to this file, and the public key to FILE.pub [default: the file in flowdeck.toml, else standard output]
    #[arg(long, value_name = "FILE")]
    pub to: Option<std::path::PathBuf>,
}

impl Args {
    /// What is wanted; the newest records when nothing was said.
    pub fn into_action(self) -> Action {
        self.action.unwrap_or(Action::List(ListArgs { action: None, actor: None, since: None, limit: ROWS }))
    }
}

impl ListArgs {
    pub fn query(self) -> AuditQuery {
        AuditQuery { action: self.action, actor: self.actor, since: self.since, limit: Some(self.limit), ..AuditQuery::default() }
    }
}

pub async fn run(args: Args, context: Context) -> Handoff {
    if context.read_only && matches!(args.action, Some(Action::Checkpoint(_))) {
        errln!("error: `--read-only` signs nothing");
        return Handoff::Exit(exit::REFUSED);
    }
    Handoff::Audit { context: Box::new(context), options: args }
}

/// Prints a listing.
pub fn list(records: &[AuditRecord], json: bool) {
    if json {
        outln!("{:#}", json!({"records": records}));
        return;
    }
    let row = |record: &AuditRecord| {
        let at = record.at.to_string().get(..19).unwrap_or_default().replace('T', " ");
        let seq = record.seq.to_string();
        vec![seq, at, record.actor.clone(), record.action.clone(), record.subject.clone(), record.body.to_string()]
    };
    table::print(&["SEQ", "AT (UTC)", "ACTOR", "ACTION", "SUBJECT", "DETAILS"], &records.iter().map(row).collect::<Vec<_>>());
}

/// Prints whether the chain is whole; gives the exit code.
pub fn tell(verdict: &AuditVerdict, json: bool) -> u8 {
    let code = if matches!(verdict, AuditVerdict::Whole(_)) { exit::SUCCESS } else { exit::FAILED };
    if json {
        outln!("{:#}", document(verdict));
        return code;
    }
    match verdict {
        AuditVerdict::Whole(summary) => {
            outln!("the audit chain is whole: {} records, the last one's hash is {}", summary.records, summary.hash);
            if summary.checkpoints == 0 {
                errln!("note: without checkpoints an end that was cut off, or a chain written anew, is not noticed");
            } else {
                outln!("{} checkpoints agree, up to record {}", summary.checkpoints, summary.signed_up_to);
            }
        }
        AuditVerdict::Broken(broken) => outln!("the audit chain is not whole: {}", inert::line(&broken.to_string())),
    }
    code
}

/// The verdict, with `ok` where scripts look for it.
fn document(verdict: &AuditVerdict) -> Value {
    let (ok, mut body) = match verdict {
        AuditVerdict::Whole(summary) => (true, json!(summary)),
        AuditVerdict::Broken(broken) => (false, json!(broken)),
    };
    if let AuditVerdict::Broken(broken) = verdict {
        body["message"] = json!(broken.to_string());
    }
    let mut document = json!({"ok": ok});
    if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), body) {
        document.extend(fields);
    }
    document
}

/// Prints a checkpoint that goes to no file.
pub fn show(sealed: &Sealed, json: bool) {
    if json {
        outln!("{:#}", json!(sealed));
        return;
    }
    outln!("{}", serde_json::to_string(&sealed.checkpoint).unwrap_or_default());
    errln!("note: its public key is {}", sealed.public);
}

/// Says that a checkpoint went to a file.
pub fn signed(sealed: &Sealed, path: &std::path::Path, json: bool) {
    if json {
        return show(sealed, json);
    }
    outln!("record {} is signed for in {}", sealed.checkpoint.seq, inert::line(&path.display().to_string()));
}
