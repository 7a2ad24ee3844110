//! The map as people, scripts and the key file have it.

use serde_json::{Value, json};

use super::Keymap;
use crate::tui::action::{ALL, Action, Context, Facts};

impl Keymap {
    /// Every context with its actions, for reading.
    pub fn listing(&self) -> String {
        let width = ALL.iter().map(|facts| self.words(facts.action).chars().count()).max().unwrap_or(0);
        let name_width = ALL.iter().map(|facts| facts.name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (context, actions) in contexts() {
            text.push_str(&format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, context.title()));
            for facts in actions {
                let (keys, name) = (self.words(facts.action), facts.name);
                text.push_str(&format!("  {keys:<width$}  {name:<name_width$}  {}\n", facts.description));
            }
        }
        text
    }

    /// The same for scripts.
    pub fn document(&self) -> Value {
        let action = |facts: &&Facts| {
            let keys: Vec<String> = self.keys(facts.action).iter().map(ToString::to_string).collect();
            json!({"name": facts.name, "keys": keys, "description": facts.description, "protected": facts.protected})
        };
        let context = |(context, actions): (Context, Vec<&Facts>)| json!({"context": context.name(), "title": context.title(), "actions": actions.iter().map(action).collect::<Vec<_>>()});
        json!({"contexts": contexts().into_iter().map(context).collect::<Vec<_>>()})
    }

    /// A key file that says what this map says.
    pub fn file(&self) -> String {
        let mut text =
            "# Keys of the console. What a line does not name keeps its keys; an empty list takes them away.\n\n[keys]\n"
                .to_owned();
        for facts in ALL.iter().filter(|facts| !facts.protected) {
            let keys: Vec<Value> = self.keys(facts.action).iter().map(|key| json!(key.to_string())).collect();
            let keys = match keys.as_slice() {
                [one] => one.to_string(),
                several => format!("[{}]", several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            };
            text.push_str(&format!("{} = {keys} # {}\n", facts.name, facts.description));
        }
        text
    }

    fn words(&self, action: Action) -> String {
        let keys: Vec<String> = self.keys(action).iter().map(ToString::to_string).collect();
        if keys.is_empty() { format!(":{}", action.facts().name) } else { keys.join(" ") }
    }
}

/// The contexts in the order of the action list, each with what works there.
fn contexts() -> Vec<(Context, Vec<&'static Facts>)> {
    let mut contexts: Vec<(Context, Vec<&Facts>)> = Vec::new();
    for facts in ALL {
        for context in facts.contexts {
            match contexts.iter_mut().find(|(known, _)| known == context) {
                Some((_, actions)) => actions.push(facts),
                None => contexts.push((*context, vec![facts])),
            }
        }
    }
    contexts
}
