//! What the pipeline asks and shows, and how the candidate differs from what is live. Whole, over as many rows as it takes:
//! nobody decides about what was cut off.

use super::{LABELS, Line};
use crate::model::{Change, GateView};
use crate::tui::theme::Role;
use crate::tui::widget::diff::{self, Mark};
use crate::tui::widget::text;
use crate::tui::world::World;

/// Rows of words under a label, each after a sign.
fn rows(label: &'static str, sign: (&str, Role), words: &str, role: Role, world: &World, width: u16) -> Vec<Line> {
    let room = width.saturating_sub(LABELS + 4);
    let wrapped = text::wrap(words, room, world.look.charset).into_iter().enumerate();
    let line = |(at, row)| {
        let first = at == 0;
        let line = Line::new(if first { label } else { "" });
        line.role(if first { sign.0 } else { "  " }, sign.1).role(row, role)
    };
    wrapped.map(line).collect()
}

pub fn question(gate: &GateView, world: &World, width: u16) -> Vec<Line> {
    let message = gate.evidence.message.iter();
    message.flat_map(|message| rows("question", ("", Role::Text), message, Role::Title, world, width + 2)).collect()
}

/// The differences from what is live, as a diff.
pub fn changes(gate: &GateView, world: &World, width: u16) -> Vec<Line> {
    let lines = gate.evidence.changes.iter().flat_map(|change| of_change(change, world, width));
    labelled("changes", lines.collect())
}

fn of_change(change: &Change, world: &World, width: u16) -> Vec<Line> {
    let what = &change.what;
    let is_text = |side: &Option<String>| side.as_ref().is_some_and(|text| text.contains('\n'));
    let signed = |mark, words: &str| {
        let (sign, role) = match mark {
            Mark::Removed => (("- ", Role::Failure), Role::Text),
            Mark::Added => (("+ ", Role::Success), Role::Text),
            Mark::Same => (("  ", Role::Dim), Role::Dim),
            Mark::Gap => (("  ", Role::Dim), Role::Title),
        };
        rows("", sign, words, role, world, width)
    };
    if is_text(&change.before) || is_text(&change.after) {
        let side = |side: &Option<String>| side.clone().unwrap_or_default();
        let lines = diff::texts(&side(&change.before), &side(&change.after));
        let heading = signed(Mark::Gap, what);
        return heading.into_iter().chain(lines.iter().flat_map(|line| signed(line.mark, &line.text))).collect();
    }
    if change.before.is_none() && change.after.is_none() {
        return signed(Mark::Gap, &format!("{what} is another one"));
    }
    let before = change.before.iter().flat_map(|value| signed(Mark::Removed, &format!("{what}: {value}")));
    let after = change.after.iter().flat_map(|value| signed(Mark::Added, &format!("{what}: {value}")));
    before.chain(after).collect()
}

/// What the pipeline wants people to look at.
pub fn shown(gate: &GateView, world: &World, width: u16) -> Vec<Line> {
    let one = |shown: &crate::model::Shown| {
        let words = format!("{}: {}", shown.name, shown.value);
        rows("", ("", Role::Text), &words, Role::Text, world, width + 2)
    };
    labelled("shows", gate.evidence.shown.iter().flat_map(one).collect())
}

fn labelled(label: &'static str, mut lines: Vec<Line>) -> Vec<Line> {
    if let Some(first) = lines.first_mut() {
        first.label = label;
    }
    lines
}
