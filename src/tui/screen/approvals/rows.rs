//! Rows of requests that wait, the same in every list.

use crate::model::{Answer, GateStatus, GateView, RunStatus};
use crate::tui::gates::is_for_me;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Row;
use crate::tui::widget::{format, text};
use crate::tui::world::World;

/// Columns as wide as what is in them.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    place: u16,
    what: u16,
    by: u16,
}

impl Columns {
    pub fn of(gates: &[GateView], world: &World) -> Self {
        let charset = world.look.charset;
        let widest = |words: &dyn Fn(&GateView) -> String, least: u16, most: u16| {
            gates.iter().map(|gate| text::width(&words(gate), charset)).max().unwrap_or(0).clamp(least, most)
        };
        Self {
            place: widest(&place, 11, 20),
            what: widest(&|gate| what(gate, world), 8, 26),
            by: widest(&|gate| gate.requested_by.clone(), 8, 10),
        }
    }

    pub fn draw_heading(self, row: &mut Row<'_, '_>) {
        let dim = row.style(Role::Dim);
        row.gap(3).column(self.place, "environment", dim).gap(2).column(self.what, "run and stage", dim).gap(2);
        row.column(self.by, "asked by", dim).gap(2).column(9, "expires", dim).gap(2).put("your part", dim);
    }

    pub fn draw_gate(self, row: &mut Row<'_, '_>, gate: &GateView, world: &World) {
        let (text, dim, waiting) = (row.style(Role::Text), row.style(Role::Dim), row.style(Role::Waiting));
        let mine = is_for_me(gate);
        let glyph = world.look.charset.run(RunStatus::Waiting);
        row.gap(1).put(glyph, if mine { waiting } else { dim }).gap(1);
        row.column(self.place, &place(gate), text).gap(2).column(self.what, &what(gate, world), text).gap(2);
        row.column(self.by, &gate.requested_by, dim).gap(2);
        row.column(9, &format::utc_clock(gate.expires_at, world.now), text).gap(2);
        match (gate.status, gate.objection(Answer::Approve)) {
            (GateStatus::Approved, _) => row.role("approved, waits for its place", Role::Dim),
            (_, Some(why)) => row.role(why, Role::Dim),
            (_, None) => row.role("for you", Role::Waiting),
        };
    }
}

/// `production / api`
fn place(gate: &GateView) -> String {
    let service = gate.service.as_ref().map(|service| format!(" / {service}")).unwrap_or_default();
    format!("{}{service}", gate.environment)
}

/// `deploy: publish`
fn what(gate: &GateView, world: &World) -> String {
    let run = world.runs.iter().flatten().find(|run| run.id == gate.run_id);
    let run = run.map_or(gate.run_id.as_str(), |run| run.pipeline_name.as_str());
    if is_whole_run(gate) { format!("{run}: all of it") } else { format!("{run}: {}", gate.stage) }
}

/// Whether the request is for every stage of the run.
pub fn is_whole_run(gate: &GateView) -> bool {
    gate.stage.as_str() == "*"
}
