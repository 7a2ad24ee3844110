//! The requests that wait for people, as the engine told last, and which of them wait for the person at the keys.
//!
//! Who may answer what is the engine's word, in each gate's objections; nothing is decided here.

use std::collections::BTreeSet;

use crate::model::{Answer, GateId, GateStatus, GateView, Whoami};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gates {
    /// Those for this person first, then the others, each oldest first; `None` until the engine has answered.
    list: Option<Vec<GateView>>,
    /// Who this person is to the engine.
    pub me: Option<Box<Whoami>>,
    /// Those in the list that wait for this person, by generation: each is announced once.
    announced: BTreeSet<(GateId, u32)>,
}

impl Gates {
    /// Takes the engine's list; true when something in it waits for this person that did not before. What waited already
    /// when the console came up is not news.
    pub fn take(&mut self, mut list: Vec<GateView>) -> bool {
        list.sort_by_key(|gate| !is_for_me(gate));
        let mine: BTreeSet<_> =
            list.iter().filter(|gate| is_for_me(gate)).map(|gate| (gate.id.clone(), gate.generation)).collect();
        let is_news = self.list.is_some() && !mine.is_subset(&self.announced);
        (self.list, self.announced) = (Some(list), mine);
        is_news
    }

    /// Nothing before the engine has answered.
    pub fn list(&self) -> &[GateView] {
        self.list.as_deref().unwrap_or_default()
    }

    pub fn is_known(&self) -> bool {
        self.list.is_some()
    }

    pub fn get(&self, id: &GateId) -> Option<&GateView> {
        self.list().iter().find(|gate| gate.id == *id)
    }

    /// How many wait for people, and how many of these for this person.
    pub fn waiting(&self) -> (usize, usize) {
        let pending = self.list().iter().filter(|gate| gate.status == GateStatus::Pending).count();
        (pending, self.announced.len())
    }
}

/// Whether this person's approval is what a gate waits for.
pub fn is_for_me(gate: &GateView) -> bool {
    gate.status == GateStatus::Pending && gate.objection(Answer::Approve).is_none()
}

/// The rules that are not full, `release 0 of 1`.
pub fn open_rules(gate: &GateView) -> Vec<String> {
    let open = gate.rules.iter().filter(|rule| rule.approvals.len() < rule.min as usize);
    open.map(|rule| format!("{} {} of {}", rule.name, rule.approvals.len(), rule.min)).collect()
}
