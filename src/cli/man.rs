//! `flowdeck man`: the manual page.

use super::{Context, Handoff, command, exit, out};

/// Print the manual page
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_: Args, _: Context) -> Handoff {
    let mut page = Vec::new();
    match clap_mangen::Man::new(command()).render(&mut page) {
        Ok(()) => {
            out::bytes(&page);
            Handoff::Exit(exit::SUCCESS)
        }
        Err(error) => super::complain(exit::FAILED, &error),
    }
}
