//! The papers of a run: what was pinned for it, what its file says now, and what it was made from.

use std::sync::Arc;

use super::{Engine, Origin, Papers, Reply};
use crate::client::ClientError;
use crate::language::{self, Format};
use crate::model::{Document, RunId};

/// The environment values and secrets that a document and what it includes name.
pub(super) fn names_in(document: &Document) -> Vec<String> {
    let included = document.included.iter().flat_map(|included| &included.modules);
    let texts = included.map(|module| (&module.text, &module.format)).chain([(&document.text, &document.format)]);
    let pipelines = texts.filter_map(|(text, format)| language::load(text, Format::named(format)).pipeline);
    pipelines.flat_map(|pipeline| pipeline.environment_names().qualified()).collect()
}

pub(super) async fn papers(engine: &Engine, run: &RunId) -> Result<Reply, ClientError> {
    let run = engine.client.run(run.as_str()).await?;
    let pinned = engine.client.document(run.id.as_str()).await?;
    let origin = match &run.rerun_of {
        Some(earlier) => {
            let (before, document) =
                (engine.client.run(earlier.as_str()).await?, engine.client.document(earlier.as_str()).await?);
            Some(Origin { run: before.id, inputs: before.inputs, text: document.text })
        }
        None => None,
    };
    let (read, id) = (Arc::clone(&engine.file), run.id.clone());
    let file = tokio::task::spawn_blocking(move || read(&run)).await.unwrap_or_else(|error| Some(Err(error.to_string())));
    let file = file.filter(|file| file.as_ref().map_or(true, |now| now.text != pinned.text));
    Ok(Reply::Papers(Box::new(Papers { run: id, pinned, file, origin })))
}
