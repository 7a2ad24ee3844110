//! `flowdeck man`: the manual page.

use super::{Context, Handoff, command, exit};

/// Print the manual page
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_: Args, _: Context) -> Handoff {
    match clap_mangen::Man::new(command()).render(&mut std::io::stdout()) {
        Ok(()) => Handoff::Exit(exit::SUCCESS),
        Err(error) => super::complain(exit::FAILED, &error),
    }
}
