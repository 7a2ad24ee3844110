//! `flowdeck rollback`: back to an earlier release.

use super::explain::refused;
use super::run::{How, follow};
use super::values::named;
use super::{Context, Handoff, exit, inert};
use crate::client::{Client, ClientError};
use crate::model::{Quorum, RollbackPlan, RollbackRequest};

/// Bring an earlier release back to an environment
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The environment
    environment: String,
    /// The only one there, when absent
    #[arg(long)]
    service: Option<String>,
    /// A version [default: the newest stable release that is not live]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Why; it is on record for ever
    #[arg(long, required_unless_present = "plan")]
    reason: Option<String>,
    /// Only say what it would do
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    how: How,
}

const HELP: &str = "\
It runs the environment's `rollback` pipeline, or of the pipeline that brought that release the deployment alone. Within the last 3
releases one person who may deploy is enough; further back the environment's rules hold. Afterwards the environment is held and what
was rolled back is in quarantine: `flowdeck releases lift`. Exit code 3: refused, or nothing to go back to.";

pub async fn run(args: Args, context: Context) -> Handoff {
    if context.read_only && !args.plan {
        errln!("error: `--read-only` starts nothing");
        return Handoff::Exit(exit::REFUSED);
    }
    let client = match context.engine().await {
        Ok(client) => client,
        Err(error) => return refused(&error),
    };
    match go(&args, &client, &context).await {
        Ok(Some(id)) => follow(&args.how, context, client, id).await,
        Ok(None) => Handoff::Exit(exit::SUCCESS),
        Err(Failed::Client(error)) => refused(&error),
        Err(Failed::Value(message)) => {
            errln!("error: {message}");
            Handoff::Exit(exit::USAGE)
        }
    }
}

enum Failed {
    Client(ClientError),
    Value(String),
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

async fn go(args: &Args, client: &Client, context: &Context) -> Result<Option<crate::model::RunId>, Failed> {
    let plan = client.rollback_plan(&args.environment, args.service.as_deref(), args.to.as_deref()).await?;
    if args.plan {
        show(&plan, args.how.json);
        return Ok(None);
    }
    let request = RollbackRequest {
        service: Some(plan.service.clone()),
        to: Some(plan.target.record.version.clone()),
        reason: args.reason.clone().unwrap_or_default(),
        live: plan.live.as_ref().map(|live| live.record.id.clone()),
        values: named(context, &plan.values).map_err(Failed::Value)?,
    };
    Ok(Some(client.roll_back(&args.environment, &request).await?))
}

fn show(plan: &RollbackPlan, json: bool) {
    if json {
        outln!("{}", serde_json::to_string_pretty(plan).unwrap_or_default());
        return;
    }
    let live = plan.live.as_ref().map_or("nothing that is known", |live| live.record.version.as_str());
    let line = |text: &str| outln!("{}", inert::line(text));
    line(&format!("{} in {}: {live} -> {}", plan.service, plan.environment, plan.target.record.version));
    let stages: Vec<&str> = plan.stages.iter().map(crate::model::StageId::as_str).collect();
    line(&format!("runs {} of `{}`", stages.join(", "), plan.pipeline));
    line(match (plan.protected, plan.quorum) {
        (true, Quorum::Rules) => "needs the approval that the environment's rules ask for",
        _ => "starts at once",
    });
    plan.afterwards.iter().for_each(|after| line(&format!("afterwards {after}")));
}
