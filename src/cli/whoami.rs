//! `flowdeck whoami`: who you are to the engine, by what proof, and what you may do.

use super::explain::refused;
use super::{Context, Handoff, exit, inert, table};
use crate::model::{Permission, Proof, Whoami};

/// Say who you are to the engine, and what you may do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let answer = match context.engine().await {
        Ok(client) => client.whoami().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(whoami) => {
            print(&whoami, args.json);
            Handoff::Exit(exit::SUCCESS)
        }
        Err(error) => refused(&error),
    }
}

fn print(whoami: &Whoami, json: bool) {
    if json {
        outln!("{}", serde_json::to_string_pretty(whoami).unwrap_or_default());
        return;
    }
    let person = &whoami.person;
    let uid = person.uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
    let groups: Vec<&str> = person.groups.iter().map(String::as_str).collect();
    let program = if person.service { ", a service account" } else { "" };
    outln!("{}{uid}{program}", inert::line(&person.name));
    outln!("  groups  {}", if groups.is_empty() { "none".to_owned() } else { inert::line(&groups.join(", ")).to_string() });
    outln!("  proof   {}", proof(whoami));
    outln!("  engine  runs as {}", inert::line(&whoami.engine_user));
    outln!("  policy  {}", whoami.policy);
    outln!("");
    table(&["WHERE", "WHAT", "", "WHY"], &whoami.may.iter().map(row).collect::<Vec<_>>());
    if let Some(problem) = &whoami.policy_problem {
        errln!(
            "warning: the workspace file is broken; the policy before it is in force, and nothing starts in a protected environment"
        );
        problem.lines().for_each(|line| errln!("{}", inert::line(line)));
    }
}

fn proof(whoami: &Whoami) -> String {
    match whoami.proof {
        Proof::PeerCredentials => {
            let pid = whoami.pid.map(|pid| format!(" of process {pid}")).unwrap_or_default();
            format!("the kernel's word{pid} over {}; groups as the system has them now", whoami.socket)
        }
        Proof::Engine => "the engine itself".to_owned(),
    }
}

fn row(permission: &Permission) -> Vec<String> {
    vec![
        permission.environment.clone().unwrap_or_else(|| "workspace".to_owned()),
        permission.action.clone(),
        if permission.allowed { "yes" } else { "no" }.to_owned(),
        permission.reason.clone().unwrap_or_default(),
    ]
}
