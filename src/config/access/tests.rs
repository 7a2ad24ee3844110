//! `[access]`, right and wrong.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::File;
use crate::model::Role;

fn problems(text: &str) -> Vec<(usize, usize, String)> {
    let found = File::parse(text, Path::new("/srv")).expect_err("this file is wrong");
    let told = |problem: crate::config::Problem| {
        let help = problem.help.map(|help| format!("; {help}")).unwrap_or_default();
        (problem.line, problem.column, format!("{}{help}", problem.message))
    };
    found.into_iter().map(told).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn roles_are_given_to_users_and_groups_and_some_per_environment() {
    let text = "[access]\nservice_accounts = [\"ci\"]\n[access.roles]\noperator = { groups = [\"ops\"] }\n\
        approver = { groups = [\"release\"], users = [\"dana\"], environments = [\"production\"] }\n\
        viewer = { users = [\"ann\"] }\n[environments.production]\n";
    let file = File::parse(text, Path::new("/srv")).unwrap();
    assert_eq!((&file.service_accounts, file.policy().service_accounts), (&set(&["ci"]), set(&["ci"])));
    let access = file.access.expect("a section");
    assert_eq!(access.grants.iter().map(|grant| grant.role).collect::<Vec<_>>(), [Role::Viewer, Role::Operator, Role::Approver]);
    let approver = &access.grants[2];
    assert_eq!((&approver.people.users, &approver.people.groups), (&set(&["dana"]), &set(&["release"])));
    assert_eq!(approver.environments, Some(set(&["production"])));
    assert_eq!(access.grants[1].environments, None);
}

#[test]
fn one_role_may_be_given_to_different_people_in_different_environments() {
    let text = "[[access.roles.deployer]]\nusers = [\"ann\"]\nenvironments = [\"a\"]\n\
        [[access.roles.deployer]]\nusers = [\"bob\"]\n[environments.a]\n";
    let access = File::parse(text, Path::new("/srv")).unwrap().access.expect("a section");
    assert_eq!(access.grants.len(), 2);
    assert_eq!(access.grants[1].environments, None);
}

#[test]
fn an_empty_section_is_not_an_absent_one() {
    let access = |text: &str| File::parse(text, Path::new("/srv")).unwrap().access;
    assert_eq!(access(""), None);
    assert!(access("[access]\n").expect("a section").grants.is_empty());
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let text = "[access]\nservice_acounts = [\"ci\"]\n[access.roles]\noperater = { users = [\"a\"] }\nviewer = {}\n\
        admin = { users = [\"a\"], environments = [\"production\"] }\ndeployer = { user = [\"a\"] }\n\
        approver = { users = [\"a\", \"a\"], environments = [] }\nbreak_glass = { groups = [\"g\"], environments = [\"prodction\"] }\n\
        [environments.production]\n";
    let expected = [
        (2, 1, "unknown key `service_acounts`; did you mean `service_accounts`?"),
        (4, 1, "unknown role `operater`; did you mean `operator`?"),
        (5, 10, "`viewer` is given to nobody: name `users` or `groups`"),
        (6, 26, "`admin` holds for the whole workspace; deployer, approver and break_glass hold per environment"),
        (7, 12, "`deployer` is given to nobody: name `users` or `groups`"),
        (7, 14, "unknown key `user`; did you mean `users`?"),
        (8, 28, "\"a\" is there twice"),
        (8, 49, "the role holds nowhere: name environments, or leave `environments` out for all"),
        (9, 49, "[environments] has no \"prodction\"; did you mean `production`?"),
    ];
    let found = problems(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (line, column, message)) in found.iter().zip(expected) {
        assert_eq!((found.0, found.1, found.2.as_str()), (line, column, message));
    }
}
