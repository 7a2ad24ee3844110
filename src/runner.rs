//! The runner process, its protocol, and the engine's end of it.
