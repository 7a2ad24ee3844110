//! What a stage of the run waits for when it waits for people: the short form, and the way to the request.

use ratatui::layout::Rect;

use super::RunScreen;
use crate::model::{GateId, GateView, Stage, StageStatus};
use crate::tui::action::Action;
use crate::tui::gates::{is_for_me, open_rules};
use crate::tui::screen::{Intent, Tone};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

/// The gate that a stage waits at now.
pub(super) fn gate_of(stage: &Stage) -> Option<&GateId> {
    stage.waits_at.as_ref().filter(|_| stage.status == StageStatus::WaitingApproval)
}

impl RunScreen {
    /// The gate of the selected stage, else the first one that this run waits at.
    fn gate(&self) -> Option<&GateId> {
        let others = || self.shown()?.stages.values().find_map(gate_of);
        self.stage().and_then(gate_of).or_else(others)
    }

    pub(super) fn has_gate(&self) -> bool {
        self.player.is_none() && self.gate().is_some()
    }

    /// Goes to the request that is waited for.
    pub(super) fn to_approval(&self, world: &mut World) -> Vec<Intent> {
        match self.gate().filter(|_| self.player.is_none()) {
            Some(gate) => {
                world.selected_gate = Some(gate.clone());
                vec![Intent::Act(Action::GoApprovals)]
            }
            None => Intent::say(Tone::Plain, "no stage of this run waits for an approval"),
        }
    }

    /// Goes to what this run deployed, and asks what to go back to there.
    pub(super) fn roll_back(&self, world: &mut World) -> Vec<Intent> {
        match world.deployments.of_run(&self.id).filter(|_| self.player.is_none()) {
            Some(spot) => {
                world.selected_spot = Some(spot);
                vec![Intent::Act(Action::GoDeployments), Intent::Act(Action::RollBack)]
            }
            None => Intent::say(Tone::Plain, "this run has deployed nothing that is on record"),
        }
    }

    /// One row: the rules that are open, until when, and the key that goes there.
    pub(super) fn draw_gate(&self, paint: &mut Paint<'_>, area: Rect, stage: &Stage, world: &World) {
        let Some(id) = gate_of(stage).filter(|_| area.height > 0) else { return };
        let mut row = paint.row(area, 0);
        row.gap(1);
        let Some(gate) = world.gates.get(id) else {
            row.role("waits for an approval", Role::Waiting);
            return;
        };
        row.role(&words(gate), Role::Waiting)
            .role(&format!(", expires {}", format::utc_clock(gate.expires_at, world.now)), Role::Text);
        row.gap(2).role(&world.key(Action::ToApproval), Role::Key).role(" shows the request", Role::Dim);
        if is_for_me(gate) {
            row.gap(2).role("for you", Role::Waiting);
        }
    }
}

/// `production waits for release 0 of 1`
fn words(gate: &GateView) -> String {
    let open = open_rules(gate);
    match (open.is_empty(), gate.blockers.first()) {
        (false, _) => format!("{} waits for {}", gate.environment, open.join(", ")),
        (true, Some(blocker)) => format!("{}: {blocker}", gate.environment),
        (true, None) => format!("{} is {}", gate.environment, gate.status.as_str()),
    }
}
