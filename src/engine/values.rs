//! Values of a run whose client is gone: from the engine's own environment, and from the sources that the workspace file
//! names, read anew each time. They stay in memory.

use std::path::Path;

use crate::config::{SecretReader, Workspace};
use crate::model::Values;

/// What could be found of the values that a run needs.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub values: Values,
    /// Why some could not be: for people, never with a value.
    pub troubles: Vec<String>,
}

/// Looks for the values of these names (`env.NAME`, `secrets.NAME`). Blocks: a source may be a command.
pub(super) fn find(workspace: &Path, names: &[String]) -> Found {
    let mut found = Found::default();
    let file = match Workspace::load(workspace) {
        Ok(workspace) => workspace.file,
        Err(error) => {
            found.troubles.push(error.to_string());
            crate::config::File::default()
        }
    };
    let reader = SecretReader::quiet(workspace);
    for name in names {
        match reader.value(&file, name) {
            Ok(Some(value)) => drop(found.values.0.insert(name.clone(), value)),
            Ok(None) => {}
            Err(error) => found.troubles.push(error.to_string()),
        }
    }
    found
}
