//! What a stage asks for when it comes to its gate, put together from its run as it is now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Spot;
use crate::language::{Component, Pipeline, StageSpec};
use crate::model::digest::{canonical, sha256_hex};
use crate::model::{
    Actor, Environment, Excluded, GateId, GoingBack, Involvement, Opening, Quorum, ReleaseId, Run, RunId, StageId, Subject,
    SubjectKind, Timestamp,
};
use crate::operators::{Cargo, Question};
use crate::policy::{gate, subject};

/// The stage in the subject of a gate that stands before all of a run.
pub(super) const WHOLE_RUN: &str = "*";

/// What a stage acts on.
#[derive(Debug, Clone)]
pub struct Target {
    pub environment: Environment,
    pub what: What,
    /// It names the environment itself and has a gate of its own; the other stages of a run share one.
    pub own: bool,
}

/// What the stage would do there.
#[derive(Debug, Clone)]
pub enum What {
    /// Something; nobody but its author knows.
    Act,
    /// It asks people, and does nothing itself.
    Ask(Question),
    Deploy(Cargo),
}

impl Target {
    /// Whether people have to agree before it starts.
    pub fn is_gated(&self) -> bool {
        self.environment.protected || matches!(self.what, What::Ask(_))
    }

    /// What it deploys, and where.
    pub fn deploys(&self) -> Option<(&Cargo, Spot)> {
        let What::Deploy(cargo) = &self.what else { return None };
        Some((cargo, Spot { environment: self.environment.name.clone(), service: cargo.service.clone() }))
    }
}

/// A stage that wants to start.
#[derive(Debug, Clone)]
pub struct Asked {
    pub run: RunId,
    /// The run at the top: locks are held by it, for all runs below.
    pub root: RunId,
    /// The stage that is about to start.
    pub stage: StageId,
    /// The stage that this one undoes.
    pub undoes: Option<StageId>,
    pub target: Target,
    /// What the gate is about, without what lies outside of the run.
    pub pipeline_digest: String,
    pub inputs_hash: String,
    pub upstream: BTreeMap<StageId, String>,
    pub requested_by: String,
    pub excluded: Vec<Excluded>,
    /// Orders deployments.
    pub run_created_at: Timestamp,
    /// Set when it goes back to an earlier release, and this stage is the one that does.
    pub back: Option<GoingBack>,
    /// Nobody asked for the run by hand.
    pub automatic: bool,
    /// The environment that a release must have been in before it may come here.
    pub promote_from: Option<Environment>,
    /// A deploy stage around this one, or one that this one undoes, in the same environment: what was let through with it.
    pub under: Option<StageId>,
    /// Inputs of the run and hash of its text, to be compared with those of the live release.
    pub inputs: Value,
    pub pipeline_hash: String,
    /// The directory that its stages run in, when that is not the engine's workspace: scripts there are somebody else's.
    pub elsewhere: Option<String>,
}

impl Asked {
    /// The stage that the subject names.
    pub fn gated(&self) -> StageId {
        if self.target.own { self.stage.clone() } else { StageId::new(WHOLE_RUN) }
    }

    /// The name of the `n`th gate that the stage comes to.
    pub fn gate(&self, n: usize) -> GateId {
        // No stage can have a name with `~` in it.
        let stage = if self.target.own { format!(".{}", self.stage) } else { "~all".to_owned() };
        let again = if n > 1 { format!("~{n}") } else { String::new() };
        GateId::from(format!("{}{stage}{again}", self.run).as_str())
    }

    /// What a generation of its gate that began now would be.
    pub fn opening(&self, live: Option<ReleaseId>, quorum: Quorum, now: Timestamp) -> Opening {
        let environment = &self.target.environment;
        let (service, artefacts) = match &self.target.what {
            What::Deploy(cargo) => (Some(cargo.service.clone()), cargo.artefacts.clone()),
            What::Act | What::Ask(_) => (None, BTreeMap::new()),
        };
        let rules = match &self.target.what {
            What::Ask(question) => question.rules.clone(),
            What::Act | What::Deploy(_) => Vec::new(),
        };
        let subject = Subject {
            environment: environment.name.clone(),
            service,
            kind: if self.back.is_some() { SubjectKind::Rollback } else { SubjectKind::Deploy },
            run: self.run.clone(),
            stage: self.gated(),
            pipeline_digest: self.pipeline_digest.clone(),
            artefacts,
            inputs_hash: self.inputs_hash.clone(),
            upstream: self.upstream.clone(),
            live_release: live,
            policy_hash: subject::policy_hash(environment),
        };
        gate::opening(subject, environment, rules, self.excluded.clone(), quorum, now)
    }
}

/// The digest of everything that was pinned when a run began: its own text, and what its references mean, all the way down.
pub fn pipeline_digest(run: &Run) -> String {
    let includes: BTreeSet<(&str, &str, &str)> =
        run.includes.iter().map(|include| (include.within.as_str(), include.reference.as_str(), include.hash.as_str())).collect();
    let document = json!({"pipeline": run.pipeline.hash, "includes": includes, "reused": reused(run)});
    sha256_hex(canonical(&document).as_bytes())
}

/// Stages that were taken over from another run, with what they gave there: nobody saw them run here.
fn reused(run: &Run) -> BTreeMap<&str, String> {
    let taken = run.stages.values().filter(|stage| stage.reused);
    taken.map(|stage| (stage.id.as_str(), hash_of(&stage.output))).collect()
}

/// Hashes of the outputs of everything that a stage comes after, directly or not, and of whatever else it may read, as far as
/// that ended: variables are there for every stage, whoever sets them.
pub fn upstream(run: &Run, pipeline: &Pipeline, stage: &StageId) -> BTreeMap<StageId, String> {
    let mut open: Vec<usize> = pipeline.index_of(stage.written()).into_iter().collect();
    let mut seen: BTreeSet<usize> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        let spec = &pipeline.stages[at];
        let before = spec.depends_on.iter().chain(&spec.waits_for).chain(&spec.owners).chain(&spec.undoes);
        open.extend(before.filter_map(|id| pipeline.index_of(id.as_str())).filter(|index| seen.insert(*index)));
    }
    let known = run.stages.values().filter(|other| other.id != *stage && other.status.is_final());
    let sets = |index: usize| pipeline.stages[index].component == Component::VariableSet;
    let any = pipeline.stage(stage.written()).is_some_and(reads_by_computed_name);
    let read = |index: usize| any || seen.contains(&index) || sets(index);
    let before = known.filter(|other| pipeline.index_of(other.id.written()).is_some_and(read));
    before.map(|other| (other.id.clone(), hash_of(&other.output))).collect()
}

/// Whether a stage may read others by names that only the run tells, as in `upstream[input.which]`: it waits for none of them,
/// and nobody knows which they are. Rather once too often: what stands in a script counts as well.
fn reads_by_computed_name(spec: &StageSpec) -> bool {
    let text = spec.config.to_string();
    let between = |c: char| c.is_whitespace() || matches!(c, ')' | '\\' | 'n' | 'r' | 't');
    let computed =
        |root: &str| text.match_indices(root).any(|(at, _)| text[at + root.len()..].trim_start_matches(between).starts_with('['));
    computed("upstream") || computed("stages")
}

/// Everybody who had a hand in a run: who started it, who started the runs that it repeats, and `hands`: who brought values,
/// or said what had become of a stage, to it, to those that it repeats, or to runs above and below.
pub fn excluded(run: &Run, ancestors: &[Run], hands: &[Actor]) -> Vec<Excluded> {
    let started = Excluded { name: run.actor.name.clone(), uid: run.actor.uid, part: Involvement::StartedRun };
    let earlier = ancestors.iter().map(|earlier| {
        let changed = earlier.pipeline.edited_from.is_some();
        let part = if changed { Involvement::ChangedPipeline } else { Involvement::ChangedInputs };
        Excluded { name: earlier.actor.name.clone(), uid: earlier.actor.uid, part }
    });
    let hands = run.hands.iter().chain(hands);
    let hands = hands.map(|actor| Excluded { name: actor.name.clone(), uid: actor.uid, part: Involvement::ChangedInputs });
    let mut all = vec![started];
    for other in earlier.chain(hands) {
        if !all.iter().any(|known| known.name == other.name && known.uid == other.uid) {
            all.push(other);
        }
    }
    all
}

fn hash_of(value: &Value) -> String {
    sha256_hex(canonical(value).as_bytes())
}
