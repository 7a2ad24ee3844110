//! Everything there is to know about one request, in rows: what, from what to what, by whose word, and how its run does.

mod evidence;

use ratatui::layout::Rect;
use serde_json::Value;

use super::rows::is_whole_run;
use crate::model::{Answer, Decision, GateView, Run, RunStatus, Stage, StageStatus, Subject, SubjectKind};
use crate::tui::glyph::stage_word;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::{diff, format};
use crate::tui::world::World;

/// Cells of the labels on the left.
const LABELS: u16 = 11;
/// Values of the inputs that are listed.
const MOST_INPUTS: usize = 40;

/// A row: a label, and pieces of text.
#[derive(Debug, Clone, Default)]
pub struct Line {
    label: &'static str,
    pieces: Vec<(String, Piece)>,
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    Is(Role),
    /// In the colour of a stage's status.
    Of(StageStatus),
}

impl Line {
    fn new(label: &'static str) -> Self {
        Self { label, pieces: Vec::new() }
    }

    fn role(mut self, text: impl Into<String>, role: Role) -> Self {
        self.pieces.push((text.into(), Piece::Is(role)));
        self
    }
}

pub fn lines(gate: &GateView, run: Option<&Run>, world: &World, width: u16) -> Vec<Line> {
    let mut lines = asked(gate, world);
    lines.extend(evidence::question(gate, world, width));
    lines.extend(way(gate));
    lines.extend(evidence::changes(gate, world, width));
    lines.extend(evidence::shown(gate, world, width));
    lines.push(digest(gate));
    lines.extend(rules(gate));
    lines.extend(
        gate.blockers
            .iter()
            .zip(std::iter::once("in the way").chain(std::iter::repeat("")))
            .map(|(blocker, label)| Line::new(label).role(blocker, Role::Warning)),
    );
    lines.extend(decisions(gate, world));
    lines.extend(so_far(run, world));
    lines
}

pub fn draw(paint: &mut Paint<'_>, area: Rect, lines: &[Line], top: usize) {
    let dim = paint.style(Role::Dim);
    for (row, line) in (0..area.height).zip(lines.iter().skip(top)) {
        let pieces: Vec<_> = (line.pieces.iter())
            .map(|(text, piece)| match piece {
                Piece::Is(role) => (text, paint.style(*role)),
                Piece::Of(status) => (text, paint.look.theme.stage(*status)),
            })
            .collect();
        let mut row = paint.row(area, row);
        row.gap(1).column(LABELS, line.label, dim);
        for (text, style) in pieces {
            row.put(text, style);
        }
    }
    let hidden = lines.len().saturating_sub(top + usize::from(area.height));
    if let Some(last) = area.height.checked_sub(1).filter(|_| hidden > 0) {
        let words = format!("{hidden} more");
        paint.row(area, last).right(&[(&words, dim), (" ", dim)]);
    }
}

fn asked(gate: &GateView, world: &World) -> Vec<Line> {
    let kind = match gate.subject.kind {
        SubjectKind::Deploy => "a deployment",
        SubjectKind::Rollback => "a rollback",
        SubjectKind::Override => "a start past its guards",
    };
    let run = world.runs.iter().flatten().find(|run| run.id == gate.run_id);
    let stage = if is_whole_run(gate) { "every stage".to_owned() } else { format!("stage {}", gate.stage) };
    let who = Line::new("asked").role(&gate.requested_by, Role::Title);
    let who = who.role(format!(" for {kind}, {}", format::ago(gate.opened_at, world.now)), Role::Text);
    let mut lines = vec![who];
    let name = run.map(|run| format!("{} ", run.pipeline_name)).unwrap_or_default();
    lines.push(Line::new("runs").role(stage, Role::Text).role(format!(" of {name}{}", gate.run_id), Role::Text));
    let service = gate.service.as_ref().map(|service| format!(", service {service}")).unwrap_or_default();
    lines.push(Line::new("in").role(&gate.environment, Role::Title).role(service, Role::Text));
    lines.push(Line::new("expires").role(format::utc_clock(gate.expires_at, world.now), Role::Text));
    if let Some(reason) = &gate.reason {
        lines.push(Line::new("because").role(reason, Role::Warning));
    }
    lines
}

/// From what is live to what would be.
fn way(gate: &GateView) -> Vec<Line> {
    let (subject, evidence): (&Subject, _) = (&gate.subject, &gate.evidence);
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    let mut lines = Vec::new();
    match (&subject.live_release, &evidence.live_version) {
        (Some(live), Some(version)) => {
            let line = Line::new("from").role("- ", Role::Failure).role(format!("version {version}"), Role::Title);
            lines.push(line.role(format!(", release {live}"), Role::Text));
        }
        (None, Some(version)) => {
            lines.push(Line::new("from").role("- ", Role::Failure).role(format!("version {version}"), Role::Title));
        }
        (Some(live), None) => {
            lines.push(Line::new("from").role("- ", Role::Failure).role(format!("release {live}"), Role::Text));
        }
        (None, None) => lines.push(Line::new("from").role("no release is recorded as live", Role::Dim)),
    }
    let mut label = "to";
    let mut to = |what: String| Line::new(std::mem::take(&mut label)).role("+ ", Role::Success).role(what, Role::Text);
    if let Some(version) = &evidence.version {
        lines.push(to(String::new()).role(format!("version {version}"), Role::Title));
    }
    lines.push(to(format!("pipeline {}, inputs {}", short(&subject.pipeline_digest), short(&subject.inputs_hash))));
    lines.extend(subject.artefacts.iter().map(|(name, digest)| to(format!("{name} {digest}"))));
    lines.extend(subject.upstream.iter().map(|(stage, hash)| to(format!("output of {stage} {}", short(hash)))));
    lines
}

/// The digits that are typed stand out from those that a decision sends at least.
fn digest(gate: &GateView) -> Line {
    let part = |from: usize, to: usize| gate.digest.get(from..to).unwrap_or_default().to_owned();
    let line = Line::new("digest").role(part(0, 8), Role::Title).role(part(8, 12), Role::Text);
    line.role(format!("  generation {}", gate.generation), Role::Dim)
}

fn rules(gate: &GateView) -> Vec<Line> {
    let rule = |(at, rule): (usize, &crate::model::RuleView)| {
        let full = rule.approvals.len() >= rule.min as usize;
        let role = if full { Role::Success } else { Role::Waiting };
        let line = Line::new(if at == 0 { "rules" } else { "" }).role(&rule.name, Role::Text);
        let line = line.role(format!("  {} of {}", rule.approvals.len(), rule.min), role);
        let line = line.role(if full { "  filled" } else { "  open" }, role);
        line.role(format!("  {}", rule.approvals.join(", ")), Role::Dim)
    };
    gate.rules.iter().enumerate().map(rule).collect()
}

fn decisions(gate: &GateView, world: &World) -> Vec<Line> {
    let one = |(at, decision): (usize, &Decision)| {
        let (word, role) = match decision.answer {
            Answer::Approve => ("approved", Role::Success),
            Answer::Reject => ("rejected", Role::Failure),
            Answer::Withdraw => ("withdrew it", Role::Warning),
        };
        let void = decision.generation != gate.generation;
        let role = if void { Role::Dim } else { role };
        let line = Line::new(if at == 0 { "said" } else { "" });
        let line = line.role(format!("{} ", format::utc_clock(decision.at, world.now)), Role::Dim);
        let line = line.role(format!("{} {word}", decision.by.name), role).role(format!(": {}", decision.reason), Role::Text);
        if void { line.role(format!("  void, it was about generation {}", decision.generation), Role::Warning) } else { line }
    };
    gate.decisions.iter().enumerate().map(one).collect()
}

/// The run so far: what its stages did, and with which inputs.
fn so_far(run: Option<&Run>, world: &World) -> Vec<Line> {
    let Some(run) = run else { return vec![Line::default(), Line::new("evidence").role("reading the run", Role::Dim)] };
    let charset = world.look.charset;
    let mut lines = vec![Line::default()];
    let mut label = "evidence";
    for stage in run.stages.values().filter(|stage| !stage.id.is_instance()) {
        let mut line = Line::new(std::mem::take(&mut label));
        let status = format!("{} {:<16} ", charset.stage(stage.status), stage_word(stage.status));
        line.pieces.push((status, Piece::Of(stage.status)));
        lines.push(line.role(stage.title(), Role::Text).role(took(stage), Role::Dim).role(trouble(stage), Role::Failure));
    }
    if run.status != RunStatus::Waiting {
        lines.push(Line::new("run").role(run.status.name(), Role::Text));
    }
    let mut label = "inputs";
    for pair in diff::pairs(&Value::Null, &run.inputs).into_iter().take(MOST_INPUTS) {
        let line = Line::new(std::mem::take(&mut label)).role(format!("{}: ", pair.path), Role::JsonKey);
        lines.push(line.role(pair.right.unwrap_or_default(), Role::JsonString));
    }
    lines
}

fn took(stage: &Stage) -> String {
    match (stage.started_at, stage.finished_at) {
        (Some(start), Some(end)) => format!("  {}", format::duration(end.since(start))),
        _ => String::new(),
    }
}

fn trouble(stage: &Stage) -> String {
    stage.error.as_ref().map(|error| format!("  {}", error.message)).unwrap_or_default()
}
