//! Who has said yes, counted against the rules: every person fills one place at most, whatever groups they are in.

use super::access::{Action, may};
use crate::model::{Access, Environment, Excluded, Gate, People, Person, Quorum};

/// What decides about an environment, as it is configured now.
#[derive(Debug, Clone, Copy)]
pub struct Deciders<'a> {
    pub environment: &'a Environment,
    pub access: Option<&'a Access>,
    pub engine_uid: u32,
}

/// One rule and the people who fill its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTally {
    pub name: String,
    pub min: u32,
    /// Never more than `min`.
    pub people: Vec<String>,
}

/// A rule, or what stands for one where none is written.
struct Places<'a> {
    name: &'a str,
    min: u32,
    /// `None` is everybody who may try.
    people: Option<&'a People>,
}

impl Deciders<'_> {
    /// Counts voters against the rules of a gate, so that as many places as possible are filled.
    pub fn tally(&self, gate: &Gate, excluded: &[Excluded], voters: &[&Person]) -> Vec<RuleTally> {
        let rules = self.places(gate);
        let voters = distinct(voters);
        let fits: Vec<Vec<bool>> =
            voters.iter().map(|voter| rules.iter().map(|rule| self.fits(gate, excluded, rule, voter)).collect()).collect();
        let mut seats: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
        for voter in 0..voters.len() {
            seat(voter, &rules, &fits, &mut seats, &mut vec![false; rules.len()]);
        }
        let named = |taken: Vec<usize>| taken.into_iter().map(|voter| voters[voter].name.clone()).collect();
        let tallies = rules.iter().zip(seats);
        tallies.map(|(rule, taken)| RuleTally { name: rule.name.to_owned(), min: rule.min, people: named(taken) }).collect()
    }

    /// Whether a person could fill a place of some rule.
    pub fn counts(&self, gate: &Gate, person: &Person) -> bool {
        self.places(gate).iter().any(|rule| self.fits(gate, &gate.excluded, rule, person))
    }

    /// What a person must be allowed to try in order to approve.
    pub fn action(&self, gate: &Gate) -> Action {
        let environment = self.environment.name.clone();
        match gate.quorum {
            Quorum::Rules => Action::Approve { environment },
            Quorum::OnCall | Quorum::Automatic => Action::Deploy { environment },
        }
    }

    /// Whether a person has the role that approving needs.
    pub fn may_try(&self, gate: &Gate, person: &Person) -> Result<(), super::access::Refusal> {
        may(self.access, self.engine_uid, person, &self.action(gate))
    }

    fn fits(&self, gate: &Gate, excluded: &[Excluded], rule: &Places<'_>, person: &Person) -> bool {
        // The one person on call who rolls back is usually the one who started it.
        let apart = gate.quorum == Quorum::OnCall || !self.environment.separation || !self.has_a_hand(excluded, person);
        let named = rule.people.is_none_or(|people| people.include(person));
        named && apart && !person.service && self.may_try(gate, person).is_ok()
    }

    /// Whether a person had to do with what is asked. The stages of runs are processes of the engine's user: what speaks in
    /// that name may be the very thing that waits.
    fn has_a_hand(&self, excluded: &[Excluded], person: &Person) -> bool {
        person.uid == Some(self.engine_uid) || excluded.iter().any(|excluded| excluded.is(person))
    }

    fn places<'a>(&'a self, gate: &'a Gate) -> Vec<Places<'a>> {
        if gate.quorum == Quorum::OnCall {
            return vec![Places { name: "on-call", min: 1, people: None }];
        }
        if gate.quorum == Quorum::Automatic {
            return vec![Places { name: "failed analysis", min: 0, people: None }];
        }
        let written = self.environment.rules.iter().chain(&gate.rules);
        let mut places: Vec<Places<'a>> =
            written.map(|rule| Places { name: &rule.name, min: rule.min.max(1), people: Some(&rule.people) }).collect();
        // A pipeline's rules come on top of the environment's, also where that has none of its own.
        if self.environment.rules.is_empty() && (self.environment.protected || places.is_empty()) {
            places.insert(0, Places { name: "approver", min: 1, people: None });
        }
        places
    }
}

/// Whether every place is filled.
pub fn is_full(tally: &[RuleTally]) -> bool {
    !tally.is_empty() && tally.iter().all(RuleTally::is_full)
}

/// Whether two are one person: the same name or the same user of the system.
pub fn same(one: &Person, other: &Person) -> bool {
    one.name == other.name || (one.uid.is_some() && one.uid == other.uid)
}

fn distinct<'a>(voters: &[&'a Person]) -> Vec<&'a Person> {
    let mut kept: Vec<&Person> = Vec::new();
    for voter in voters {
        if !kept.iter().any(|other| same(other, voter)) {
            kept.push(voter);
        }
    }
    kept
}

/// Seats one voter, moving others to another rule of theirs where that makes room: an augmenting path of a bipartite
/// matching whose right side are the places of the rules.
fn seat(voter: usize, rules: &[Places<'_>], fits: &[Vec<bool>], seats: &mut [Vec<usize>], seen: &mut [bool]) -> bool {
    for rule in 0..rules.len() {
        if !fits[voter][rule] || std::mem::replace(&mut seen[rule], true) {
            continue;
        }
        if seats[rule].len() < usize::try_from(rules[rule].min).unwrap_or(usize::MAX) {
            seats[rule].push(voter);
            return true;
        }
        for place in 0..seats[rule].len() {
            if seat(seats[rule][place], rules, fits, seats, seen) {
                seats[rule][place] = voter;
                return true;
            }
        }
    }
    false
}

impl RuleTally {
    /// Whether its places are filled.
    pub fn is_full(&self) -> bool {
        self.missing() == 0
    }

    /// How many people it still needs.
    pub fn missing(&self) -> u32 {
        self.min.saturating_sub(u32::try_from(self.people.len()).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
