//! Pipeline text to a checked `Pipeline`.
