//! `flowdeck schema`: the formats of pipelines and of their tests as JSON Schemas, for editors.

use super::{Context, Handoff, exit};
use crate::language;

/// Print the JSON Schema of pipeline documents
#[derive(Debug, clap::Args)]
pub struct Args {
    /// That of test files instead
    #[arg(long)]
    test: bool,
}

pub async fn run(args: Args, _: Context) -> Handoff {
    let schema = if args.test { language::suite::schema() } else { language::schema::document() };
    outln!("{schema:#}");
    Handoff::Exit(exit::SUCCESS)
}
