//! Which key does what where: the defaults of the action list, with the user's changes laid over them.

mod key;
mod print;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use key::Key;

use super::action::{ALL, Action, Context};

/// A checked map. Every action has its keys; in one context a key means one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<Action, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = |keys: &[&str]| keys.iter().filter_map(|key| Key::parse(key).ok()).collect();
        Self { keys: ALL.iter().map(|facts| (facts.action, keys(facts.keys))).collect() }
    }
}

impl Keymap {
    /// What the key does in these contexts, the first one that knows it.
    pub fn find(&self, key: Key, contexts: &[Context]) -> Option<Action> {
        contexts.iter().find_map(|context| {
            ALL.iter()
                .find(|facts| facts.contexts.contains(context) && self.keys(facts.action).contains(&key))
                .map(|facts| facts.action)
        })
    }

    /// The keys of an action, the best known first.
    pub fn keys(&self, action: Action) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// A key that means another action too, in a context that both share.
    fn clash(&self, action: Action) -> Option<(Key, Action)> {
        let shares = |other: Action| action.facts().contexts.iter().any(|context| other.facts().contexts.contains(context));
        ALL.iter()
            .map(|facts| facts.action)
            .filter(|other| *other != action && shares(*other))
            .find_map(|other| self.keys(other).iter().find(|key| self.keys(action).contains(key)).map(|key| (*key, other)))
    }
}
