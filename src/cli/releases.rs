//! `flowdeck releases`: what is live where, and what an environment lets in.

use super::explain::refused;
use super::{Context, Handoff, exit, inert, table};
use crate::client::{Client, ClientError};
use crate::model::{
    Deployments, EnvironmentView, PromoteRequest, Release, ServiceView, StandingChange, StandingRequest, Timestamp, Values,
};

/// Show what is live where; hold, lift and promote
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
A release is on record by a `deploy` stage. While an environment is held nothing deploys there by itself; an artefact in quarantine
is deployed by nobody. Both stay until somebody lifts them. `flowdeck rollback` goes back. Exit code 3: refused.";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// What is live where (the default)
    List {
        /// Only this environment
        #[arg(long, value_name = "NAME")]
        env: Option<String>,
    },
    /// Every release of an environment, newest first
    History {
        environment: String,
        /// Only this service
        #[arg(long)]
        service: Option<String>,
    },
    /// Keep everything automatic out of an environment
    Hold(Stop),
    /// Keep an artefact out of an environment
    Quarantine(Artefact),
    /// Lift the hold of an environment, or with `--artifact` a quarantine
    Lift(Lift),
    /// Bring what is live in the environment before to this one
    Promote(Promote),
}

#[derive(Debug, clap::Args)]
struct Stop {
    environment: String,
    /// Why; it is on record for ever
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
struct Artefact {
    #[command(flatten)]
    stop: Stop,
    /// The artefact's digest, as a release has it
    #[arg(long, alias = "artefact", value_name = "DIGEST")]
    artifact: String,
}

#[derive(Debug, clap::Args)]
struct Lift {
    #[command(flatten)]
    stop: Stop,
    /// Let this artefact out of quarantine
    #[arg(long, alias = "artefact", value_name = "DIGEST")]
    artifact: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Promote {
    /// The environment to bring it to
    to: String,
    /// The only one there, when absent
    #[arg(long)]
    service: Option<String>,
    /// Only say whether it may go, and everything that is missing
    #[arg(long)]
    check: bool,
}

pub async fn run(args: Args, context: Context) -> Handoff {
    let action = args.action.unwrap_or(Action::List { env: None });
    let looks = matches!(action, Action::List { .. } | Action::History { .. } | Action::Promote(Promote { check: true, .. }));
    if context.read_only && !looks {
        errln!("error: `--read-only` changes nothing");
        return Handoff::Exit(exit::REFUSED);
    }
    let client = match context.engine().await {
        Ok(client) => client,
        Err(error) => return refused(&error),
    };
    let done = match action {
        Action::List { env } => client.deployments().await.map(|all| list(&only(all, env.as_deref()), args.json)),
        Action::History { environment, service } => {
            let all = client.deployments().await.map(|all| only(all, Some(&environment)));
            all.map(|all| history(&all, service.as_deref(), args.json))
        }
        Action::Hold(stop) => change(&client, stop, StandingChange::Hold, args.json).await,
        Action::Quarantine(Artefact { stop, artifact }) => {
            change(&client, stop, StandingChange::Quarantine { digest: artifact }, args.json).await
        }
        Action::Lift(Lift { stop, artifact: Some(digest) }) => {
            change(&client, stop, StandingChange::LiftQuarantine { digest }, args.json).await
        }
        Action::Lift(Lift { stop, artifact: None }) => change(&client, stop, StandingChange::LiftHold, args.json).await,
        Action::Promote(promote) => match self::promote(&client, promote, args.json).await {
            Ok(code) => return Handoff::Exit(code),
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => Handoff::Exit(exit::SUCCESS),
        Err(error) => refused(&error),
    }
}

fn only(mut all: Deployments, environment: Option<&str>) -> Deployments {
    all.environments.retain(|view| environment.is_none_or(|name| view.name == name));
    all
}

async fn change(client: &Client, stop: Stop, change: StandingChange, json: bool) -> Result<(), ClientError> {
    let Stop { environment, reason } = stop;
    let all = client.change_standing(&environment, &StandingRequest { change, reason }).await?;
    list(&only(all, Some(&environment)), json);
    Ok(())
}

async fn promote(client: &Client, promote: Promote, json: bool) -> Result<u8, ClientError> {
    let Promote { to, service, check } = promote;
    if !check {
        let id = client.promote(&to, &PromoteRequest { service, values: Values::default() }).await?;
        if json {
            outln!("{}", serde_json::json!({"id": id}))
        } else {
            outln!("{id}")
        }
        return Ok(exit::SUCCESS);
    }
    let all = client.deployments().await?;
    let wanted = |name: &str| service.as_ref().is_none_or(|service| service == name);
    let found: Vec<_> = all
        .environments
        .iter()
        .flat_map(|view| view.services.iter().map(move |service| (view, service)))
        .filter(|(_, service)| wanted(&service.service))
        .flat_map(|(view, service)| service.promotions.iter().map(move |promotion| (view, service, promotion)))
        .filter(|(_, _, promotion)| promotion.to == to)
        .collect();
    if json {
        let rows: Vec<_> = found
            .iter()
            .map(|(view, service, promotion)| {
                serde_json::json!({"from": view.name, "service": service.service, "to": promotion.to, "missing": promotion.missing})
            })
            .collect();
        outln!("{}", serde_json::to_string_pretty(&serde_json::json!({"promotions": rows})).unwrap_or_default());
    } else if found.is_empty() {
        outln!("nothing is live in an environment that {} is promoted from", inert::line(&to));
    }
    for (view, service, promotion) in found.iter().filter(|_| !json) {
        let version = service.live().map_or("", |live| live.record.version.as_str());
        let head = format!("{} {version} from {} to {}", service.service, view.name, promotion.to);
        if promotion.missing.is_empty() {
            outln!("{} may go", inert::line(&head));
        } else {
            outln!("{} may not go:", inert::line(&head));
            promotion.missing.iter().for_each(|missing| outln!("  {}", inert::line(missing)));
        }
    }
    let ready = !found.is_empty() && found.iter().all(|(_, _, promotion)| promotion.missing.is_empty());
    Ok(if ready { exit::SUCCESS } else { exit::REFUSED })
}

fn list(all: &Deployments, json: bool) {
    if json {
        outln!("{}", serde_json::to_string_pretty(all).unwrap_or_default());
        return;
    }
    let rows: Vec<Vec<String>> =
        all.environments.iter().flat_map(|view| view.services.iter().map(move |service| row(view, service))).collect();
    if rows.is_empty() {
        outln!("nothing is on record: a `deploy` stage makes a release");
    } else {
        table(&["ENVIRONMENT", "SERVICE", "LIVE", "STATE", "SINCE", "RUN", "NOW"], &rows);
    }
    for view in &all.environments {
        if let Some(stop) = &view.hold {
            outln!(
                "{} is held by {} since {}: {}",
                inert::line(&view.name),
                inert::line(&stop.by),
                stop.at,
                inert::line(&stop.reason)
            );
        }
        for (digest, stop) in &view.quarantined {
            let (name, digest) = (inert::line(&view.name), inert::line(digest));
            outln!("{digest} is in quarantine in {name} by {}: {}", inert::line(&stop.by), inert::line(&stop.reason));
        }
        for glass in &view.glass {
            let (name, gate) = (inert::line(&view.name), inert::line(glass.gate.as_str()));
            let guards: Vec<&str> = glass.guards.iter().map(|guard| guard.as_str()).collect();
            let why = format!("{} ({})", glass.reason, glass.incident);
            outln!(
                "the glass of {name} was broken for {gate} by {}: {}, {}",
                inert::line(&glass.by),
                guards.join(", "),
                inert::line(&why)
            );
            outln!("  it waits for a review: flowdeck gates review {gate} --reason TEXT");
        }
        if let Some(frozen) = &view.frozen {
            outln!("{} is frozen {}", inert::line(&view.name), inert::line(frozen));
        }
    }
}

fn row(view: &EnvironmentView, service: &ServiceView) -> Vec<String> {
    let live = service.live();
    let newest = service.releases.first().filter(|newest| Some(&newest.record.id) != service.live.as_ref());
    vec![
        view.name.clone(),
        service.service.clone(),
        live.map_or_else(|| "-".to_owned(), |live| live.record.version.clone()),
        live.map_or_else(String::new, |live| live.verdict.as_str().to_owned()),
        live.and_then(|live| live.verified_at).map(minute).unwrap_or_default(),
        live.map(|live| live.record.run.to_string()).unwrap_or_default(),
        newest.map(|newest| format!("{} {}", newest.record.version, newest.verdict.as_str())).unwrap_or_default(),
    ]
}

fn history(all: &Deployments, service: Option<&str>, json: bool) {
    let services = all.environments.iter().flat_map(|view| &view.services);
    let releases: Vec<&Release> =
        services.filter(|view| service.is_none_or(|name| view.service == name)).flat_map(|view| &view.releases).collect();
    if json {
        outln!("{}", serde_json::to_string_pretty(&serde_json::json!({"releases": releases})).unwrap_or_default());
        return;
    }
    let row = |release: &&Release| {
        let record = &release.record;
        vec![
            record.service.clone(),
            record.version.clone(),
            release.verdict.as_str().to_owned(),
            minute(release.created_at),
            record.run.to_string(),
            record.by.clone(),
            release.reason.clone().or_else(|| record.back.as_ref().map(|back| back.reason.clone())).unwrap_or_default(),
        ]
    };
    table(&["SERVICE", "VERSION", "STATE", "BEGAN", "RUN", "BY", "WHY"], &releases.iter().map(row).collect::<Vec<_>>());
}

fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{}Z", minute.replace('T', " ")))
}
