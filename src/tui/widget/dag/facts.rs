//! What is told about a stage, the same at every zoom: status, time, attempt, and one remark on where it is.

use super::Dag;
use super::board::{Progress, stands};
use crate::model::{Phase, Run, RunSummary, Stage, StageStatus, Timestamp};
use crate::tui::glyph::{Charset, short_word, stage_word};
use crate::tui::widget::format;

/// What is looked at: a run, the time, and the runs that its stages may have started.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub run: &'a Run,
    pub now: Timestamp,
    pub others: &'a [RunSummary],
    pub focused: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub status: StageStatus,
    /// The run ended before it.
    pub left_behind: bool,
    /// How long it took or has taken; `kept` when its result comes from an earlier run.
    pub time: String,
    /// From the second attempt on.
    pub attempt: Option<u32>,
    /// Where it is, in full and in a few cells; empty when there is nothing to say.
    pub remark: String,
    pub brief: String,
    /// On the critical path, while that is shown.
    pub critical: bool,
}

impl Facts {
    /// The word for how it stands.
    pub fn word(&self) -> &'static str {
        if self.left_behind { "not reached" } else { stage_word(self.status) }
    }

    /// A word of at most five cells.
    pub fn short_word(&self) -> &'static str {
        if self.left_behind { "never" } else { short_word(self.status) }
    }

    /// `×2` from the second attempt on.
    pub fn tries(&self, charset: Charset) -> String {
        self.attempt.map_or_else(String::new, |attempt| format!("{}{attempt}", charset.times()))
    }
}

impl Dag {
    /// The facts of a stage or of an instance.
    pub fn facts(&self, scene: &Scene<'_>, at: usize) -> Facts {
        let stage = &scene.run.stages[at];
        let elapsed = self.board.elapsed(scene.run, at, scene.now);
        let status = self.board.status(scene.run, at);
        let time = match elapsed {
            _ if stage.reused => "kept".to_owned(),
            Some(elapsed) if stands(status) => format::duration(elapsed),
            Some(elapsed) => format::running(elapsed),
            None => String::new(),
        };
        let attempt = stage.attempts.last().map(|attempt| attempt.number).filter(|number| *number > 1);
        let (remark, brief) = remark(stage, self.board.progress(at), scene);
        let critical = self.critical.as_ref().is_some_and(|path| path.holds(at));
        let left_behind = stage.is_left_behind();
        Facts { status, left_behind, time, attempt, remark, brief, critical }
    }
}

/// The one thing to know besides the status.
fn remark(stage: &Stage, progress: Option<Progress>, scene: &Scene<'_>) -> (String, String) {
    if let Some(Progress { done, failed, total }) = progress {
        let (long, short) = match failed {
            0 => (String::new(), String::new()),
            _ => (format!(" {failed} failed"), format!("!{failed}")),
        };
        return (format!("{done}/{total}{long}"), format!("{done}/{total}{short}"));
    }
    match stage.status {
        _ if stage.is_left_behind() => Default::default(),
        StageStatus::Skipped => stage.reason.as_deref().map_or_else(Default::default, reason),
        StageStatus::Retrying => stage.retry_at.map_or_else(Default::default, |at| {
            let left = format::running(at.since(scene.now));
            (format!("again in {left}"), format!("in {left}"))
        }),
        _ => match (&stage.phase, stage.attempts.last().and_then(|attempt| attempt.child.as_ref())) {
            (Some(phase), _) if stage.status.is_final() => twice(recovery(phase, stage.status).to_owned()),
            (Some(phase), _) if phase.round > 1 => twice(format!("{} {}", phase.name, phase.round)),
            (Some(phase), _) => twice(phase.name.clone()),
            (None, Some(child)) => match scene.others.iter().find(|run| run.id == *child) {
                Some(run) => {
                    let progress = format!("{}/{}", run.stages_done, run.stages_total);
                    (format!("{progress} of run {child}"), progress)
                }
                None => (format!("as run {child}"), String::new()),
            },
            (None, None) => Default::default(),
        },
    }
}

/// What there is to know of a guard that is over, besides how it ended.
fn recovery(phase: &Phase, status: StageStatus) -> &'static str {
    let caught = phase.name == "catch" || phase.verdict.as_ref().is_some_and(|verdict| verdict.caught);
    if caught && status == StageStatus::Succeeded { "recovered" } else { "" }
}

fn twice(text: String) -> (String, String) {
    (text.clone(), text)
}

/// `branch:check` is `branch check` in full and `branch` in short.
fn reason(text: &str) -> (String, String) {
    let text = text.replace('_', " ");
    let short = text.split(':').next().unwrap_or_default().to_owned();
    (text.replacen(':', " ", 1), short)
}
