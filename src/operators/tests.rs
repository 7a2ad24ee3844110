//! What holds for all components; `keys` holds the component table against what the operators read.

mod keys;

use serde_json::json;

use super::testing::Stage;
use super::{TABLE, is_idempotent, is_pure, runs};
use crate::language::Component;

pub(super) use keys::asked_for;

#[test]
fn each_component_has_one_row() {
    for (at, operator) in TABLE.iter().enumerate() {
        assert!(!TABLE[..at].iter().any(|earlier| earlier.component == operator.component), "row {at}");
    }
}

#[test]
fn every_component_that_people_write_runs() {
    for component in Component::written() {
        assert!(runs(component), "{component}");
    }
}

#[test]
fn what_computes_only_is_the_same_here_and_in_the_language() {
    for operator in TABLE {
        // An approval computes nothing new, but nobody runs it without asking.
        let asks = operator.component == Component::Approval;
        assert_eq!(is_pure(operator.component), operator.component.is_pure() || asks, "{}", operator.component);
    }
}

#[test]
fn transforms_are_pure_and_may_be_repeated_unless_the_author_says_no() {
    assert!(is_pure(Component::Filter) && is_pure(Component::Conditional));
    assert!(!is_pure(Component::Shell) && !is_pure(Component::HttpRequest) && !is_pure(Component::Deploy));
    assert!(is_idempotent(Stage::new(Component::Logger, json!({})).spec()));
    assert!(!is_idempotent(Stage::new(Component::Logger, json!({})).idempotent(false).spec()));
    assert!(!is_idempotent(Stage::new(Component::Shell, json!({"run": "true"})).spec()));
    assert!(is_idempotent(Stage::new(Component::Shell, json!({"run": "true"})).idempotent(true).spec()));
}

#[test]
fn an_upstream_with_a_hyphen_is_read() {
    let config = json!({"condition": "upstream.health-check.status_code == 200", "true_stages": ["go"]});
    let done = Stage::new(Component::Conditional, config).upstream("health-check", json!({"status_code": 200})).done();
    assert_eq!(done.outcome.output["condition_result"], true);
}
