//! What comes before what, while implicit waits are added.
//!
//! Owns the order of the stages and its growth. Must not know problems and messages.

use std::collections::{HashMap, HashSet};

use crate::language::load::links::listed_stages;
use crate::language::load::stage::Draft;

/// What became of the wish that one stage comes before another.
pub enum Wait {
    /// It does, now or already.
    Holds,
    /// Both are inside one loop or guard, whose lists order them.
    Inside,
    /// It cannot: this stage, the later one or a loop or guard around it, comes first.
    Closes(usize),
}

pub struct Search<'d> {
    drafts: &'d [Draft<'d>],
    dependencies: Vec<Vec<usize>>,
    owners: Vec<Vec<usize>>,
    /// What an enclosing stage runs inside itself, for whoever comes after it.
    enclosed: HashMap<usize, Vec<usize>>,
    /// An order in which every stage comes after its dependencies: the place of each.
    position: Vec<usize>,
    walk: Walk,
    /// Stages of which is known that they come after the other one. Waits are only added, so it stays true.
    known: HashSet<(usize, usize)>,
    /// What has to come first and is not written there.
    pub found: Vec<(usize, usize)>,
}

/// A search through everything before one stage, gone on with from question to question.
struct Walk {
    reader: Option<usize>,
    open: Vec<usize>,
    seen: Vec<usize>,
    round: usize,
}

impl<'d> Search<'d> {
    /// `wishes` are the pairs of a stage and what should come first that will be waited for.
    pub fn new(drafts: &'d [Draft<'d>], index: &HashMap<&str, usize>, wishes: impl Iterator<Item = (usize, usize)>) -> Self {
        let at = |id: &crate::model::StageId| index.get(id.as_str()).copied();
        let dependencies = drafts.iter().map(|draft| draft.spec.dependencies().filter_map(at).collect()).collect();
        let owners = drafts.iter().map(|draft| draft.spec.owners.iter().filter_map(at).collect()).collect();
        let encloses = |draft: &Draft<'_>| draft.spec.component.entry().encloses;
        let enclosed = drafts.iter().enumerate().filter(|(_, draft)| encloses(draft)).map(|(owner, draft)| {
            (owner, listed_stages(draft).iter().filter_map(|(_, id)| index.get(id.as_str()).copied()).collect())
        });
        let enclosed = enclosed.collect();
        let walk = Walk { reader: None, open: Vec::new(), seen: vec![0; drafts.len()], round: 0 };
        let mut search =
            Self { drafts, dependencies, owners, enclosed, position: Vec::new(), walk, known: HashSet::new(), found: Vec::new() };
        let mut wished = search.dependencies.clone();
        for (stage, first) in wishes {
            search.waiting(stage, first).into_iter().flatten().for_each(|waiting| wished[waiting].push(first));
        }
        // Mostly all of them can be had together; then nothing has to be put in order again.
        search.position = positions(&wished).or_else(|| positions(&search.dependencies)).unwrap_or_default();
        search
    }

    fn encloses(&self, stage: usize) -> bool {
        self.drafts[stage].spec.component.entry().encloses
    }

    /// Who has to wait so that `first` comes before `stage`: itself, or the outermost loops and guards around it.
    /// `None` when one of them is around both.
    fn waiting(&self, stage: usize, first: usize) -> Option<Vec<usize>> {
        let frames: Vec<usize> = self.owned_by(stage).into_iter().filter(|at| self.encloses(*at)).collect();
        if frames.is_empty() {
            return Some(vec![stage]);
        }
        let beside = self.owned_by(first);
        if frames.iter().any(|frame| *frame == first || beside.contains(frame)) {
            return None;
        }
        let outermost = |frame: &usize| !self.owned_by(*frame).iter().any(|around| self.encloses(*around));
        Some(frames.into_iter().filter(outermost).collect())
    }

    /// Lets `first` come before `stage`, or before the outermost loops and guards that it is inside.
    pub fn wait(&mut self, stage: usize, first: usize) -> Wait {
        let Some(waiting) = self.waiting(stage, first) else { return Wait::Inside };
        let mut wait = Wait::Holds;
        for waiting in waiting {
            if self.runs_before(first, waiting) {
                continue;
            }
            let behind = self.position[first] > self.position[waiting];
            if waiting == first || (behind && self.reaches(first, waiting)) {
                wait = Wait::Closes(waiting);
                continue;
            }
            self.dependencies[waiting].push(first);
            self.found.push((waiting, first));
            self.walk.add(waiting, first);
            self.known.insert((waiting, first));
            if behind {
                self.position = positions(&self.dependencies).unwrap_or_default();
            }
        }
        wait
    }

    pub fn runs_before(&mut self, target: usize, reader: usize) -> bool {
        if self.same_owner(target, reader) {
            return true;
        }
        if self.dependencies[reader].contains(&target) {
            self.known.insert((reader, target));
            return true;
        }
        let passed_on = self.dependencies[reader].iter().any(|before| self.known.contains(&(*before, target)));
        if passed_on || self.walks_to(target, reader) {
            self.known.insert((reader, target));
            return true;
        }
        false
    }

    fn walks_to(&mut self, target: usize, reader: usize) -> bool {
        if self.walk.reader != Some(reader) {
            self.walk.start(reader);
        }
        while !self.walk.has(target) {
            let Some(at) = self.walk.open.pop() else { return false };
            let inside = self.enclosed.get(&at).filter(|_| at != reader && !self.owners[reader].contains(&at));
            for next in self.dependencies[at].iter().chain(inside.into_iter().flatten()) {
                self.walk.meet(*next);
            }
        }
        true
    }

    /// True when `from` comes after `target` by dependencies; what is inside a loop or guard has given it its own by then.
    fn reaches(&self, from: usize, target: usize) -> bool {
        self.path(from, target).len() > 1
    }

    /// From a stage to one that it depends on, both included; shortest first.
    pub fn path(&self, from: usize, target: usize) -> Vec<usize> {
        path(from, target, |at| &self.dependencies[at], |next| self.position[next] >= self.position[target])
    }

    /// From a loop or guard to a stage inside it, by owners.
    pub fn path_inside(&self, frame: usize, stage: usize) -> Vec<usize> {
        let mut up = path(stage, frame, |at| &self.owners[at], |_| true);
        up.reverse();
        up
    }

    /// Its owners, their owners, and so on, nearest first.
    fn owned_by(&self, stage: usize) -> Vec<usize> {
        let (mut found, mut seen) = (self.owners[stage].clone(), HashSet::new());
        found.retain(|owner| seen.insert(*owner));
        let mut at = 0;
        while at < found.len() {
            found.extend(self.owners[found[at]].iter().filter(|owner| seen.insert(**owner)));
            at += 1;
        }
        found
    }

    /// Stages of one enclosing stage run in the order of its lists; the owner sees to it.
    fn same_owner(&self, target: usize, reader: usize) -> bool {
        self.owners[target].iter().any(|owner| self.encloses(*owner) && self.owners[reader].contains(owner))
    }
}

impl Walk {
    fn start(&mut self, reader: usize) {
        self.reader = Some(reader);
        self.round += 1;
        self.open = vec![reader];
        self.seen[reader] = self.round;
    }

    fn has(&self, stage: usize) -> bool {
        self.seen[stage] == self.round && self.reader != Some(stage)
    }

    fn meet(&mut self, stage: usize) {
        if self.seen[stage] != self.round {
            self.seen[stage] = self.round;
            self.open.push(stage);
        }
    }

    /// A stage has a further dependency.
    fn add(&mut self, stage: usize, first: usize) {
        if self.seen[stage] == self.round {
            self.meet(first);
        }
    }
}

fn path<'g>(from: usize, target: usize, further: impl Fn(usize) -> &'g Vec<usize>, may: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut came: HashMap<usize, usize> = HashMap::from([(from, from)]);
    let mut open = std::collections::VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        if at == target {
            let mut path = vec![at];
            while let Some(before) = came.get(&path[path.len() - 1]).filter(|before| **before != path[path.len() - 1]) {
                path.push(*before);
            }
            path.reverse();
            return path;
        }
        for next in further(at).iter().copied().filter(|next| may(*next)) {
            came.entry(next).or_insert_with(|| {
                open.push_back(next);
                at
            });
        }
    }
    Vec::new()
}

/// Places in which every stage comes after its dependencies; `None` when they form a ring.
fn positions(dependencies: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut waiting: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut dependants: Vec<Vec<usize>> = vec![Vec::new(); dependencies.len()];
    for (at, needed) in dependencies.iter().enumerate() {
        needed.iter().for_each(|needed| dependants[*needed].push(at));
    }
    let mut order: Vec<usize> = (0..waiting.len()).filter(|at| waiting[*at] == 0).collect();
    let (mut position, mut done) = (vec![0; waiting.len()], 0);
    while done < order.len() {
        let stage = order[done];
        position[stage] = done;
        done += 1;
        for dependant in &dependants[stage] {
            waiting[*dependant] -= 1;
            if waiting[*dependant] == 0 {
                order.push(*dependant);
            }
        }
    }
    (done == dependencies.len()).then_some(position)
}
