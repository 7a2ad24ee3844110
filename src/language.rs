//! Pipeline text to a checked `Pipeline`.

pub mod scope;
