//! `[environments.NAME]`: what is protected, who decides, when nothing may start.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use super::file::url;
use super::reader::{Node, Reader};
use super::{duration, freeze, suggest};
use crate::model::{Environment, People, Rule};

const KEYS: &[&str] = &[
    "url",
    "protected",
    "tier",
    "bake",
    "approval",
    "rules",
    "freeze",
    "freeze_rollbacks",
    "separation",
    "break_glass",
    "rollback",
    "promote_from",
];

/// Environments that other parts of the file speak of, with the place; they must be there in the end.
#[derive(Debug, Default)]
pub(super) struct Mentions(Vec<(String, Range<usize>)>);

impl Mentions {
    pub fn add(&mut self, value: &Node<'_>) {
        if let Some(name) = value.get_ref().as_str().filter(|name| !name.is_empty()) {
            self.0.push((name.to_owned(), value.span()));
        }
    }

    /// Tells of every name that is none of the file's environments.
    pub fn check(self, reader: &mut Reader<'_>, known: &[&str]) {
        for (name, span) in self.0 {
            if known.contains(&name.as_str()) {
                continue;
            }
            let help = match suggest(&name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => format!("describe it: [environments.{name}]"),
                None => format!("there are {}", known.join(", ")),
            };
            reader.wrong_with_help(span, format!("[environments] has no {name:?}"), help);
        }
    }
}

pub(super) fn environments(reader: &mut Reader<'_>, value: &Node<'_>, mentions: &mut Mentions) -> BTreeMap<String, Environment> {
    let mut environments = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (name, value) in reader.table(value).into_iter().flatten() {
        if !is_name(name.get_ref()) {
            reader.wrong(
                name.span(),
                format!("{:?} cannot name an environment: letters, digits, `-`, `_` and `.`", name.get_ref()),
            );
        }
        if let Some(environment) = environment(reader, name.get_ref(), value, mentions) {
            places.insert(environment.name.clone(), name.span());
            environments.insert(environment.name.clone(), environment);
        }
    }
    for (name, place) in places {
        if promotes_itself(&environments, &name) {
            reader.wrong(place, format!("{name:?} is promoted from itself, by the chain of `promote_from`"));
        }
    }
    environments
}

/// Names are part of commands, paths and messages.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn promotes_itself(environments: &BTreeMap<String, Environment>, name: &str) -> bool {
    let from = |name: &str| environments.get(name).and_then(|environment| environment.promote_from.as_deref());
    let chain = std::iter::successors(from(name), |before| from(before));
    chain.take(environments.len()).any(|before| before == name)
}

fn environment(reader: &mut Reader<'_>, name: &str, value: &Node<'_>, mentions: &mut Mentions) -> Option<Environment> {
    let mut environment = Environment::open(name);
    for (key, value) in reader.table(value)? {
        match key.get_ref().as_ref() {
            "url" => environment.url = reader.parsed(value, url),
            "protected" => environment.protected = reader.flag(value).unwrap_or_default(),
            "tier" => environment.tier = reader.number(value).unwrap_or_default(),
            "bake" => environment.bake = reader.parsed(value, duration).unwrap_or_default(),
            "approval" => approval(reader, value, &mut environment),
            "rules" => environment.rules = rules(reader, value),
            "freeze" => environment.freeze = freeze::windows(reader, value),
            "separation" => environment.separation = reader.flag(value).unwrap_or(true),
            "freeze_rollbacks" => environment.freeze_rollbacks = reader.flag(value).unwrap_or_default(),
            "break_glass" => environment.break_glass = reader.flag(value).unwrap_or_default(),
            "rollback" => environment.rollback = reader.text(value),
            "promote_from" => {
                environment.promote_from = reader.text(value);
                mentions.add(value);
            }
            _ => reader.unknown("key", key, KEYS),
        }
    }
    Some(environment)
}

fn approval(reader: &mut Reader<'_>, value: &Node<'_>, environment: &mut Environment) {
    for (key, value) in reader.table(value).into_iter().flatten() {
        let clock = match key.get_ref().as_ref() {
            "expires" => &mut environment.expires,
            "valid" => &mut environment.valid,
            _ => {
                reader.unknown("key", key, &["expires", "valid"]);
                continue;
            }
        };
        *clock = reader.parsed(value, some_time).unwrap_or(*clock);
    }
}

/// A length of time that is not nothing.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    let length = duration(text)?;
    if length.is_zero() { Err(format!("{text:?} is no time at all")) } else { Ok(length) }
}

fn rules(reader: &mut Reader<'_>, value: &Node<'_>) -> Vec<Rule> {
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    for item in reader.list(value, "a list of rules, { name, groups, users, min }") {
        let Some(rule) = rule(reader, item) else { continue };
        if !rule.name.is_empty() && !seen.insert(rule.name.clone()) {
            reader.wrong(item.span(), format!("the rule {:?} is there twice", rule.name));
        }
        rules.push(rule);
    }
    rules
}

fn rule(reader: &mut Reader<'_>, item: &Node<'_>) -> Option<Rule> {
    let table = reader.table(item)?;
    let (mut people, mut name, mut min) = (People::default(), String::new(), Some(1));
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "name" => name = reader.text(value).unwrap_or_default(),
            "groups" => people.groups = reader.names(value),
            "users" => people.users = reader.names(value),
            "min" => min = reader.count(value),
            _ => reader.unknown("key", key, &["name", "groups", "users", "min"]),
        }
    }
    if !table.contains_key("name") {
        reader.wrong(item.span(), "a rule needs a `name`");
    }
    if people.users.is_empty() && people.groups.is_empty() {
        reader.wrong(item.span(), "a rule that nobody can meet: name `users` or `groups`");
    } else if let Some(min) = min
        && people.groups.is_empty()
        && people.users.len() < usize::try_from(min).unwrap_or(usize::MAX)
    {
        let place = table.get("min").map_or(item.span(), |value| value.span());
        reader.wrong(place, format!("`min` asks for {min} people, and `users` names {}", people.users.len()));
    }
    Some(Rule { name, people, min: min? })
}

#[cfg(test)]
mod tests;
