//! `flowdeck doctor`: what works here and what does not, each with what to do.

use serde_json::{Value, json};

use super::{Context, Handoff, access, exit};
use crate::accounts;
use crate::client::start;
use crate::config::{pipelines, read_file};
use crate::language::{self, Format};

/// Check this machine, workspace, engine and store
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

struct Finding {
    what: &'static str,
    good: bool,
    says: String,
}

fn finding(what: &'static str, result: Result<String, String>) -> Finding {
    let good = result.is_ok();
    Finding { what, good, says: result.unwrap_or_else(|problem| problem) }
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let mut findings = vec![
        finding("workspace", Ok(context.root().display().to_string())),
        finding("state", state(&context)),
        finding("pipelines", valid_pipelines(&context)),
        finding("access", Ok(access(&context))),
        finding("terminal", Ok(terminal())),
    ];
    findings.extend(engine(&context).await);
    let good = findings.iter().all(|finding| finding.good);
    if args.json {
        let list: Vec<Value> =
            findings.iter().map(|finding| json!({"check": finding.what, "ok": finding.good, "message": finding.says})).collect();
        outln!("{:#}", json!({"ok": good, "checks": list}));
    } else {
        for finding in &findings {
            outln!("{} {:<10} {}", if finding.good { "ok  " } else { "BAD " }, finding.what, finding.says);
        }
    }
    Handoff::Exit(if good { exit::SUCCESS } else { exit::FAILED })
}

fn state(context: &Context) -> Result<String, String> {
    let dir = context.paths.state_dir();
    if let Some(owner) = context.paths.other_owner() {
        return Ok(format!("{} belongs to {}, whose engine is asked", dir.display(), accounts::user_name(owner)));
    }
    let problem = |error: std::io::Error| format!("{}: {error}; choose another place with --state-dir", dir.display());
    std::fs::create_dir_all(dir).map_err(problem)?;
    let probe = dir.join(".doctor");
    std::fs::write(&probe, b"x").map_err(problem)?;
    std::fs::remove_file(&probe).map_err(problem)?;
    Ok(format!("{} is writable", dir.display()))
}

/// Who has access, with what is doubtful about it; doubts are no faults.
fn access(context: &Context) -> String {
    let who = match &context.workspace.file.access {
        None => "only the user that runs the engine",
        Some(_) => "as [access] says; `flowdeck whoami` tells what that means for you",
    };
    let doubts: Vec<String> = access::doubts(&context.workspace.file);
    if doubts.is_empty() { who.to_owned() } else { format!("{who}; warning: {}", doubts.join("; ")) }
}

fn valid_pipelines(context: &Context) -> Result<String, String> {
    let files = pipelines(context.root()).map_err(|error| error.to_string())?;
    let invalid: Vec<String> = files
        .iter()
        .filter(|file| {
            let text = read_file(file).unwrap_or_default();
            language::load(&text, Format::of(&file.display().to_string(), &text)).pipeline.is_none()
        })
        .map(|file| file.display().to_string())
        .collect();
    if files.is_empty() {
        return Ok("none yet; `flowdeck init` makes a first one".to_owned());
    }
    if invalid.is_empty() {
        return Ok(format!("{} valid", files.len()));
    }
    Err(format!("invalid: {}; see `flowdeck validate`", invalid.join(", ")))
}

fn terminal() -> String {
    let term = std::env::var("TERM").unwrap_or_else(|_| "not set".to_owned());
    let language = std::env::var("LC_ALL").or_else(|_| std::env::var("LANG")).unwrap_or_else(|_| "not set".to_owned());
    format!("TERM {term}, LANG {language}")
}

async fn engine(context: &Context) -> Vec<Finding> {
    match start::answers(context.paths.socket()).await {
        Ok(true) => {}
        Ok(false) => return vec![finding("engine", Ok("none runs; the next command that needs one starts it".to_owned()))],
        Err(error) => return vec![finding("engine", Err(error.to_string()))],
    }
    let client = match context.client() {
        Ok(client) => client,
        Err(error) => return vec![finding("engine", Err(error.to_string()))],
    };
    let status = match client.status().await {
        Ok(status) if status.version == env!("CARGO_PKG_VERSION") => {
            Ok(format!("{} runs as process {}", status.version, status.pid))
        }
        Ok(status) => Err(format!("version {} runs; `flowdeck engine stop` lets this version take over", status.version)),
        Err(error) => Err(error.to_string()),
    };
    let store = match client.doctor().await {
        Ok(problems) if problems.is_empty() => Ok("sound".to_owned()),
        Ok(problems) => Err(problems.join("; ")),
        Err(error) => Err(error.to_string()),
    };
    vec![finding("engine", status), finding("store", store)]
}
