//! The words of the product: ids, states, events and the fold that turns events into a run.
//!
//! Owns every type that more than one process speaks of. Must not know I/O, async, clocks, colour or the
//! pipeline language: a run here is what happened, not what was written.

pub mod actor;
pub mod attempt;
pub mod enclosure;
pub mod engine;
pub mod error;
pub mod event;
pub mod id;
pub mod include;
pub mod log;
pub mod replay;
pub mod request;
pub mod run;
pub mod stage;
pub mod status;
pub mod tally;
pub mod text;
pub mod time;
pub mod view;

pub use actor::{Actor, Proof};
pub use attempt::{Attempt, Ending, Next, Outcome};
pub use enclosure::{Enclosure, Part};
pub use engine::EngineStatus;
pub use error::{ErrorKind, StageError};
pub use event::{Event, EventKind, Note, NoteLevel, PipelineRef, Resolution, StageOutline};
pub use id::{RunId, StageId};
pub use include::{DEEPEST, Include, Parent};
pub use log::{LogLine, LogQuery, LogWindow, Stream};
pub use replay::Replay;
pub use request::{Created, Document, Included, MASK, Module, NewRun, Rerun, RerunFrom, Signal, Values};
pub use run::{Run, RunSummary};
pub use stage::{Phase, Stage, Verdict};
pub use status::{RunStatus, StageStatus};
pub use tally::Tally;
pub use time::Timestamp;
pub use view::{LineFilter, LogName, LogPlace, LogStart, LogView, ScanPiece, ScanQuery, ViewLine, ViewQuery, ViewWindow};
