//! What of `[access]` and `[environments]` is valid and still does not do what it seems to: for `flowdeck doctor`.

use std::collections::BTreeSet;

use crate::accounts;
use crate::config::File;
use crate::model::{Environment, People};

/// Doubts about the policy of a workspace file, one sentence each. A name that this system does not know is one: the
/// account may come later, or may be a slip of the pen.
pub fn doubts(file: &File) -> Vec<String> {
    let policy = file.policy();
    let granted = policy.access.iter().flat_map(|access| access.grants.iter().map(|grant| &grant.people));
    let ruling = policy.environments.values().flat_map(|environment| environment.rules.iter().map(|rule| &rule.people));
    let people: Vec<&People> = granted.chain(ruling).collect();
    let users: BTreeSet<&String> = people.iter().flat_map(|people| &people.users).chain(&policy.service_accounts).collect();
    let groups: BTreeSet<&String> = people.iter().flat_map(|people| &people.groups).collect();
    let user = |name: &&String| doubt("user", name, accounts::is_user(name));
    let group = |name: &&String| doubt("group", name, accounts::group_id(name).map(|id| id.is_some()));
    let unknown = users.iter().filter_map(user).chain(groups.iter().filter_map(group));
    unknown.chain(policy.environments.values().filter_map(without_effect)).collect()
}

fn doubt(what: &str, name: &str, known: Result<bool, accounts::AccountError>) -> Option<String> {
    match known {
        Ok(true) => None,
        Ok(false) => Some(format!("this system knows no {what} `{name}`")),
        Err(error) => Some(format!("whether there is a {what} `{name}`: {error}")),
    }
}

/// Rules that nothing asks for.
fn without_effect(environment: &Environment) -> Option<String> {
    let written = !environment.rules.is_empty() || !environment.freeze.is_empty() || environment.break_glass;
    let name = &environment.name;
    (written && !environment.protected)
        .then(|| format!("`{name}` has rules or freeze windows and is not protected: they hold nothing"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::doubts;
    use crate::config::File;

    fn told(text: &str) -> Vec<String> {
        doubts(&File::parse(text, Path::new("/srv")).expect("a valid file"))
    }

    #[test]
    fn names_that_the_system_does_not_know_are_told_once_each() {
        let text = "[access]\nservice_accounts = [\"no such program\"]\n[access.roles]\n\
            viewer = { users = [\"root\", \"no such user\"] }\noperator = { users = [\"no such user\"], groups = [\"no such group\"] }\n";
        let expected = ["user `no such program`", "user `no such user`", "group `no such group`"];
        assert_eq!(told(text), expected.map(|name| format!("this system knows no {name}")));
        assert!(told("[access.roles]\nadmin = { users = [\"root\"] }\n").is_empty());
    }

    #[test]
    fn rules_of_an_environment_that_is_not_protected_are_doubted() {
        let rules = "rules = [{ name = \"a\", users = [\"root\"] }]\n";
        let found = told(&format!("[environments.production]\n{rules}"));
        assert!(found.len() == 1 && found[0].contains("`production`") && found[0].contains("not protected"), "{found:?}");
        assert!(told(&format!("[environments.production]\nprotected = true\n{rules}")).is_empty());
    }
}
