//! The demo without a terminal: a good version through its gate to production, then a bad one that is taken back by itself.
//!
//! Looks at what it says: each sentence is checked against the service or the record, and the exit code is 0 only if all hold.

use std::time::Duration;

use flowdeck::cli::{self, Context, Handoff};
use flowdeck::client::{Client, ClientError};
use flowdeck::demo::workspace::Demo;
use flowdeck::model::{Answer, Decided, GateStatus, Release, ReleaseVerdict, Run, RunId, RunStatus, ServiceView};

/// Between two looks for a gate.
const LOOK: Duration = Duration::from_millis(50);
const PRODUCTION: &str = "production";

type Told<T> = Result<T, String>;

/// Tells the story; gives the exit code.
pub async fn tell(context: &Context, demo: &Demo, input: &[String]) -> u8 {
    let [staging, production] = &demo.urls;
    cli::say(&format!("demo in {}: staging {staging}, production {production}", demo.dir.display()));
    match whole(context, production, input).await {
        Ok(()) => cli::exit::SUCCESS,
        Err(why) => {
            cli::say(&format!("the demo ends here: {why}"));
            cli::exit::FAILED
        }
    }
}

async fn whole(context: &Context, production: &str, input: &[String]) -> Told<()> {
    let (client, good) = release(context, "release", input).await?;
    ended(&good, RunStatus::Succeeded)?;
    let version = good.inputs["version"].as_str().unwrap_or_default();
    answers(production, version).await?;
    let (_, bad) = release(context, "bad-release", &[]).await?;
    ended(&bad, RunStatus::Failed)?;
    answers(production, version).await?;
    on_record(&client, version, &bad.id).await
}

/// Runs a release to its end, and agrees to it when it is asked.
async fn release(context: &Context, pipeline: &str, input: &[String]) -> Told<(Client, Run)> {
    let (client, id) = cli::start_named(context, pipeline, input).await.map_err(|handoff| match handoff {
        Handoff::Exit(code) => format!("{pipeline} did not start (exit code {code})"),
        _ => format!("{pipeline} did not start"),
    })?;
    let run = agreed_to_end(context, &client, &id).await.map_err(|error| error.to_string())?;
    Ok((client, run))
}

async fn agreed_to_end(context: &Context, client: &Client, id: &RunId) -> Result<Run, ClientError> {
    let mut story = std::pin::pin!(cli::tell_to_end(context, client, id));
    tokio::select! {
        run = &mut story => run,
        agreed = agree(client, id) => {
            agreed?;
            story.await
        }
    }
}

/// Says yes to the request of a run for production, as `flowdeck gates approve` does.
async fn agree(client: &Client, run: &RunId) -> Result<(), ClientError> {
    let gate = loop {
        let gates = client.gates(false).await?;
        match gates.into_iter().find(|gate| gate.run_id == *run && gate.status == GateStatus::Pending) {
            Some(gate) => break gate,
            None => tokio::time::sleep(LOOK).await,
        }
    };
    let short: String = gate.digest.chars().take(12).collect();
    cli::say(&format!("the demo agrees: flowdeck gates approve {} --digest {short} --reason 'the demo says yes'", gate.id));
    let reason = "the demo says yes".to_owned();
    let decided = Decided { answer: Answer::Approve, generation: None, digest: short, reason };
    client.decide(gate.id.as_str(), &decided).await.map(drop)
}

fn ended(run: &Run, wanted: RunStatus) -> Told<()> {
    match run.status == wanted {
        true => Ok(()),
        false => Err(format!("run {} should be {wanted:?} and is {:?}", run.id, run.status).to_lowercase()),
    }
}

/// Whether production answers a version through its address.
async fn answers(production: &str, version: &str) -> Told<()> {
    let ask = async {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
        client.get(format!("{production}/version")).send().await?.json::<serde_json::Value>().await
    };
    let said = ask.await.map_err(|error| error.to_string())?;
    let found = said["version"].as_str().unwrap_or_default();
    cli::say(&format!("production answers {found}"));
    if found == version { Ok(()) } else { Err(format!("production should answer {version}")) }
}

/// What `flowdeck releases` says: the good version is live, the bad one is bad, kept out, and production held.
async fn on_record(client: &Client, good: &str, run: &RunId) -> Told<()> {
    let all = client.deployments().await.map_err(|error| error.to_string())?;
    let production = all.environments.iter().find(|view| view.name == PRODUCTION).ok_or("there is no production")?;
    let service = production.services.first().ok_or("nothing was deployed to production")?;
    let live = live(service).ok_or("nothing is live in production")?;
    let bad = service.releases.iter().find(|release| release.record.run == *run).ok_or("the bad release is not on record")?;
    for release in [live, bad] {
        let why = release.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        cli::say(&format!("release {} is {}{why}", release.record.version, release.verdict.as_str()));
    }
    let hold = production.hold.as_ref().ok_or("production is not held")?;
    cli::say(&format!("production is held by {}: nothing deploys there by itself", hold.by));
    let kept_out = bad.record.artefacts.values().all(|digest| production.quarantined.contains_key(digest));
    let holds = live.record.version == good && bad.verdict == ReleaseVerdict::Bad && kept_out;
    if holds { Ok(()) } else { Err("that is not what should be on record".to_owned()) }
}

fn live(service: &ServiceView) -> Option<&Release> {
    service.releases.iter().find(|release| Some(&release.record.id) == service.live.as_ref())
}
