//! `[access]`: who has which role, and which accounts are programs. Names only; whether the system knows them is asked
//! when somebody comes.

use std::collections::BTreeSet;

use super::environment::Mentions;
use super::reader::{Node, Reader};
use crate::model::{Access, Grant, People, Role};

const KEYS: &[&str] = &["roles", "service_accounts"];
const ROLES: &[&str] = &["viewer", "operator", "deployer", "approver", "break_glass", "admin"];

/// The roles, and the service accounts.
pub(super) fn access(reader: &mut Reader<'_>, value: &Node<'_>, mentions: &mut Mentions) -> (Access, BTreeSet<String>) {
    let (mut access, mut programs) = (Access::default(), BTreeSet::new());
    for (key, value) in reader.table(value).into_iter().flatten() {
        match key.get_ref().as_ref() {
            "roles" => access.grants = roles(reader, value, mentions),
            "service_accounts" => programs = reader.names(value),
            _ => reader.unknown("key", key, KEYS),
        }
    }
    (access, programs)
}

fn roles(reader: &mut Reader<'_>, value: &Node<'_>, mentions: &mut Mentions) -> Vec<Grant> {
    let mut grants = Vec::new();
    for (key, value) in reader.table(value).into_iter().flatten() {
        let Some(role) = role(key.get_ref()) else {
            reader.unknown("role", key, ROLES);
            continue;
        };
        // Different people for different environments: a list of tables.
        match value.get_ref().as_array() {
            Some(list) => grants.extend(list.iter().filter_map(|value| grant(reader, role, value, mentions))),
            None => grants.extend(grant(reader, role, value, mentions)),
        }
    }
    grants.sort_by_key(|grant| grant.role);
    grants
}

fn role(name: &str) -> Option<Role> {
    let roles = [Role::Viewer, Role::Operator, Role::Deployer, Role::Approver, Role::BreakGlass, Role::Admin];
    roles.into_iter().find(|role| role.as_str() == name)
}

fn grant(reader: &mut Reader<'_>, role: Role, value: &Node<'_>, mentions: &mut Mentions) -> Option<Grant> {
    let holds_somewhere = matches!(role, Role::Deployer | Role::Approver | Role::BreakGlass);
    let known: &[&str] = if holds_somewhere { &["users", "groups", "environments"] } else { &["users", "groups"] };
    let (mut people, mut environments) = (People::default(), None);
    for (key, item) in reader.table(value)? {
        match key.get_ref().as_ref() {
            "users" => people.users = reader.names(item),
            "groups" => people.groups = reader.names(item),
            "environments" if holds_somewhere => environments = Some(places(reader, item, mentions)),
            "environments" => {
                let message = format!("`{}` holds for the whole workspace", role.as_str());
                reader.wrong_with_help(key.span(), message, "deployer, approver and break_glass hold per environment");
            }
            _ => reader.unknown("key", key, known),
        }
    }
    if people.users.is_empty() && people.groups.is_empty() {
        reader.wrong(value.span(), format!("`{}` is given to nobody: name `users` or `groups`", role.as_str()));
    }
    Some(Grant { role, people, environments })
}

pub(super) fn places(reader: &mut Reader<'_>, value: &Node<'_>, mentions: &mut Mentions) -> BTreeSet<String> {
    for item in value.get_ref().as_array().into_iter().flatten() {
        mentions.add(item);
    }
    let names = reader.names(value);
    if value.get_ref().as_array().is_some_and(|items| items.is_empty()) {
        reader.wrong(value.span(), "the role holds nowhere: name environments, or leave `environments` out for all");
    }
    names
}

#[cfg(test)]
mod tests;
