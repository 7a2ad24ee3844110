//! A run as its picture has it: the stages as written, with their instances in loops gathered under them.
//!
//! Written stages come first in a run, so their places there are also their nodes in the picture. Must not know where
//! anything is drawn.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::model::{Enclosure, Part, Run, Stage, StageStatus, Timestamp};

/// How far a loop has come, or a stage that runs once for every item of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub done: u64,
    pub failed: u64,
    pub total: u64,
}

/// Made anew whenever the run changes.
#[derive(Debug, Clone, Default)]
pub struct Board {
    written: usize,
    /// Instances of a written stage, in the order of the items.
    instances: BTreeMap<usize, Vec<usize>>,
    progress: BTreeMap<usize, Progress>,
}

/// One item of a loop: how many of its stages were seen, have ended, have failed.
#[derive(Default)]
struct Lane {
    seen: usize,
    ended: usize,
    failed: usize,
}

impl Board {
    pub fn of(run: &Run) -> Self {
        let written = run.stages.values().take_while(|stage| !stage.id.is_instance()).count();
        let mut board = Self { written, ..Self::default() };
        for (at, stage) in run.stages.values().enumerate().skip(written) {
            if let Some(owner) = run.stages.get_index_of(stage.id.written()) {
                board.instances.entry(owner).or_default().push(at);
            }
        }
        for list in board.instances.values_mut() {
            list.sort_by_cached_key(|at| run.stages[*at].id.path());
        }
        board.count_items(run);
        board.count_instances(run);
        board
    }

    /// How many stages the document has.
    pub fn written(&self) -> usize {
        self.written
    }

    /// The instances of a written stage.
    pub fn instances(&self, stage: usize) -> &[usize] {
        self.instances.get(&stage).map_or(&[], Vec::as_slice)
    }

    /// The written stage that a stage is drawn in.
    pub fn node(&self, run: &Run, stage: usize) -> usize {
        let instance = || run.stages.get_index_of(run.stages.get_index(stage)?.0.written());
        if stage < self.written { stage } else { instance().unwrap_or(0) }
    }

    pub fn progress(&self, stage: usize) -> Option<Progress> {
        self.progress.get(&stage).copied()
    }

    /// The status to show. A stage inside a loop stays pending until the loop is over: it is shown as its instances are.
    pub fn status(&self, run: &Run, stage: usize) -> StageStatus {
        // What a cancel left behind is shown as what any other end of a run leaves behind.
        let own = if run.stages[stage].is_left_behind() { StageStatus::Skipped } else { run.stages[stage].status };
        let instances = self.instances(stage);
        if instances.is_empty() || own.is_final() {
            return own;
        }
        let any = |wanted| instances.iter().any(|at| run.stages[*at].status == wanted);
        [StageStatus::Unknown, StageStatus::WaitingApproval, StageStatus::Running, StageStatus::Retrying]
            .into_iter()
            .find(|status| any(*status))
            .unwrap_or(StageStatus::Running)
    }

    /// How long a stage took or has taken; of one in a loop, from its first instance on.
    pub fn elapsed(&self, run: &Run, stage: usize, now: Timestamp) -> Option<Duration> {
        let instances = self.instances(stage);
        if instances.is_empty() {
            return run.stages[stage].elapsed(now);
        }
        let each = || instances.iter().map(|at| &run.stages[*at]);
        let started = each().filter_map(|instance| instance.started_at).min()?;
        let last = each().filter_map(|instance| Some(instance.started_at?.after(instance.elapsed(now)?))).max();
        Some(last.filter(|_| stands(self.status(run, stage))).unwrap_or(now).since(started))
    }

    /// What the written stages wait for, by their places.
    pub fn dependencies(&self, run: &Run) -> Vec<(u32, u32)> {
        let index = |id| run.stages.get_index_of(id).and_then(|at| u32::try_from(at).ok());
        let mut edges = Vec::new();
        for (to, stage) in (0u32..).zip(run.stages.values().take(self.written)) {
            edges.extend(stage.depends_on.iter().filter_map(index).map(|from| (from, to)));
        }
        edges
    }

    /// The edges to draw: a stage that follows another one in the list of a loop or guard is drawn after that one,
    /// not after the enclosing stage.
    pub fn edges(&self, run: &Run) -> Vec<(u32, u32)> {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let stages = || run.stages.values().take(self.written).enumerate();
        let place = |enclosure: &Enclosure| (enclosure.stage.clone(), enclosure.part, enclosure.position);
        let mut placed: BTreeMap<_, usize> = BTreeMap::new();
        for (at, stage) in stages() {
            if let Some(enclosure) = &stage.enclosure {
                placed.entry(place(enclosure)).or_insert(at);
            }
        }
        let mut edges = self.dependencies(run);
        for (at, stage) in stages() {
            let Some(enclosure) = stage.enclosure.as_ref().filter(|enclosure| enclosure.position > 0) else { continue };
            let previous = Enclosure { position: enclosure.position - 1, ..enclosure.clone() };
            let (Some(before), Some(owner)) = (placed.get(&place(&previous)), run.stages.get_index_of(&enclosure.stage)) else {
                continue;
            };
            if *before != at {
                edges.retain(|edge| *edge != (number(owner), number(at)));
                edges.push((number(*before), number(at)));
            }
        }
        edges
    }

    /// Loops at work or over: items that have ended out of all.
    fn count_items(&mut self, run: &Run) {
        let mut body: HashMap<&str, usize> = HashMap::new();
        for stage in run.stages.values().take(self.written) {
            if let Some(stage) = looped(stage) {
                *body.entry(stage).or_default() += 1;
            }
        }
        let mut lanes: HashMap<(&str, Vec<usize>), BTreeMap<usize, Lane>> = HashMap::new();
        for stage in run.stages.values().skip(self.written) {
            let mut path = stage.id.path();
            let (Some(owner), Some(lane)) = (looped(stage), path.pop()) else { continue };
            let lane = lanes.entry((owner, path)).or_default().entry(lane).or_default();
            lane.seen += 1;
            lane.ended += usize::from(stage.status.is_final());
            lane.failed += usize::from(stage.status.is_failure());
        }
        for (at, stage) in run.stages.values().enumerate() {
            let Some(total) = stage.phase.as_ref().and_then(|phase| phase.total) else { continue };
            let stages = body.get(stage.id.written()).copied().unwrap_or(0);
            let mut progress = Progress { total, ..Progress::default() };
            for lane in lanes.get(&(stage.id.written(), stage.id.path())).into_iter().flat_map(BTreeMap::values) {
                let broken = lane.failed > 0 && lane.ended == lane.seen;
                progress.done += u64::from(lane.ended >= stages || broken);
                progress.failed += u64::from(lane.failed > 0);
            }
            self.progress.insert(at, progress);
        }
    }

    /// Written stages inside loops: instances that have ended out of all there will be, as far as is known.
    fn count_instances(&mut self, run: &Run) {
        for (at, instances) in &self.instances {
            let count = |test: fn(StageStatus) -> bool| {
                instances.iter().filter(|instance| test(run.stages[**instance].status)).count() as u64
            };
            let expected = || {
                let owner = run.stages.get_index_of(looped(&run.stages[*at])?)?;
                let loops = std::iter::once(&owner).chain(self.instances(owner));
                Some(loops.filter_map(|at| run.stages[*at].phase.as_ref()?.total).sum::<u64>())
            };
            let total = expected().unwrap_or(0).max(instances.len() as u64);
            let progress = Progress { done: count(StageStatus::is_final), failed: count(StageStatus::is_failure), total };
            self.progress.insert(*at, progress);
        }
    }
}

/// Nothing goes on in a stage of this status: its time stands still.
pub fn stands(status: StageStatus) -> bool {
    status.is_final() || status == StageStatus::Unknown
}

/// The loop that runs a stage directly, as written.
fn looped(stage: &Stage) -> Option<&str> {
    stage.enclosure.as_ref().filter(|enclosure| enclosure.part == Part::Loop).map(|enclosure| enclosure.stage.as_str())
}
