//! `flowdeck completions`: completion scripts for shells.

use super::{Context, Handoff, command, exit, out};

/// Print a completion script
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: clap_complete::Shell,
}

pub async fn run(args: Args, _: Context) -> Handoff {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "flowdeck", &mut script);
    out::bytes(&script);
    Handoff::Exit(exit::SUCCESS)
}
