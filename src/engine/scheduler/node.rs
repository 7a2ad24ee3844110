//! A stage's place in the graph, and the rules of readiness and skipping (pipeline-language: scheduling).

use super::frame::Inside;
use super::{Effect, Moment, Scheduler, flow};
use crate::language::Pipeline;
use crate::model::{EventKind, StageId};

/// Where a stage stands between its dependencies and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Blocked,
    Evaluating,
    Ready,
    /// Waits at a gate for people.
    Held,
    Running,
    Backoff,
    Asked,
    Settled,
}

/// What a settled stage means to its dependants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It did its work, or is switched off and lets the order pass through.
    Ran,
    /// A branch not taken, a `when` that does not hold, or nothing but skipped dependencies.
    Skipped,
    /// Behind the shut gate of this filter.
    Gated(usize),
}

#[derive(Debug)]
pub(super) struct Node {
    /// Its place in the pipeline.
    pub spec: usize,
    pub id: StageId,
    /// Its places in loops, outermost first.
    pub path: Vec<usize>,
    /// The frame it runs in, while that is at work.
    pub inside: Option<Inside>,
    /// Runs also when nothing new is started any more.
    pub finally: bool,
    /// A stage inside a frame that counts for its dependants by now.
    pub released: bool,
    pub phase: Phase,
    pub settled: Option<Settled>,
    /// Timers carry the epoch they were set in.
    pub epoch: u32,
    /// Written dependencies and owners that have not settled.
    pub open_dependencies: usize,
    pub open_owners: usize,
    /// Dependencies that really ran, owners that chose this stage included.
    ran: usize,
    activated: bool,
    gate: Option<usize>,
    pub dependants: Vec<usize>,
    pub owned: Vec<usize>,
    is_output: bool,
}

/// One node per stage, wired by what comes first and by ownership.
pub(super) fn wire(pipeline: &Pipeline) -> Vec<Node> {
    let index = |id: &crate::model::StageId| pipeline.index_of(id.as_str());
    let mut nodes: Vec<Node> = pipeline
        .stages
        .iter()
        .enumerate()
        .map(|(index, spec)| Node {
            is_output: pipeline.output_stage.as_ref() == Some(&spec.id),
            finally: spec.undoes.is_some(),
            ..Node::instance(index, spec.id.clone(), Vec::new())
        })
        .collect();
    // What undoes others waits for none of them.
    for (stage, spec) in pipeline.stages.iter().enumerate().filter(|(_, spec)| spec.undoes.is_none()) {
        for dependency in spec.depends_on.iter().chain(&spec.waits_for).filter_map(index) {
            nodes[dependency].dependants.push(stage);
            nodes[stage].open_dependencies += 1;
        }
        for owner in spec.owners.iter().filter_map(index) {
            nodes[owner].owned.push(stage);
            nodes[stage].open_owners += 1;
        }
    }
    nodes
}

impl Node {
    /// A stage on its own, without wires.
    pub fn instance(spec: usize, id: StageId, path: Vec<usize>) -> Self {
        Self {
            spec,
            id,
            path,
            inside: None,
            finally: false,
            released: false,
            phase: Phase::Blocked,
            settled: None,
            epoch: 0,
            open_dependencies: 0,
            open_owners: 0,
            ran: 0,
            activated: false,
            gate: None,
            dependants: Vec::new(),
            owned: Vec::new(),
            is_output: false,
        }
    }

    fn is_due(&self) -> bool {
        let free = self.open_owners == 0 || self.activated;
        self.phase == Phase::Blocked && self.open_dependencies == 0 && free
    }
}

impl Scheduler {
    /// Lets the settled stages reach their dependants, as far as that goes. Iterative: chains may be long.
    pub(super) fn settle_all(&mut self, moment: Moment) {
        loop {
            if let Some((node, failure)) = self.ended_inside.pop_front() {
                self.end_inside(node, failure, moment);
            } else if let Some(stage) = self.settling.pop() {
                for dependant in self.reach_dependants(stage) {
                    self.decide(dependant, moment);
                }
            } else {
                return;
            }
        }
    }

    /// Counts a settled stage in at its dependants; gives those that may now be due.
    pub(super) fn reach_dependants(&mut self, stage: usize) -> Vec<usize> {
        let settled = self.nodes[stage].settled.unwrap_or(Settled::Ran);
        let ran = settled == Settled::Ran;
        let Some(output) = self.run.stages.get(&self.nodes[stage].id).map(|stage| &stage.output) else { return Vec::new() };
        let shut = ran && flow::is_shut_gate(&self.pipeline.stages[stage], output);
        let dependants = self.nodes[stage].dependants.clone();
        let owned = self.nodes[stage].owned.clone();
        let chosen: Vec<bool> = owned
            .iter()
            .map(|&target| ran && flow::activates(&self.pipeline.stages[stage], output, &self.pipeline.stages[target].id))
            .collect();
        for &target in &dependants {
            let blocked_by = match settled {
                Settled::Gated(gate) => Some(gate),
                Settled::Ran if shut && !self.pipeline.stages[target].reads.contains(&self.pipeline.stages[stage].id) => {
                    Some(stage)
                }
                Settled::Ran | Settled::Skipped => None,
            };
            let node = &mut self.nodes[target];
            node.open_dependencies -= 1;
            if self.pipeline.stages[target].waits_for.contains(&self.pipeline.stages[stage].id) {
                continue;
            }
            node.ran += usize::from(ran);
            node.gate = node.gate.or(blocked_by);
        }
        for (&target, chosen) in owned.iter().zip(chosen) {
            let node = &mut self.nodes[target];
            node.open_owners -= 1;
            node.ran += usize::from(chosen);
            node.activated |= chosen;
        }
        dependants.into_iter().chain(owned).collect()
    }

    /// Makes a due stage ready, or skips it with the reason.
    pub(super) fn decide(&mut self, stage: usize, moment: Moment) {
        if self.halt.is_some() || !self.nodes[stage].is_due() || self.is_reserved(stage) {
            return;
        }
        let node = &self.nodes[stage];
        let spec = &self.pipeline.stages[stage];
        let owned = !spec.owners.is_empty();
        let dependent = owned || !spec.depends_on.is_empty();
        if !spec.enabled {
            self.skip(stage, "disabled".to_owned(), Settled::Ran, moment);
        } else if owned && !node.activated {
            let reason = format!("branch:{}", spec.owners[0]);
            self.skip(stage, reason, Settled::Skipped, moment);
        } else if let Some(gate) = node.gate.filter(|_| !(node.is_output && node.ran > 0)) {
            let reason = format!("gate:{}", self.pipeline.stages[gate].id);
            self.skip(stage, reason, Settled::Gated(gate), moment);
        } else if dependent && node.ran == 0 {
            self.skip(stage, "upstream_skipped".to_owned(), Settled::Skipped, moment);
        } else if spec.when.is_some() {
            self.nodes[stage].phase = Phase::Evaluating;
            self.effects.push(Effect::Evaluate { stage });
        } else {
            self.make_ready(stage);
        }
    }

    pub(super) fn skip(&mut self, stage: usize, reason: String, settled: Settled, moment: Moment) {
        let id = self.nodes[stage].id.clone();
        self.record(moment, EventKind::StageSkipped { stage: id, reason });
        self.nodes[stage].phase = Phase::Settled;
        self.nodes[stage].settled = Some(settled);
        if self.nodes[stage].inside.is_some() {
            self.ended_inside.push_back((stage, None));
            return;
        }
        if self.is_reserved(stage) {
            return;
        }
        self.open -= 1;
        self.settling.push(stage);
    }
}
