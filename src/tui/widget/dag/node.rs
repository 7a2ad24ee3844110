//! One stage as a box of three rows or as a line.

use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::draw::View;
use super::facts::Facts;
use crate::model::{Stage, StageStatus};
use crate::tui::glyph::{Charset, Frame, Stroke};
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Look, Paint};
use crate::tui::widget::{format, text};

/// What is painted of a stage.
pub(super) struct Shown<'a> {
    pub stage: &'a Stage,
    pub facts: Facts,
    pub selected: bool,
    /// The instance that is selected, such as `[2]`.
    pub instance: Option<&'a str>,
    pub focused: bool,
    /// How the edges that leave it begin, if any do.
    pub leads_on: Option<Stroke>,
    pub terse: bool,
}

/// A node that may stick out of the view: painted into a small buffer of its own, then the visible part is copied.
pub(super) struct Clip {
    own: ratatui::buffer::Buffer,
    at: (i32, i32),
    area: Rect,
}

impl Clip {
    pub fn new(view: &View<'_>, x: i32, y: i32, width: u16, height: u16) -> Self {
        let at = (x - view.scroll.0, y - view.scroll.1);
        Self { own: ratatui::buffer::Buffer::empty(Rect::new(0, 0, width, height)), at, area: view.area }
    }

    pub fn boxed(&mut self, paint: &mut Paint<'_>, shown: &Shown<'_>) {
        let (look, area) = (paint.look, self.own.area);
        let (charset, facts) = (look.charset, &shown.facts);
        let status = look.theme.stage(facts.status);
        let mut own = Paint::new(&mut self.own, look);
        own.clear(area);
        let (frame, edge) = frame(look, shown);
        own.frame(area, frame, edge);
        let name = if facts.status == StageStatus::Skipped { Role::Dim } else { Role::Title };
        let title = own.text(3, 0, area.width.saturating_sub(6), shown.stage.title(), look.style(name));
        own.symbol(2, 0, " ", edge);
        own.symbol(3 + title, 0, " ", edge);
        let label = label(shown, area.width.saturating_sub(6), charset);
        if !label.is_empty() {
            let used = own.text(3, 2, area.width.saturating_sub(6), &label, edge);
            own.symbol(2, 2, " ", edge);
            own.symbol(3 + used, 2, " ", edge);
        }
        let inner = Rect { x: 2, width: area.width.saturating_sub(4), ..area };
        let mut row = own.row(inner, 1);
        let said = said(facts, shown.terse, row.room().saturating_sub(2), charset);
        row.right(&[(&said.tries, look.style(Role::Warning)), (&said.time, look.style(Role::Text))]);
        row.put(charset.stage(facts.status), status).gap(1).put(said.word, status);
        if !said.remark.is_empty() {
            row.gap(1).role(said.remark, Role::Text);
        }
        self.copy(paint);
    }

    pub fn line(&mut self, paint: &mut Paint<'_>, shown: &Shown<'_>) {
        let (look, area, facts) = (paint.look, self.own.area, &shown.facts);
        let charset = look.charset;
        let status = look.theme.stage(facts.status);
        let mut own = Paint::new(&mut self.own, look);
        own.clear(area);
        let name = match facts.status {
            StageStatus::Skipped => Role::Dim,
            _ if facts.critical => Role::Title,
            _ => Role::Text,
        };
        let mut row = own.row(area, 0);
        if shown.stage.enclosure.is_some() {
            row.role(charset.dashed_frame()[5], Role::Edge).gap(1);
        }
        row.put(charset.stage(facts.status), status).gap(1);
        let title = text::width(shown.stage.title(), charset).min(row.room().saturating_sub(6));
        let name = look.style(name);
        row.column(title, shown.stage.title(), name).gap(1).put(facts.short_word(), status);
        let more = if shown.instance.is_some() { shown.instance.unwrap_or_default() } else { &facts.brief };
        let told = [(more, Role::Text), (&facts.tries(charset), Role::Warning), (&facts.time, Role::Text)];
        for (words, role) in told.into_iter().filter(|(words, _)| !words.is_empty()) {
            if text::width(words, charset) < row.room() {
                row.gap(1).role(words, role);
            }
        }
        let used = row.x();
        if let Some(stroke) = shown.leads_on.filter(|_| used + 1 < area.width) {
            row.gap(1);
            let (from, style) = (row.x(), row.style(if stroke == Stroke::Double { Role::Title } else { Role::Edge }));
            (from..area.width).for_each(|x| own.symbol(x, 0, charset.edge(10, stroke), style));
        }
        if shown.selected {
            let style = if shown.focused { look.style(Role::Selection) } else { look.style(Role::Title) };
            own.shade(Rect { width: used, ..area }, style);
        }
        self.copy(paint);
    }

    fn copy(&self, paint: &mut Paint<'_>) {
        let area = self.own.area;
        for y in 0..area.height {
            for x in 0..area.width {
                let (to_x, to_y) = (self.at.0 + i32::from(x), self.at.1 + i32::from(y));
                let inside = to_x >= 0 && to_y >= 0 && to_x < i32::from(self.area.width) && to_y < i32::from(self.area.height);
                let (Ok(dx), Ok(dy), true) = (u16::try_from(to_x), u16::try_from(to_y), inside) else { continue };
                if let Some(cell) = paint.buffer.cell_mut((self.area.x + dx, self.area.y + dy)) {
                    *cell = self.own[(x, y)].clone();
                    if dx + 1 == self.area.width && cell.symbol().width() > 1 {
                        cell.set_symbol(" ");
                    }
                }
            }
        }
    }
}

/// What the middle of a box says.
struct Said<'a> {
    word: &'static str,
    remark: &'a str,
    tries: String,
    time: String,
}

/// As much as has room. The word for the status is never left out: before it go the time's last digits, the remark's
/// length, the time, the attempt and at last the remark.
fn said<'a>(facts: &'a Facts, terse: bool, room: u16, charset: Charset) -> Said<'a> {
    let short = facts.short_word();
    let word = if terse && !facts.left_behind { short } else { facts.word() };
    let (tries, time, coarse) = (facts.tries(charset), facts.time.as_str(), format::coarse(&facts.time));
    let (full, brief) = (facts.remark.as_str(), facts.brief.as_str());
    let right = [(tries.as_str(), time), (tries.as_str(), coarse.as_str())];
    let less = [("", coarse.as_str()), (tries.as_str(), ""), ("", "")];
    let mut choices = pairs(&[(word, full), (word, brief), (short, brief)], &right);
    choices.extend(pairs(&[(short, brief)], &less));
    choices.retain(|((_, remark), _)| !remark.is_empty() || full.is_empty());
    choices.extend(pairs(&[(word, ""), (short, "")], &right));
    choices.extend(pairs(&[(short, "")], &less));
    let width = |text: &str| text::width(text, charset);
    let apart = |text: &str| if text.is_empty() { 0 } else { width(text) + 1 };
    let fits = |((word, remark), (tries, time)): &((&str, &str), (&str, &str))| {
        width(word) + apart(remark) + apart(tries) + apart(time) <= room
    };
    let ((word, remark), (tries, time)) = choices.into_iter().find(fits).unwrap_or(((short, ""), ("", "")));
    let tries = if tries.is_empty() || time.is_empty() { tries.to_owned() } else { format!("{tries} ") };
    Said { word, remark, tries, time: time.to_owned() }
}

/// Every left one with every right one, in the order of the right ones.
fn pairs<L: Copy, R: Copy>(left: &[L], right: &[R]) -> Vec<(L, R)> {
    right.iter().flat_map(|right| left.iter().map(|left| (*left, *right))).collect()
}

/// What the lower side of a box says: its part of a loop or guard, the selected instance, the critical path.
fn label(shown: &Shown<'_>, room: u16, charset: Charset) -> String {
    let part = shown.stage.enclosure.as_ref().map(|enclosure| enclosure.part.name());
    let critical = shown.facts.critical.then_some("critical");
    let all: Vec<&str> = [part, shown.instance, critical].into_iter().flatten().collect();
    let whole = all.join(" ");
    if text::width(&whole, charset) <= room {
        return whole;
    }
    shown.instance.or(critical).or(part).unwrap_or_default().to_owned()
}

/// Boxes of stages that need a look have coloured frames; the others stay quiet.
fn frame(look: &Look, shown: &Shown<'_>) -> (Frame, Style) {
    let charset = look.charset;
    let quiet = match shown.facts.status {
        StageStatus::Pending | StageStatus::Ready | StageStatus::Skipped | StageStatus::Succeeded | StageStatus::Cancelled => {
            look.style(Role::Edge)
        }
        StageStatus::WaitingApproval
        | StageStatus::Running
        | StageStatus::Retrying
        | StageStatus::Failed
        | StageStatus::TimedOut
        | StageStatus::Unknown => look.theme.stage(shown.facts.status),
    };
    match (shown.selected, shown.focused) {
        (true, true) => (charset.heavy_frame(), look.style(Role::Accent)),
        (true, false) => (charset.heavy_frame(), look.style(Role::Text)),
        (false, _) if shown.facts.critical => (charset.double_frame(), quiet.patch(look.style(Role::Title))),
        (false, _) if shown.stage.enclosure.is_some() => (charset.dashed_frame(), quiet),
        (false, _) => (charset.frame(), quiet),
    }
}
