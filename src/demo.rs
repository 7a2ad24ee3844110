//! The demo: a workspace with a real small web service in staging and, behind a front that splits traffic, in production, and
//! pipelines that build, test, deploy and verify it.
//!
//! Owns the sample service, its front and the workspace's files. Must not know how runs are carried out or shown.

pub mod front;
pub mod service;
pub mod slots;
pub mod supervise;
pub mod workspace;
