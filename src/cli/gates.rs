//! `flowdeck gates`: what waits for approval, and the decisions about it.

use super::explain::refused;
use super::{Context, Handoff, exit, inert, table};
use crate::client::{Client, ClientError};
use crate::model::{Answer, BreakRequest, Decided, GateStatus, GateView, Guard, ReviewRequest, Timestamp};

/// List, show and decide requests to start in a protected environment
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print one JSON document
    #[arg(long, global = true)]
    json: bool,
}

const HELP: &str = "\
A decision names the digest that was looked at (`gates show` prints it): it is void for anything else. Who may decide is written in
flowdeck.toml; `flowdeck whoami` says what you may. Refused decisions are on record as well. Exit code 3: refused.";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// What waits for people, oldest first (the default)
    List {
        /// Also what is over
        #[arg(long)]
        all: bool,
    },
    /// A request with everything it is about
    Show {
        /// A gate, or the beginning of its name
        gate: String,
    },
    /// Say yes
    Approve(Decision),
    /// Say no; one no is enough
    Reject(Decision),
    /// Take a request back
    Withdraw(Decision),
    /// Bypass named guards of a request, in an emergency and on record
    BreakGlass(Breaking),
    /// Close the review of a gate whose glass was broken
    Review {
        /// A gate, or the beginning of its name
        gate: String,
        /// What came of it; it is on record for ever
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, clap::Args)]
struct Decision {
    /// A gate, or the beginning of its name
    gate: String,
    /// At least the first 12 hex digits of the digest that you looked at
    #[arg(long)]
    digest: String,
    /// Why; it is on record for ever
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct Breaking {
    /// A gate, or the beginning of its name
    gate: String,
    /// The whole digest that you looked at
    #[arg(long)]
    digest: String,
    /// What to bypass: quorum, freeze, hold, quarantine, promotion
    #[arg(long = "guard", value_name = "GUARD", required = true, value_delimiter = ',', value_parser = guard)]
    guards: Vec<Guard>,
    /// Why; it is on record for ever
    #[arg(long)]
    reason: String,
    /// The incident that it is for
    #[arg(long)]
    incident: String,
    /// The environment's name, once more
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: String,
}

fn guard(name: &str) -> Result<Guard, String> {
    let all = || Guard::ALL.map(Guard::as_str).join(", ");
    Guard::from_name(name).ok_or_else(|| format!("one of {}", all()))
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let client = match context.engine().await {
        Ok(client) => client,
        Err(error) => return refused(&error),
    };
    let done = match args.action.unwrap_or(Action::List { all: false }) {
        Action::List { all } => client.gates(all).await.map(|gates| list(&gates, args.json)),
        Action::Show { gate } => client.gate(&gate).await.map(|gate| show(&gate, args.json)),
        Action::Approve(decision) => decide(&client, Answer::Approve, decision, args.json).await,
        Action::Reject(decision) => decide(&client, Answer::Reject, decision, args.json).await,
        Action::Withdraw(decision) => decide(&client, Answer::Withdraw, decision, args.json).await,
        Action::Review { gate, reason } => client.review_glass(&gate, &ReviewRequest { reason }).await.map(|all| {
            if args.json {
                outln!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
            } else {
                outln!("{} is reviewed", inert::line(&gate));
            }
        }),
        Action::BreakGlass(breaking) => match break_glass(&client, breaking, args.json).await {
            Ok(handoff) => return handoff,
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => Handoff::Exit(exit::SUCCESS),
        Err(error) => refused(&error),
    }
}

async fn break_glass(client: &Client, breaking: Breaking, json: bool) -> Result<Handoff, ClientError> {
    let Breaking { gate, digest, guards, reason, incident, confirm } = breaking;
    let shown = client.gate(&gate).await?;
    if confirm != shown.environment {
        errln!("error: `--confirm` must be the environment that this is for");
        errln!("help: {} is a request for {}", inert::line(shown.id.as_str()), inert::line(&shown.environment));
        return Ok(Handoff::Exit(exit::USAGE));
    }
    let request = BreakRequest { digest: digest.to_lowercase(), guards: guards.into_iter().collect(), reason, incident };
    let gate = client.break_glass(shown.id.as_str(), &request).await?;
    if json {
        outln!("{}", serde_json::to_string_pretty(&gate).unwrap_or_default());
    } else if let Some(glass) = &gate.glass {
        let guards: Vec<&str> = glass.guards.iter().map(|guard| guard.as_str()).collect();
        outln!("{} bypasses {} until {}", inert::line(gate.id.as_str()), guards.join(", "), glass.until);
    }
    Ok(Handoff::Exit(exit::SUCCESS))
}

async fn decide(client: &Client, answer: Answer, decision: Decision, json: bool) -> Result<(), ClientError> {
    let Decision { gate, digest, reason } = decision;
    let gate = client.decide(&gate, &Decided { answer, generation: None, digest: digest.to_lowercase(), reason }).await?;
    if json {
        outln!("{}", serde_json::to_string_pretty(&gate).unwrap_or_default());
        return Ok(());
    }
    outln!("{} is {}", inert::line(gate.id.as_str()), gate.status.as_str());
    gate.blockers.iter().for_each(|blocker| outln!("  {}", inert::line(blocker)));
    Ok(())
}

fn list(gates: &[GateView], json: bool) {
    if json {
        outln!("{}", serde_json::to_string_pretty(&serde_json::json!({"gates": gates})).unwrap_or_default());
    } else if gates.is_empty() {
        outln!("nothing waits for approval");
    } else {
        let header = ["GATE", "ENVIRONMENT", "STATUS", "ASKED BY", "DIGEST", "EXPIRES", "WAITS FOR"];
        table(&header, &gates.iter().map(row).collect::<Vec<_>>());
    }
}

fn row(gate: &GateView) -> Vec<String> {
    vec![
        gate.id.to_string(),
        place(gate),
        gate.status.as_str().to_owned(),
        gate.requested_by.clone(),
        gate.digest.chars().take(12).collect(),
        minute(gate.expires_at),
        gate.blockers.join("; "),
    ]
}

fn place(gate: &GateView) -> String {
    match &gate.service {
        Some(service) => format!("{}/{service}", gate.environment),
        None => gate.environment.clone(),
    }
}

fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{}Z", minute.replace('T', " ")))
}

fn show(gate: &GateView, json: bool) {
    if json {
        outln!("{}", serde_json::to_string_pretty(gate).unwrap_or_default());
        return;
    }
    let line = |name: &str, value: &str| outln!("  {name:<12}{}", inert::line(value));
    outln!("{}  {}", inert::line(gate.id.as_str()), gate.status.as_str());
    line("environment", &place(gate));
    line("run", gate.run_id.as_str());
    let whole = gate.stage.as_str() == "*";
    line("stage", if whole { "everything that acts outside" } else { gate.stage.as_str() });
    line("asked by", &gate.requested_by);
    line("asked at", &gate.opened_at.to_string());
    line("expires at", &gate.expires_at.to_string());
    line("generation", &gate.generation.to_string());
    line("digest", &gate.digest);
    if let Some(reason) = &gate.reason {
        line("because", reason);
    }
    for rule in &gate.rules {
        let names = if rule.approvals.is_empty() { String::new() } else { format!(": {}", rule.approvals.join(", ")) };
        line("rule", &format!("{}, {} of {}{names}", rule.name, rule.approvals.len(), rule.min));
    }
    if let Some(message) = &gate.evidence.message {
        line("asks", message);
    }
    if let Some(version) = &gate.evidence.version {
        let live = gate.evidence.live_version.as_deref().unwrap_or("nothing");
        line("version", &format!("{live} -> {version}"));
    }
    for change in &gate.evidence.changes {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        line("differs", &format!("{}: {} -> {}", change.what, text(&change.before), text(&change.after)));
    }
    gate.evidence.shown.iter().for_each(|shown| line("evidence", &format!("{}: {}", shown.name, shown.value)));
    if let Some(glass) = &gate.glass {
        let guards: Vec<&str> = glass.guards.iter().map(|guard| guard.as_str()).collect();
        line(
            "glass broken",
            &format!("{} by {} until {}: {} ({})", guards.join(", "), glass.by, glass.until, glass.reason, glass.incident),
        );
    }
    gate.blockers.iter().for_each(|blocker| line("waits for", blocker));
    for decision in gate.decisions.iter() {
        let void = if decision.generation == gate.generation { "" } else { " (void: it was about an earlier subject)" };
        let answer = match decision.answer {
            Answer::Approve => "yes",
            Answer::Reject => "no",
            Answer::Withdraw => "withdrawn",
        };
        line(answer, &format!("{} at {}: {}{void}", decision.by.name, decision.at, decision.reason));
    }
    if gate.status == GateStatus::Pending {
        let digest: String = gate.digest.chars().take(12).collect();
        outln!("");
        outln!("flowdeck gates approve {} --digest {digest} --reason TEXT", inert::line(gate.id.as_str()));
    }
}
