//! The language as its users meet it.

mod diagnostics;
mod documents;
mod expressions;
mod hostile;
mod templates;
