//! Moving from stage to stage: along edges, through lists and instances, to what failed.

use super::{Dag, Level, Zoom};
use crate::model::{Run, Stage, StageStatus};
use crate::tui::layout::Step;

impl Dag {
    /// Walks one step. In a list, left and right still go along edges.
    pub fn walk(&mut self, step: Step, run: &Run) {
        let level = self.level(self.area.width, self.most_rows);
        let node = self.board.node(run, self.selected);
        let target = match (self.layout(level, self.area.width), step) {
            (None, Step::Up | Step::Down) => self.beside(step == Step::Up),
            (Some(layout), _) => layout.step(node, step),
            (None, _) => self.picture().and_then(|picture| picture.lines.step(node, step)),
        };
        self.select(target.filter(|stage| *stage < run.stages.len()).unwrap_or(self.selected));
    }

    /// The row above or below the selected one in the list.
    fn beside(&self, up: bool) -> Option<usize> {
        let rows = self.listed();
        let at = rows.iter().position(|row| *row == self.selected)?;
        let next = if up { at.checked_sub(1)? } else { at + 1 };
        rows.get(next).copied()
    }

    /// The stages of the list from top to bottom: as written, instances below those that are unfolded.
    pub(super) fn listed(&self) -> Vec<usize> {
        let unfolded = |stage: usize| if self.unfolded.contains(&stage) { self.board.instances(stage) } else { &[] };
        (0..self.board.written()).flat_map(|stage| std::iter::once(stage).chain(unfolded(stage).iter().copied())).collect()
    }

    /// The next or previous instance of the selected stage; false when there is none that way.
    pub fn turn_instance(&mut self, run: &Run, backwards: bool) -> bool {
        let node = self.board.node(run, self.selected);
        let instances = self.board.instances(node);
        let at = instances.iter().position(|instance| *instance == self.selected);
        let next = match (at, backwards) {
            (None, false) => instances.first(),
            (Some(at), false) => instances.get(at + 1),
            (Some(0), true) => Some(&node),
            (Some(at), true) => instances.get(at - 1),
            (None, true) => None,
        };
        let next = next.copied();
        next.into_iter().for_each(|stage| self.select(stage));
        next.is_some()
    }

    /// Lists the instances of the selected stage, or folds them up again; false when it has none.
    pub fn unfold(&mut self, run: &Run) -> bool {
        let node = self.board.node(run, self.selected);
        if self.board.instances(node).is_empty() {
            return false;
        }
        let listed = self.level(self.area.width, self.most_rows) == Level::List;
        if listed && self.unfolded.remove(&node) {
            self.select(node);
        } else {
            self.zoom = Zoom::List;
            self.unfolded.insert(node);
            self.following = false;
        }
        self.reveal = true;
        true
    }

    /// The next failed stage in the order of the document, going round; of one in a loop, its failed instances.
    pub fn next_failed(&mut self, run: &Run, backwards: bool) -> bool {
        self.next_of(run, backwards, &self.failed(run))
    }

    /// The same for every stage that needs somebody: what waits for a person, too.
    pub fn next_to_see(&mut self, run: &Run, backwards: bool) -> bool {
        self.next_of(run, backwards, &self.those(run, wants_attention))
    }

    fn next_of(&mut self, run: &Run, backwards: bool, failed: &[usize]) -> bool {
        let place = |at: usize| (self.board.node(run, at), run.stages[at].id.path());
        let here = place(self.selected.min(run.stages.len().saturating_sub(1)));
        let found = if backwards {
            failed.iter().rev().find(|at| place(**at) < here).or(failed.last())
        } else {
            failed.iter().find(|at| place(**at) > here).or(failed.first())
        };
        if let Some(at) = found {
            self.select(*at);
        }
        found.is_some()
    }
}

/// Whether nothing goes on without a person: it failed, waits for an approval or for an answer.
pub fn wants_attention(status: StageStatus) -> bool {
    status.is_failure() || matches!(status, StageStatus::WaitingApproval | StageStatus::Unknown)
}

impl Dag {
    /// The stages that failed, in the order of the document; of one in a loop, its instances.
    fn failed(&self, run: &Run) -> Vec<usize> {
        self.those(run, StageStatus::is_failure)
    }

    fn those(&self, run: &Run, wanted: fn(StageStatus) -> bool) -> Vec<usize> {
        let mut failed: Vec<usize> = Vec::new();
        let is_failed = |at: &usize| wanted(run.stages[*at].status);
        for at in 0..self.board.written() {
            let before = failed.len();
            failed.extend(self.board.instances(at).iter().copied().filter(is_failed));
            if failed.len() == before && is_failed(&at) {
                failed.push(at);
            }
        }
        failed
    }

    /// The stage that the run failed with; of a loop or guard, the first stage inside it that failed.
    pub fn first_failed(&self, run: &Run) -> Option<usize> {
        let failed = self.failed(run);
        let named = run.first_failure()?.id.written().to_owned();
        let within = |at: &&usize| {
            let enclosure = run.stages[**at].enclosure.as_ref();
            enclosure.is_some_and(|enclosure| enclosure.stage.written() == named)
        };
        let is_it = |at: &&usize| run.stages[**at].id.written() == named;
        failed.iter().find(within).or_else(|| failed.iter().find(is_it)).or(failed.first()).copied()
    }
}

/// The stage that matters now. One that is at work is stayed with until it ends; then comes what went wrong, then what has
/// been at work longest. Between two pieces of work nothing changes.
pub(super) fn busy(run: &Run, selected: usize) -> Option<usize> {
    let stages = || run.stages.values().enumerate();
    let stayed_with =
        |test: fn(&Stage) -> bool| run.stages.get_index(selected).filter(|(_, stage)| test(stage)).map(|_| selected);
    if run.status.is_final() {
        let failed = run.first_failure().and_then(|failed| run.stages.get_index_of(&failed.id));
        let last = || stages().filter(|(_, stage)| !stage.attempts.is_empty()).max_by_key(|(_, stage)| stage.finished_at);
        return failed.or_else(|| last().map(|(at, _)| at));
    }
    // What fails inside a loop or a guard may be made good there.
    let broken = |stage: &Stage| stage.status == StageStatus::Unknown || stage.status.is_failure() && stage.enclosure.is_none();
    let begun = |(_, stage): &(usize, &Stage)| (stage.attempts.last().map(|attempt| attempt.started_at), stage.started_at);
    stayed_with(is_at_work)
        .or_else(|| stages().find(|(_, stage)| broken(stage)).map(|(at, _)| at))
        .or_else(|| stages().rev().filter(|(_, stage)| is_at_work(stage)).min_by_key(begun).map(|(at, _)| at))
        .or_else(|| stayed_with(|stage| stage.finished_at.is_some()))
        .or_else(|| stages().rev().filter(|(_, stage)| is_active(stage)).min_by_key(begun).map(|(at, _)| at))
}

fn is_active(stage: &Stage) -> bool {
    matches!(stage.status, StageStatus::Running | StageStatus::Retrying | StageStatus::WaitingApproval)
}

/// It does work of its own: a loop or guard only waits for what runs inside it.
fn is_at_work(stage: &Stage) -> bool {
    is_active(stage) && stage.phase.is_none()
}
