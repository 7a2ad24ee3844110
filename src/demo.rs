//! The demo: a workspace with a real small web service in a staging and a production copy, and pipelines that build,
//! test, deploy and verify it.
//!
//! Owns the sample service and the workspace's files. Must not know how runs are carried out or shown.

pub mod service;
pub mod supervise;
pub mod workspace;
