//! The words of the product: ids, states, events and the fold that turns events into a run.
//!
//! Owns every type that more than one process speaks of. Must not know I/O, async, clocks, colour or the
//! pipeline language: a run here is what happened, not what was written.

pub mod access;
pub mod actor;
pub mod attempt;
pub mod audit;
pub mod checkpoint;
pub mod deployment;
pub mod digest;
pub mod enclosure;
pub mod engine;
pub mod environment;
pub mod error;
pub mod event;
pub mod gate;
pub mod guard;
pub mod id;
pub mod include;
pub mod left;
pub mod lock;
pub mod log;
pub mod policy;
pub mod release;
pub mod replay;
pub mod request;
pub mod run;
pub mod stage;
pub mod standing;
pub mod status;
pub mod tally;
pub mod text;
pub mod time;
pub mod view;
pub mod whoami;

pub use access::{Access, Grant, People, Person, Role};
pub use actor::{Actor, Proof};
pub use attempt::{Attempt, Ending, Next, Outcome};
pub use audit::{
    AuditHead, AuditQuery, AuditRecord, Break, Flaw, NewRecord, Place, Summary, Unreadable, Verdict as AuditVerdict,
    VerifyRequest,
};
pub use checkpoint::{Checkpoint, Sealed, SignedHead};
pub use deployment::{
    Deployments, EnvironmentView, PromoteRequest, PromotionView, ReviewRequest, RollbackPlan, RollbackRequest, RollbackTarget,
    ServiceView, StandingChange, StandingRequest,
};
pub use enclosure::{Enclosure, Part};
pub use engine::EngineStatus;
pub use environment::{Environment, Freeze, Rule};
pub use error::{ErrorKind, StageError};
pub use event::{Event, EventKind, Note, NoteLevel, PipelineRef, Resolution, StageOutline};
pub use gate::{
    Answer, Change, Decided, Decision, Evidence, Excluded, Gate, GateEvent, GateFact, GateStatus, GateView, Involvement,
    Objection, Opening, Quorum, RuleView, Shown, Subject, SubjectKind,
};
pub use guard::{BreakGlass, BreakRequest, Glass, GlassEvent, Guard, Review};
pub use id::{GateId, ReleaseId, RunId, StageId};
pub use include::{DEEPEST, Include, Parent};
pub use lock::{Holder, Lock, LockEvent};
pub use log::{LogLine, LogQuery, LogWindow, Stream};
pub use policy::Policy;
pub use release::{GoingBack, Release, ReleaseEvent, ReleaseFact, ReleaseRecord, ReleaseVerdict};
pub use replay::Replay;
pub use request::{Created, Document, Included, MASK, Module, NewRun, Rerun, RerunFrom, Signal, Values};
pub use run::{Run, RunSummary};
pub use stage::{Phase, Stage, Verdict};
pub use standing::{Standing, StandingEvent, Stop};
pub use status::{RunStatus, StageStatus};
pub use tally::Tally;
pub use time::Timestamp;
pub use view::{LineFilter, LogName, LogPlace, LogStart, LogView, ScanPiece, ScanQuery, ViewLine, ViewQuery, ViewWindow};
pub use whoami::{Permission, Whoami};
