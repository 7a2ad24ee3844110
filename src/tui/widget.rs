//! Pieces that screens are made of. A widget holds what it needs to be scrolled and selected; it asks nobody anything.

pub mod ansi;
pub mod compare;
pub mod dag;
pub mod diff;
pub mod format;
pub mod input;
pub mod log;
pub mod paint;
pub mod text;
pub mod tree;
