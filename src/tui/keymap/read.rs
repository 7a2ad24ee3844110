//! Changes of keys from a file: lines `next-failed = "n"` or `quit = ["q", "ctrl-q"]` under `[keys]` of the user's key
//! file, or under `[console.keys]` of the workspace file. An empty list takes an action off the keyboard; the palette
//! still has it.

use super::{Key, Keymap};
use crate::config::{Node, Problem, Reader, document};
use crate::tui::action::{ALL, Action, Context, Facts};

/// Without a key for these nobody gets out, or back in.
const NEEDED: &[Action] = &[Action::Accept, Action::Back, Action::Palette, Action::Quit];

impl Keymap {
    /// This map, changed by the user's key file.
    ///
    /// # Errors
    /// All that is wrong, in the order of the file: unknown actions, unreadable keys, keys that would mean two things,
    /// actions that must have a key or must not.
    pub fn with_file(self, text: &str) -> Result<Self, Vec<Problem>> {
        let document = document(text)?;
        let mut reader = Reader::new(text);
        let mut changes = Vec::new();
        for (key, value) in document.get_ref() {
            match key.get_ref().as_ref() {
                "keys" => changes.extend(read(&mut reader, value)),
                _ => reader.unknown("table", key, &["keys"]),
            }
        }
        self.changed(changes, reader)
    }

    /// This map, changed by the workspace file; what else stands in that file is not looked at.
    ///
    /// # Errors
    /// As `with_file`.
    pub fn with_workspace(self, text: &str) -> Result<Self, Vec<Problem>> {
        let document = document(text)?;
        let mut reader = Reader::new(text);
        let keys = document.get_ref().get("console").and_then(|console| console.get_ref().as_table()?.get("keys"));
        let changes = keys.map(|keys| read(&mut reader, keys)).unwrap_or_default();
        self.changed(changes, reader)
    }

    fn changed(mut self, changes: Vec<Change>, mut reader: Reader<'_>) -> Result<Self, Vec<Problem>> {
        for change in &changes {
            self.keys.insert(change.action, change.keys.clone());
        }
        for Change { action, place, .. } in changes {
            if let Some(message) = self.refusal(action.facts()) {
                reader.wrong(place, message);
            } else if let Some((key, other)) = self.clash(action) {
                let (name, other) = (action.facts().name, other.facts());
                let place = place.clone();
                reader.wrong_with_help(
                    place,
                    format!("`{key}` already means `{}` where `{name}` works", other.name),
                    format!("give `{}` another key too", other.name),
                );
            }
        }
        let problems = reader.finish();
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    /// Why an action may not have the keys it has.
    pub(super) fn refusal(&self, facts: &Facts) -> Option<String> {
        let keys = self.keys(facts.action);
        if facts.protected && !keys.is_empty() {
            return Some(format!("`{}` changes what is protected: no key may do it", facts.name));
        }
        if NEEDED.contains(&facts.action) && keys.is_empty() {
            return Some(format!("`{}` needs a key", facts.name));
        }
        let types = facts.contexts.contains(&Context::Text) && keys.iter().all(|key| key.writes());
        (types && !keys.is_empty())
            .then(|| format!("`{}` needs a key that writes nothing: it works while typing, too", facts.name))
    }
}

/// What a file says of an action.
struct Change {
    action: Action,
    keys: Vec<Key>,
    place: std::ops::Range<usize>,
}

fn read(reader: &mut Reader<'_>, value: &Node<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, value) in reader.table(value).into_iter().flatten() {
        let Some(action) = Action::from_name(name.get_ref()) else {
            let names: Vec<&str> = ALL.iter().map(|facts| facts.name).collect();
            reader.unknown("action", name, &names);
            continue;
        };
        let items: Vec<&Node<'_>> = match value.get_ref().as_array() {
            Some(items) => items.iter().collect(),
            None => vec![value],
        };
        let keys: Vec<Key> = items.iter().filter_map(|item| reader.parsed(item, Key::parse)).collect();
        if keys.len() == items.len() {
            changes.push(Change { action, keys, place: value.span() });
        }
    }
    changes
}
