//! Environment values and secrets that a pipeline names, read where the person is: in the client.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Context;
use crate::client::{ClientError, Revive, start};
use crate::config::SecretReader;
use crate::language::Pipeline;
use crate::model::{Run, Values};

/// What this client can give of the values that pipelines name. What it cannot give is missing where it is read.
///
/// # Errors
/// A configured secret that cannot be read; the message never holds a value.
pub fn for_pipelines<'p>(context: &Context, pipelines: impl Iterator<Item = &'p Pipeline>) -> Result<Values, String> {
    let names = pipelines.flat_map(|pipeline| pipeline.environment_names().qualified());
    collect(context, names.collect::<BTreeSet<String>>().into_iter())
}

/// The values that an earlier run was given, as this client has them now.
///
/// # Errors
/// As `for_pipelines`.
pub fn for_run(context: &Context, run: &Run) -> Result<Values, String> {
    collect(context, run.environment_names.iter().cloned())
}

/// The values of these names, as this client has them.
///
/// # Errors
/// As `for_pipelines`.
pub fn named(context: &Context, names: &[String]) -> Result<Values, String> {
    collect(context, names.iter().cloned())
}

fn collect(context: &Context, names: impl Iterator<Item = String>) -> Result<Values, String> {
    let reader = SecretReader::interactive(context.root());
    let mut values = Values::default();
    for name in names {
        let value = reader.value(&context.workspace.file, &name).map_err(|error| error.to_string())?;
        if let Some(value) = value {
            values.0.insert(name, value);
        }
    }
    Ok(values)
}

/// How a stream brings the engine back.
pub fn revive(context: &Context) -> Revive {
    let command = context.engine_command();
    let socket = context.paths.socket().to_path_buf();
    Arc::new(move || {
        let (command, socket) = (command.clone(), socket.clone());
        Box::pin(async move {
            let ensured: Result<(), ClientError> = start::ensure(&command, &socket).await;
            ensured
        })
    })
}
