//! The console: a pure core (`app`, `screen`, `popup`, `widget`, `layout`) in a thin shell (`shell`, `terminal`).
//!
//! Owns everything that is seen and typed. Must not know how the engine is reached (only `backend`'s questions and
//! answers), and must not decide anything about runs.

pub mod action;
pub mod app;
pub mod backend;
pub mod clipboard;
pub mod culprit;
pub mod deployments;
pub mod figures;
pub mod gates;
pub mod glyph;
pub mod history;
pub mod keymap;
pub mod layout;
pub mod message;
pub mod popup;
pub mod screen;
pub mod shell;
pub mod terminal;
pub mod theme;
pub mod widget;
pub mod world;

pub use app::farewell::Farewell;
pub use screen::run::{From as ReplayFrom, Opening as Replay};
pub use shell::{Options, Start, run};
pub use terminal::capabilities;
