//! Paints the run screen.

use ratatui::layout::Rect;

use serde_json::Value;

use super::{Focus, OMITTED, RunScreen};
use crate::model::{NoteLevel, Run, Stage, StageStatus};
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::dag::{Facts, Scene};
use crate::tui::widget::paint::{Paint, Row};
use crate::tui::widget::tree::Tree;
use crate::tui::widget::{format, text};
use crate::tui::world::{Link, World};

impl RunScreen {
    pub(super) fn paint(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let Some(run) = self.shown() else {
            let mut row = paint.row(area, 1);
            row.gap(3).role("reading run ", Role::Dim).role(self.id.as_str(), Role::Text);
            if let Link::Lost(why) = &world.link {
                row.gap(2).role("the engine does not answer: ", Role::Failure).role(why, Role::Text);
            }
            return;
        };
        self.draw_heading(paint, run, world);
        self.draw_replay(paint);
        let others = world.runs.as_deref().unwrap_or_default();
        let scene = Scene { run, now: self.now(world), others, focused: self.focus == Focus::Graph };
        self.dag.draw(paint, self.parts.graph, self.parts.most, &scene);
        let Some(stage) = self.stage() else {
            paint.row(self.parts.title, 0).gap(1).role("this pipeline has no stages", Role::Dim);
            return;
        };
        self.draw_title(paint, stage, &self.dag.facts(&scene, self.dag.selected()), world);
        self.draw_error(paint, stage);
        self.draw_gate(paint, self.parts.error, stage, world);
        self.draw_log(paint, run, stage, world);
        if let (Some(inspector), Some(subject)) = (&self.inspector, self.subject(world.now)) {
            inspector.draw(paint, self.parts.inspector, subject, self.focus == Focus::Inspector);
        }
    }

    /// The line between graph and log: what the log is of, how long it is, where one is in it.
    fn draw_title(&self, paint: &mut Paint<'_>, stage: &Stage, facts: &Facts, world: &World) {
        let charset = paint.look.charset;
        let focused = self.focus != Focus::Graph;
        let line = paint.style(Role::Border);
        let state = self.log_state(world);
        let mut row = paint.row(self.parts.title, 0);
        let accent = row.style(Role::Accent);
        if !state.is_empty() {
            row.right(&[(" ", line), (&state, accent), (" ", line), (charset.horizontal(), line)]);
        }
        row.put(charset.horizontal(), line).gap(1);
        if self.log.is_merged() {
            let style = row.style(if focused { Role::Accent } else { Role::Title });
            row.put("all stages", style).gap(2).role("in the order of time", Role::Dim).gap(1);
        } else {
            self.write_stage(&mut row, stage, facts, focused, world);
        }
        if self.log.total() > 0 {
            row.gap(1).role(&format::lines(self.log.whole_lines()), Role::Dim);
            // How long the file was in bytes at a moment is not known.
            if self.player.is_none() {
                row.gap(2).role(&format::bytes(self.log.bytes), Role::Dim);
            }
            row.gap(1);
        }
        row.gap(1).rule(line);
    }

    /// What the log is of: the stage, how it stands, and which attempt.
    fn write_stage(&self, row: &mut Row<'_, '_>, stage: &Stage, facts: &Facts, focused: bool, world: &World) {
        let charset = world.look.charset;
        let status = world.look.theme.stage(facts.status);
        // However long the title, the status has its place.
        let word = facts.word();
        let most = row.room().saturating_sub(text::width(word, charset) + 5);
        let style = row.style(if focused { Role::Accent } else { Role::Title });
        let title = if stage.id.is_instance() { stage.id.written() } else { stage.title() };
        let title = text::before(title, stage.id.places(), most, charset);
        row.column(text::width(&title, charset).min(most), &title, style).gap(2);
        row.put(charset.stage(facts.status), status).gap(1).put(word, status).gap(1);
        if !facts.remark.is_empty() {
            row.role(&facts.remark, Role::Text).gap(1);
        }
        let ended = stage.attempts.last().and_then(|attempt| attempt.finished_at);
        if let Some(ended) = ended.filter(|_| stage.status == StageStatus::Unknown) {
            row.role(&format!("since {}", world.clock(ended)), Role::Warning).gap(1);
        }
        if let (Some(attempt), Some(last)) = (self.attempt(stage), stage.attempts.last().filter(|last| last.number > 1)) {
            row.gap(1).role(&format!("attempt {} of {}", attempt.number, last.number), Role::Warning).gap(1);
        }
        if !facts.time.is_empty() {
            row.gap(1).role(&facts.time, Role::Text).gap(1);
        }
        if let Some(enclosure) = &stage.enclosure {
            row.gap(1).role(&format!("{} of {}", enclosure.part.name(), enclosure.stage), Role::Dim).gap(1);
        }
        if facts.critical {
            row.gap(1).role("critical", Role::Title).gap(1);
        }
    }

    fn log_state(&self, world: &World) -> String {
        if !self.log.has_subject() {
            return String::new();
        }
        let mut parts: Vec<String> = self.log.filter_state().into_iter().collect();
        if let (Some(search), Some(state)) = (&self.log.search, self.log.search_state()) {
            parts.push(format!("/{} {state}", search.pattern.chars().take(24).collect::<String>()));
        }
        if self.log.follow {
            if self.is_going() {
                parts.push("follow".to_owned());
            }
        } else if self.log.unseen() > 0 {
            let key = world.key(crate::tui::action::Action::LogEnd);
            parts.push(format!("+{} new ({key})", format::count(self.log.unseen())));
        }
        parts.join("  ")
    }

    fn draw_error(&self, paint: &mut Paint<'_>, stage: &Stage) {
        let Some(error) = stage.error.as_ref().filter(|_| self.parts.error.height > 0) else { return };
        let mut row = paint.row(self.parts.error, 0);
        row.gap(1).role(error.kind.name(), Role::Failure);
        // Some messages are only the kind once more.
        if !error.message.eq_ignore_ascii_case(error.kind.name()) {
            row.gap(1).role(&error.message, Role::Text);
        }
        if let Some(cause) = &error.cause {
            row.role(": ", Role::Dim).role(cause, Role::Dim);
        }
    }

    fn draw_log(&self, paint: &mut Paint<'_>, run: &Run, stage: &Stage, world: &World) {
        let area = self.parts.log;
        if area.height == 0 {
            return;
        }
        if self.log.has_subject() && !self.log.is_empty() {
            self.log.draw(paint, area, self.focus == Focus::Log);
        } else {
            draw_without_log(paint, area, run, self.inspected().unwrap_or(stage), world);
        }
        if let Some(damage) = &self.log.damage {
            let last = Rect { y: area.bottom() - 1, height: 1, ..area };
            paint.clear(last);
            paint.row(last, 0).gap(1).role("the log is damaged: ", Role::Failure).role(damage, Role::Text);
        }
    }
}

/// What there is to say about a stage without a log: the notes and the result it left, else why there is nothing.
fn draw_without_log(paint: &mut Paint<'_>, area: Rect, run: &Run, stage: &Stage, world: &World) {
    let mut line = draw_notes(paint, area, run, stage);
    if stage.status.is_final() && stage.status != StageStatus::Skipped && !is_nothing(&stage.output) {
        if line > 0 {
            line += 1;
        }
        let kept = if stage.reused { "result, kept from the run before" } else { "result" };
        let key = world.key(Action::Inspect);
        paint.row(area, line).gap(1).role(kept, Role::Title).gap(2).role(&key, Role::Key).role(" inspects it", Role::Dim);
        line += 1;
        let rest = area.height.saturating_sub(line);
        let tree = Rect { x: area.x + 1, y: area.y + line, width: area.width.saturating_sub(1), height: rest };
        if rest > 0 {
            Tree::default().draw(paint, tree, &stage.output, false, None);
        }
    } else if line == 0 {
        paint.row(area, 0).gap(1).role(&why_nothing(run, stage), Role::Dim);
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty() || fields.contains_key(OMITTED),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Writes the notes of a stage; gives the rows they took.
fn draw_notes(paint: &mut Paint<'_>, area: Rect, run: &Run, stage: &Stage) -> u16 {
    let mut line = 0;
    for note in run.notes.iter().filter(|note| note.stage.as_ref() == Some(&stage.id)) {
        let role = match note.level {
            NoteLevel::Debug => Role::Dim,
            NoteLevel::Info => Role::Text,
            NoteLevel::Warning => Role::Warning,
            NoteLevel::Error => Role::Failure,
        };
        paint.row(area, line).gap(1).role(&note.message, role);
        line += 1;
    }
    line
}

fn why_nothing(run: &Run, stage: &Stage) -> String {
    let waits = || {
        let open = stage.depends_on.iter().filter(|id| run.stages.get(*id).is_some_and(|before| !before.status.is_final()));
        open.map(crate::model::StageId::as_str).collect::<Vec<_>>().join(", ")
    };
    match (stage.status, &stage.reason) {
        _ if stage.is_left_behind() => "not reached: the run ended before it".to_owned(),
        (StageStatus::Skipped, Some(reason)) => format!("skipped: {reason}"),
        (StageStatus::Pending, _) if waits().is_empty() => "not started yet".to_owned(),
        (StageStatus::Pending, _) => format!("waits for {}", waits()),
        (StageStatus::Ready, _) => "waits for a free place".to_owned(),
        (StageStatus::WaitingApproval, _) => "waits for an approval".to_owned(),
        _ if stage.reused => "its result was kept from the run before; there is no log here".to_owned(),
        (StageStatus::Running, _) => "no output yet".to_owned(),
        _ => "no output".to_owned(),
    }
}
