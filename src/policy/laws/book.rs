//! What truly happened, written down without any of the code that decides, and the laws over it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::test_runner::TestCaseError;

use super::HOUR;
use crate::model::{GateId, Person, RunId, Subject};

/// A yes that was taken.
struct Yes {
    gate: GateId,
    subject: Subject,
    rules: Rules,
    person: String,
    at: i64,
}

/// How many of each group must say yes.
pub type Rules = [u32; 2];
pub const GROUPS: [&str; 2] = ["release", "security"];
/// The hour of the day in which nothing starts.
pub const FROZEN: i64 = 18;

#[derive(Default)]
pub struct Book {
    yes: Vec<Yes>,
    vetoed: BTreeSet<GateId>,
    started: BTreeSet<GateId>,
    /// Runs that were told that they hold the lock, with their token.
    holding: BTreeMap<RunId, u64>,
    last_fence: u64,
    pub held: bool,
    pub quarantined: BTreeSet<String>,
}

/// The world at a start, as it truly is.
pub struct Now<'a> {
    pub subject: &'a Subject,
    pub rules: Rules,
    pub people: &'a [Person],
    /// Who had a part in the run.
    pub apart: &'a [usize],
    pub at: i64,
}

impl Book {
    pub fn yes(&mut self, gate: &GateId, subject: &Subject, rules: Rules, person: &Person, at: i64) {
        self.yes.push(Yes { gate: gate.clone(), subject: subject.clone(), rules, person: person.name.clone(), at });
    }

    pub fn veto(&mut self, gate: &GateId) {
        self.vetoed.insert(gate.clone());
    }

    pub fn took_lock(&mut self, run: &RunId, fence: u64) -> Result<(), TestCaseError> {
        law(self.holding.get(run).is_none_or(|held| *held == fence), "a holder keeps its token")?;
        if self.holding.insert(run.clone(), fence).is_none() {
            law(fence > self.last_fence, "every holder has a greater token")?;
            self.last_fence = fence;
        }
        law(self.holding.len() == 1, "at most one run holds the lock")
    }

    pub fn gave_lock(&mut self, run: &RunId) {
        self.holding.remove(run);
    }

    pub fn start(&mut self, gate: &GateId, fence: u64, now: &Now<'_>) -> Result<(), TestCaseError> {
        law(self.started.insert(gate.clone()), "a gate starts once")?;
        law(!self.vetoed.contains(gate), "a veto holds")?;
        law(self.holding.get(&now.subject.run) == Some(&fence), "only the holder of the lock starts, with its token")?;
        law(now.at.rem_euclid(24 * HOUR) / HOUR != FROZEN, "nothing starts in a freeze")?;
        law(!self.held, "a hold keeps automation out")?;
        law(now.subject.artefacts.values().all(|digest| !self.quarantined.contains(digest)), "a quarantine keeps artefacts out")?;
        let about_this = |yes: &&Yes| yes.gate == *gate && yes.subject == *now.subject && yes.rules == now.rules;
        let yes: Vec<&Yes> = self.yes.iter().filter(about_this).collect();
        let latest = yes.iter().map(|yes| yes.at).max();
        law(latest.is_some_and(|at| now.at < at + 4 * HOUR && now.at >= at), "an approval is used in time")?;
        let counts = |(at, person): &(usize, &Person)| {
            !person.service && !now.apart.contains(at) && yes.iter().any(|yes| yes.person == person.name)
        };
        let voters: Vec<&Person> = now.people.iter().enumerate().filter(counts).map(|(_, person)| person).collect();
        law(enough(now.rules, &voters), "distinct people who may still approve fill every rule")
    }
}

/// Tries every way to give each voter a place of one group, or none.
fn enough(needs: Rules, voters: &[&Person]) -> bool {
    if needs == [0, 0] {
        return true;
    }
    let Some((first, rest)) = voters.split_first() else {
        return false;
    };
    let with = |group: usize| {
        let mut left = needs;
        left[group] = left[group].saturating_sub(1);
        first.groups.contains(GROUPS[group]) && enough(left, rest)
    };
    enough(needs, rest) || with(0) || with(1)
}

fn law(holds: bool, words: &str) -> Result<(), TestCaseError> {
    if holds { Ok(()) } else { Err(TestCaseError::fail(words.to_owned())) }
}
