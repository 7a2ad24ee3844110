//! `flowdeck schema`: the format of pipelines as a JSON Schema, for editors.

use super::{Context, Handoff, exit};
use crate::language;

/// Print the JSON Schema of pipeline documents
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_: Args, _: Context) -> Handoff {
    outln!("{:#}", language::schema::document());
    Handoff::Exit(exit::SUCCESS)
}
