//! `flowdeck deploy`: a run of a pipeline for an environment, with a version.

use super::{Context, Handoff, run};

/// Run a pipeline that deploys a version to an environment
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
// The options of `run` come as a group of the same name.
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    run: run::Args,
    /// The environment to deploy to
    #[arg(long, value_name = "ENV")]
    to: String,
    /// The version, as the run's input `version`
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
}

const HELP: &str = "\
The same as `flowdeck run PIPELINE --env ENV -i version=VERSION`. In a protected environment it waits for its approval:
`flowdeck gates`.";

pub async fn run(args: Args, context: Context) -> Handoff {
    run::run(args.run.aimed(args.to, args.version), context).await
}
