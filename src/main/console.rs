//! The console over this workspace's engine.

use std::error::Error;

use flowdeck::cli::Context;
use flowdeck::model::RunId;

/// Opens the console, on a run if one is named.
pub async fn open(_: &Context, _: Option<RunId>) -> Result<u8, Box<dyn Error>> {
    Ok(0)
}
