use std::collections::BTreeSet;
use std::sync::Arc;

use super::Caller;
use crate::engine::in_force::InForce;
use crate::engine::targets::Targets;
use crate::language::{self, Format};
use crate::model::{Access, Environment, Grant, People, Person, Policy, Proof, Role};

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// `ann` with a role in these environments, where production and staging are protected.
fn ann(role: Role, environments: Option<&[&str]>) -> Caller {
    let people = People { users: set(&["ann"]), groups: BTreeSet::new() };
    let grants = vec![Grant { role, people, environments: environments.map(set) }];
    let mut policy = Policy { access: Some(Access { grants }), ..Policy::default() };
    for (name, protected) in [("production", true), ("staging", true), ("test", false)] {
        let environment = Environment { protected, ..Environment::open(name) };
        policy.environments.insert(name.to_owned(), environment);
    }
    let person = Person { name: "ann".to_owned(), uid: Some(7), groups: BTreeSet::new(), service: false };
    Caller { person, proof: Proof::PeerCredentials, in_force: Arc::new(InForce::of(policy)), engine_uid: 1 }
}

fn targets(text: &str) -> Targets {
    let mut targets = Targets::default();
    targets.add(&language::load(text, Format::Yaml).pipeline.expect("a pipeline"));
    targets
}

const STAGE: &str = "{id: p, stages: [{id: a, type: logger, environment: NAME, config: {message: m}}]}";

#[test]
fn a_protected_environment_wants_a_deployer_of_it() {
    let operator = ann(Role::Operator, None);
    let deployer = ann(Role::Deployer, Some(&["staging"]));
    for (name, operates, deploys) in
        [("test", true, true), ("other", true, true), ("staging", false, true), ("production", false, false)]
    {
        let targets = targets(&STAGE.replace("NAME", name));
        assert_eq!(operator.may_touch(&targets).is_ok(), operates, "{name}");
        assert_eq!(deployer.may_touch(&targets).is_ok(), deploys, "{name}");
    }
    assert!(operator.may_touch(&Targets::of(Some("production"))).is_err(), "the run's own environment");
    let whole = targets("{id: p, environment: production, stages: [{id: a, type: logger, config: {message: m}}]}");
    assert!(operator.may_touch(&whole).is_err(), "the pipeline's own environment");
}

#[test]
fn an_environment_that_only_the_run_will_name_counts_as_every_one() {
    let hidden = targets(&STAGE.replace("NAME", "'{{input.where}}'"));
    assert!(ann(Role::Operator, None).may_touch(&hidden).is_err());
    assert!(ann(Role::Deployer, Some(&["staging"])).may_touch(&hidden).is_err());
    assert!(ann(Role::Deployer, None).may_touch(&hidden).is_ok());
}

#[test]
fn who_only_sees_touches_nothing() {
    let viewer = ann(Role::Viewer, None);
    assert!(viewer.may_touch(&Targets::default()).is_err());
    assert!(viewer.may_stop().is_err());
}

#[test]
fn the_engines_own_user_may_stop_it_whatever_the_policy_says() {
    let own = Caller { engine_uid: 7, ..ann(Role::Viewer, None) };
    assert!(own.may_stop().is_ok());
    assert!(own.may_touch(&Targets::default()).is_err(), "and no more than that");
    assert!(ann(Role::Admin, None).may_stop().is_ok());
}
