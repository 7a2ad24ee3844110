//! A small world for the tests of policy: one protected environment, some people, one subject.

use std::collections::{BTreeMap, BTreeSet};

use super::subject;
use crate::model::{Environment, People, Person, Rule, Subject, SubjectKind};

pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Somebody whose uid follows from the name.
pub fn person(name: &str, groups: &[&str]) -> Person {
    let uid = name.bytes().fold(1000, |uid: u32, byte| uid.wrapping_mul(31).wrapping_add(u32::from(byte)));
    Person { name: name.to_owned(), uid: Some(uid), groups: set(groups), service: false }
}

pub fn rule(group: &str, min: u32) -> Rule {
    Rule { name: group.to_owned(), people: People { users: set(&[]), groups: set(&[group]) }, min }
}

/// Production, where `rules` decide.
pub fn production(rules: Vec<Rule>) -> Environment {
    Environment { protected: true, rules, ..Environment::open("production") }
}

/// A deployment of `api` to an environment with one rule.
pub fn subject() -> Subject {
    subject_for(&production(vec![rule("release", 1)]))
}

pub fn subject_for(environment: &Environment) -> Subject {
    Subject {
        environment: environment.name.clone(),
        service: Some("api".to_owned()),
        kind: SubjectKind::Deploy,
        run: "run".into(),
        stage: "ship".into(),
        pipeline_digest: "p1".to_owned(),
        artefacts: BTreeMap::from([("api.tar".to_owned(), "a1".to_owned())]),
        inputs_hash: "i1".to_owned(),
        upstream: BTreeMap::from([("build".into(), "o1".to_owned())]),
        live_release: Some("r1".into()),
        policy_hash: subject::policy_hash(environment),
    }
}
