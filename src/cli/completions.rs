//! `flowdeck completions`: completion scripts for shells.

use super::{Context, Handoff, command, exit};

/// Print a completion script
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: clap_complete::Shell,
}

pub async fn run(args: Args, _: Context) -> Handoff {
    clap_complete::generate(args.shell, &mut command(), "flowdeck", &mut std::io::stdout());
    Handoff::Exit(exit::SUCCESS)
}
