//! Screen 5: the requests that wait for people, those for this person first, and everything a decision needs.
//!
//! Opens the question for an answer and never answers itself.

mod detail;
pub mod rows;

use ratatui::layout::Rect;

use super::{Intent, Tone, View, table};
use crate::model::{Answer, GateView, Run, RunId, RunStatus};
use crate::tui::action::Action;
use crate::tui::backend::{Reply, Request};
use crate::tui::popup::{
    Popup,
    confirm::{Confirm, Subject},
};
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::world::{Link, READ_ONLY, World};
use rows::Columns;

/// The answers there are, with the actions that ask for them.
const VERBS: [(Action, Answer); 3] =
    [(Action::Approve, Answer::Approve), (Action::Reject, Answer::Reject), (Action::Withdraw, Answer::Withdraw)];

#[derive(Debug, Clone, Default)]
pub struct Approvals {
    cursor: table::Cursor,
    /// The first row of the request that is in view.
    top: usize,
    parts: Parts,
    /// The run of the selected request.
    evidence: Option<Box<Run>>,
    /// What it was last asked for: the run, and how far it had come.
    asked: Option<(RunId, Option<(RunStatus, u64)>)>,
}

/// How the rows of the screen are shared out.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    list: Rect,
    detail: Rect,
    verbs: Rect,
}

impl View for Approvals {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        match action {
            Action::Approve => return self.ask(Answer::Approve, world),
            Action::Reject => return self.ask(Answer::Reject, world),
            Action::Withdraw => return self.ask(Answer::Withdraw, world),
            Action::Open => return self.current(world).map(|gate| Intent::OpenRun(gate.run_id.clone())).into_iter().collect(),
            Action::DetailDown => self.top += 1,
            Action::DetailUp => self.top = self.top.saturating_sub(1),
            _ => {
                self.cursor.act(action);
                self.cursor.selected = self.cursor.selected.min(world.gates.list().len().saturating_sub(1));
                world.selected_gate = self.current(world).map(|gate| gate.id.clone());
                self.top = 0;
            }
        }
        Vec::new()
    }

    fn is_of_use(&self, action: Action) -> bool {
        !matches!(action, Action::DetailDown | Action::DetailUp) || self.top > 0
    }

    fn hear(&mut self, reply: Reply, world: &World) -> Vec<Intent> {
        match reply {
            Reply::Evidence(run) if self.current(world).is_some_and(|gate| gate.run_id == run.id) => self.evidence = Some(run),
            Reply::Connected(_) | Reply::Failed { .. } => self.asked = None,
            _ => {}
        }
        Vec::new()
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        let gates = world.gates.list();
        // The selection stays on its request when others come and go.
        let place = world.selected_gate.as_ref().and_then(|id| gates.iter().position(|gate| gate.id == *id));
        self.cursor.selected = place.unwrap_or(self.cursor.selected);
        self.parts = parts(area, gates.len());
        self.cursor.fit(self.parts.list.height.saturating_sub(2), gates.len());
        world.selected_gate = self.current(world).map(|gate| gate.id.clone());
        let Some(gate) = self.current(world) else {
            self.evidence = None;
            return Vec::new();
        };
        if self.evidence.as_ref().is_some_and(|run| run.id != gate.run_id) {
            self.evidence = None;
        }
        let rows = detail::lines(gate, self.evidence.as_deref(), world, self.parts.detail.width).len();
        self.top = self.top.min(rows.saturating_sub(usize::from(self.parts.detail.height)));
        let summary = world.runs.iter().flatten().find(|run| run.id == gate.run_id);
        let wanted = Some((gate.run_id.clone(), summary.map(|run| (run.status, run.stages_done))));
        if self.asked == wanted {
            return Vec::new();
        }
        let ask = Intent::Ask(Request::Evidence(gate.run_id.clone()));
        self.asked = wanted;
        vec![ask]
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        self.draw_title(paint, area, world);
        let Some(gate) = self.current(world) else {
            let words = match &world.link {
                Link::Lost(_) => "the engine does not answer",
                _ if world.gates.is_known() => "nothing waits for anybody",
                Link::Connecting | Link::Connected(_) => "asking the engine",
            };
            paint.row(area, 2).gap(3).role(words, Role::Dim);
            return;
        };
        let gates = world.gates.list().iter().enumerate().skip(self.cursor.top);
        let columns = Columns::of(world.gates.list(), world);
        columns.draw_heading(&mut paint.row(self.parts.list, 1));
        for (line, (at, gate)) in (2..self.parts.list.height).zip(gates) {
            columns.draw_gate(&mut paint.row(self.parts.list, line), gate, world);
            if at == self.cursor.selected {
                table::draw_selection(paint, self.parts.list, line);
            }
        }
        let lines = detail::lines(gate, self.evidence.as_deref(), world, self.parts.detail.width);
        detail::draw(paint, self.parts.detail, &lines, self.top);
        self.draw_verbs(paint, world);
    }
}

impl Approvals {
    fn current<'w>(&self, world: &'w World) -> Option<&'w GateView> {
        world.gates.list().get(self.cursor.selected)
    }

    /// Opens the question, with the request as it is shown; says why not where that is known.
    fn ask(&self, answer: Answer, world: &World) -> Vec<Intent> {
        match (self.current(world), self.refusal(answer, world)) {
            (_, Some(why)) => Intent::say(Tone::Bad, why),
            (None, None) => Vec::new(),
            (Some(gate), None) => {
                let subject = Subject::Gate { answer, gate: Box::new(gate.clone()) };
                let confirm = Box::new(Confirm::new(subject, &world.look));
                vec![Intent::Open(Box::new(Popup::Confirm(confirm))), Intent::Ask(Request::Gates)]
            }
        }
    }

    /// Why an answer is impossible now.
    fn refusal(&self, answer: Answer, world: &World) -> Option<String> {
        if world.read_only {
            return Some(READ_ONLY.to_owned());
        }
        if let Some(trouble) = world.link.trouble() {
            return Some(trouble.to_owned());
        }
        match self.current(world) {
            None => Some("nothing waits for an answer".to_owned()),
            Some(gate) => gate.objection(answer).map(str::to_owned),
        }
    }

    fn draw_title(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let (waiting, mine) = world.gates.waiting();
        let mut row = paint.row(area, 0);
        if let Some(me) = &world.gates.me {
            let (dim, text) = (row.style(Role::Dim), row.style(Role::Text));
            row.right(&[("you are ", dim), (&me.person.name, text), (" ", dim)]);
        }
        row.gap(1).role("Approvals", Role::Title).gap(2).role(&format!("{waiting} waiting"), Role::Dim);
        if mine > 0 {
            row.gap(2).role(&format!("{mine} for you"), Role::Waiting);
        }
    }

    /// The answers; an impossible one with its reason.
    fn draw_verbs(&self, paint: &mut Paint<'_>, world: &World) {
        let line = paint.style(Role::Border);
        paint.row(self.parts.verbs, 0).rule(line);
        for (line, (action, answer)) in (1..).zip(VERBS) {
            let (name, keys) = (action.facts().name, world.key(action));
            let why = self.refusal(answer, world);
            let (dim, key) = (paint.style(Role::Dim), paint.style(Role::Key));
            let (key, text) = if why.is_some() { (dim, dim) } else { (key, paint.style(Role::Text)) };
            let mut row = paint.row(self.parts.verbs, line);
            row.gap(1).column(4, &keys, key).column(10, name, text);
            if let Some(why) = why {
                row.role("not now: ", Role::Dim).role(&why, Role::Dim);
            }
        }
    }
}

fn parts(area: Rect, gates: usize) -> Parts {
    let verbs = 4.min(area.height / 3);
    let wanted = u16::try_from(gates).unwrap_or(u16::MAX).saturating_add(2);
    let list = wanted.min((area.height / 3).max(3)).min(area.height);
    let below = area.height.saturating_sub(list + verbs);
    let air = u16::from(below > 3);
    Parts {
        list: Rect { height: list, ..area },
        detail: Rect { y: area.y + list + air, height: below - air, ..area },
        verbs: Rect { y: area.bottom() - verbs, height: verbs, ..area },
    }
}
