//! Which key does what where: the defaults of the action list, with the user's `[keys]` table laid over them.

mod key;

use std::collections::BTreeMap;

pub use key::Key;
use toml::de::{DeTable, DeValue};

use super::action::{ALL, Action, Context, unknown};

/// A checked map. Every action has its keys; in one context a key means one thing.
#[derive(Debug, Clone)]
pub struct Keymap {
    keys: BTreeMap<Action, Vec<Key>>,
}

/// What is wrong with a key or theme file, and where. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct FileError {
    pub file: String,
    pub line: usize,
    pub message: String,
}

impl FileError {
    pub(super) fn at(file: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        Self { file: file.to_owned(), line: 1 + before.matches('\n').count(), message: message.into() }
    }
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = |keys: &[&str]| keys.iter().filter_map(|key| Key::parse(key).ok()).collect();
        Self { keys: ALL.iter().map(|facts| (facts.action, keys(facts.keys))).collect() }
    }
}

impl Keymap {
    /// The defaults, changed by a file of the form `[keys]` with lines `next-failed = "n"` or `quit = ["q", "ctrl-q"]`.
    /// An empty list takes an action off the keyboard; the palette still has it.
    ///
    /// # Errors
    /// All that is wrong, in the order of the file: unknown actions, unreadable keys, keys that would mean two things.
    pub fn with_overrides(file: &str, text: &str) -> Result<Self, Vec<FileError>> {
        let mut map = Self::default();
        let table = DeTable::parse(text)
            .map_err(|error| vec![FileError::at(file, text, error.span().map_or(0, |span| span.start), error.message())])?;
        let mut errors = Vec::new();
        let mut fail = |offset: usize, message: String| errors.push(FileError::at(file, text, offset, message));
        let mut changed = Vec::new();
        for (section, entries) in table.get_ref() {
            let DeValue::Table(entries) = entries.get_ref() else {
                fail(section.span().start, format!("`{}` is not a table", section.get_ref()));
                continue;
            };
            if section.get_ref() != "keys" {
                fail(section.span().start, unknown("table", section.get_ref(), ["keys"].into_iter()));
                continue;
            }
            for (name, value) in entries {
                match (Action::from_name(name.get_ref()), read_keys(value.get_ref())) {
                    (Ok(action), Ok(keys)) => {
                        changed.push((name.span().start, action));
                        map.keys.insert(action, keys);
                    }
                    (Err(message), _) => fail(name.span().start, message),
                    (_, Err(message)) => fail(value.span().start, message),
                }
            }
        }
        for (offset, action) in changed {
            if let Some((key, other)) = map.clash(action) {
                let message = format!("`{key}` already means `{}` where `{}` works", other.facts().name, action.facts().name);
                fail(offset, message);
            }
        }
        if errors.is_empty() {
            Ok(map)
        } else {
            errors.sort_by_key(|error| error.line);
            Err(errors)
        }
    }

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

    fn clash(&self, action: Action) -> Option<(Key, Action)> {
        let shares = |other: Action| action.facts().contexts.iter().any(|context| other.facts().contexts.contains(context));
        ALL.iter()
            .map(|facts| facts.action)
            .filter(|other| *other != action && shares(*other))
            .find_map(|other| self.keys(other).iter().find(|key| self.keys(action).contains(key)).map(|key| (*key, other)))
    }
}

fn read_keys(value: &DeValue<'_>) -> Result<Vec<Key>, String> {
    match value {
        DeValue::String(text) => Ok(vec![Key::parse(text)?]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Key::parse(text),
                _ => Err("a key is a string like \"ctrl-x\"".to_owned()),
            })
            .collect(),
        _ => Err("keys are a string or a list of strings".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Keymap};
    use crate::tui::action::{ALL, Action, Context};

    #[test]
    fn every_default_key_is_readable_and_means_one_thing_in_a_context() {
        let map = Keymap::default();
        for facts in ALL {
            assert_eq!(map.keys(facts.action).len(), facts.keys.len(), "{}", facts.name);
            assert_eq!(map.clash(facts.action), None, "{}", facts.name);
        }
    }

    #[test]
    fn the_nearest_context_wins() {
        let map = Keymap::default();
        let key = Key::parse("n").expect("a key");
        assert_eq!(map.find(key, &[Context::Graph, Context::Global]), Some(Action::NextFailed));
        assert_eq!(map.find(key, &[Context::Log, Context::Graph]), Some(Action::NextHit));
        assert_eq!(map.find(key, &[Context::Global]), None);
    }

    #[test]
    fn a_user_file_replaces_the_keys_it_names() {
        let map = Keymap::with_overrides("keys.toml", "[keys]\nquit = [\"ctrl-q\"]\nzoom = \"Z\"\n").expect("valid");
        assert_eq!(map.find(Key::parse("q").expect("a key"), &[Context::Global]), None);
        assert_eq!(map.find(Key::parse("ctrl-q").expect("a key"), &[Context::Global]), Some(Action::Quit));
        assert_eq!(map.find(Key::parse("Z").expect("a key"), &[Context::Run]), Some(Action::Zoom));
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let text = "[keys]\nquti = \"q\"\nzoom = \"hyper-z\"\nhelp = \"q\"\n";
        let errors = Keymap::with_overrides("keys.toml", text).expect_err("wrong");
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "keys.toml:2: unknown action `quti`, did you mean `quit`?",
                "keys.toml:3: `hyper-z` is not a key",
                "keys.toml:4: `q` already means `quit` where `help` works",
            ]
        );
    }

    #[test]
    fn a_file_that_is_not_toml_says_where() {
        let errors = Keymap::with_overrides("keys.toml", "[keys]\nquit = = 1\n").expect_err("wrong");
        assert_eq!(errors[0].line, 2);
    }
}
