use std::collections::BTreeSet;

use super::{Action, may};
use crate::model::{Access, Grant, People, Person, Role};

const ENGINE: u32 = 1000;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn person(name: &str, uid: u32, groups: &[&str]) -> Person {
    Person { name: name.to_owned(), uid: Some(uid), groups: set(groups), service: false }
}

fn grant(role: Role, users: &[&str], groups: &[&str], environments: Option<&[&str]>) -> Grant {
    Grant { role, people: People { users: set(users), groups: set(groups) }, environments: environments.map(set) }
}

fn deploy(environment: &str) -> Action {
    Action::Deploy { environment: environment.to_owned() }
}

fn approve(environment: &str) -> Action {
    Action::Approve { environment: environment.to_owned() }
}

fn break_glass(environment: &str) -> Action {
    Action::BreakGlass { environment: environment.to_owned() }
}

#[test]
fn without_an_access_section_only_the_engines_own_user_is_admin() {
    let own = person("ann", ENGINE, &[]);
    let other = person("root", 0, &["wheel"]);
    let nameless = Person { name: "ann".to_owned(), uid: None, groups: set(&[]), service: false };
    for action in [Action::View, Action::Operate, deploy("production"), approve("production"), Action::Administer] {
        assert!(may(None, ENGINE, &own, &action).is_ok(), "{action}");
        assert!(may(None, ENGINE, &other, &action).is_err(), "{action}");
        assert!(may(None, ENGINE, &nameless, &action).is_err(), "a name is no proof: {action}");
    }
}

#[test]
fn an_access_section_takes_the_place_of_the_engines_own_user() {
    let access = Access { grants: vec![grant(Role::Admin, &["root"], &[], None)] };
    assert!(may(Some(&access), ENGINE, &person("ann", ENGINE, &[]), &Action::View).is_err());
    assert!(may(Some(&access), ENGINE, &person("root", 0, &[]), &Action::Administer).is_ok());
}

#[test]
fn a_role_of_an_environment_holds_there_only() {
    let access = Access {
        grants: vec![
            grant(Role::Deployer, &[], &["ops"], Some(&["staging"])),
            grant(Role::Approver, &["dana"], &[], Some(&["production"])),
        ],
    };
    let ops = person("olaf", 1, &["ops"]);
    let dana = person("dana", 2, &[]);
    assert!(may(Some(&access), ENGINE, &ops, &deploy("staging")).is_ok());
    assert!(may(Some(&access), ENGINE, &ops, &deploy("production")).is_err());
    assert!(may(Some(&access), ENGINE, &dana, &approve("production")).is_ok());
    assert!(may(Some(&access), ENGINE, &dana, &approve("staging")).is_err());
    assert!(may(Some(&access), ENGINE, &dana, &deploy("production")).is_err(), "an approver does not deploy");
}

#[test]
fn general_roles_include_those_before_them_and_every_role_sees() {
    let roles = [Role::Viewer, Role::Operator, Role::Deployer, Role::Approver, Role::BreakGlass, Role::Admin];
    let allowed = |role: Role, action: &Action| {
        let access = Access { grants: vec![grant(role, &["ann"], &[], None)] };
        may(Some(&access), ENGINE, &person("ann", 7, &[]), action).is_ok()
    };
    let of = |action: &Action| roles.into_iter().filter(|&role| allowed(role, action)).collect::<Vec<_>>();
    assert_eq!(of(&Action::View), roles);
    assert_eq!(of(&Action::Operate), [Role::Operator, Role::Deployer, Role::Admin]);
    assert_eq!(of(&deploy("x")), [Role::Deployer, Role::Admin]);
    assert_eq!(of(&approve("x")), [Role::Approver, Role::Admin]);
    assert_eq!(of(&Action::Administer), [Role::Admin]);
    assert_eq!(of(&break_glass("x")), [Role::BreakGlass], "breaking the glass is a permission of its own");
}

#[test]
fn a_refusal_says_who_what_was_needed_and_what_would_grant_it() {
    let access = Access::default();
    let refusal = may(Some(&access), ENGINE, &person("ann", 7, &[]), &deploy("production")).expect_err("no grant");
    assert_eq!(
        refusal.to_string(),
        "ann may not deploy to production; needs the role deployer: \
         add ann or one of their groups to deployer for production in [access.roles]"
    );
    let refusal = may(None, ENGINE, &person("ann", 7, &[]), &Action::View).expect_err("no access section");
    assert!(refusal.to_string().contains("has no [access.roles]"), "{refusal}");
}
