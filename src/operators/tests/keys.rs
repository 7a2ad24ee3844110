//! The component table against the operators: every key is read, every key that is read is in the table, and what comes out
//! is what the table says.
//!
//! Each operator works on a config that takes it past everything it reads; the reads are written down on the way.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::testing::Stage;
use super::super::{TABLE, Work, deployed, finish_process, is_idempotent};
use crate::language::Component;
use crate::process::Exit;

thread_local! {
    static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Called wherever an operator looks for a key.
pub(in crate::operators) fn asked_for(names: &[&str]) {
    ASKED.with_borrow_mut(|asked| asked.extend(names.iter().map(|name| (*name).to_owned())));
}

/// Configs that lead past every read.
fn configs(component: Component) -> Vec<Value> {
    match component {
        Component::HttpRequest => vec![json!({"url": "http://127.0.0.1/"})],
        Component::Shell => vec![json!({"run": "true"}), json!({"command": ["true"]})],
        Component::JsonTransform => vec![json!({"template": {}}), json!({"data": {}, "mapping": {"a": "b"}})],
        Component::Filter => vec![json!({"condition": "true"}), json!({"field_conditions": {}})],
        Component::SchemaValidate => vec![json!({"schema": {}})],
        Component::Logger => vec![json!({"message": "m"})],
        Component::VariableSet => vec![json!({"name": "n"})],
        Component::Loop | Component::Foreach => vec![json!({"items": [1]})],
        Component::Conditional => vec![json!({"condition": true}), json!({"condition_expression": "true"})],
        Component::Router => vec![json!({"value": 1, "routes": {}})],
        Component::TryCatch | Component::Return => vec![json!({})],
        Component::Generator => vec![json!({"prompt": "p"}), json!({"prompt": "p", "output_schema": {"type": "object"}})],
        Component::Critic | Component::Improver => vec![json!({"content": "c"})],
        Component::Subpipeline => vec![json!({"pipeline": "p"})],
        Component::Selector => vec![json!({"candidates": [1]})],
        Component::Synthesizer => vec![json!({"sources": [1]})],
        Component::Approval => vec![json!({"message": "m"})],
        Component::Deploy => vec![
            json!({"service": "s", "version": "1", "run": "true"}),
            json!({"service": "s", "version": "1", "stages": ["a"]}),
            json!({"service": "s", "version": "1", "request": {"url": "http://127.0.0.1/"}}),
        ],
        Component::Rollback => vec![json!({"service": "s"})],
        Component::Rollout => vec![json!({"strategy": "canary", "set_weight": {"run": "true"}})],
        Component::SmokeTest => vec![json!({"url": "http://127.0.0.1:1", "endpoints": ["/"]})],
        Component::HealthCheck => vec![json!({"url": "http://127.0.0.1:1"})],
        Component::Notify => {
            vec![json!({"url": "http://127.0.0.1:1", "message": "m"}), json!({"command": ["true"], "message": "m"})]
        }
        other => panic!("give `{other}` a config here that leads past everything it reads"),
    }
}

/// What an operator makes of a config, as far as it can be told at once.
async fn output(stage: &Stage) -> Option<Value> {
    match stage.prepared().unwrap().work {
        Work::Done(done) => Some(done.outcome.output),
        Work::Process(_) => {
            let exit: Exit = serde_json::from_value(json!({"code": 0, "duration_ms": 1, "lines": 0, "bytes": 0})).unwrap();
            let output = finish_process(stage.spec(), &exit).output;
            // What was deployed goes around what its work gave.
            Some(if stage.spec().component == Component::Deploy { deployed(&json!({}), output) } else { output })
        }
        Work::Call(call) if matches!(stage.spec().component, Component::HttpRequest | Component::Deploy) => {
            drop(call);
            None
        }
        Work::Call(call) => Some(call.future.await.output),
        Work::Child(child) => Some(child.started(&"r-1".into()).output),
        Work::Frame(_) => None,
    }
}

#[tokio::test]
async fn the_component_table_lists_exactly_the_keys_that_the_operators_read() {
    for operator in TABLE.iter().filter(|operator| operator.component != Component::Mock) {
        ASKED.take();
        for config in configs(operator.component) {
            let stage = Stage::new(operator.component, config);
            let _ = is_idempotent(stage.spec());
            let _ = output(&stage).await;
        }
        let mut asked = ASKED.take();
        if operator.component == Component::Deploy {
            // What a script and a request read besides is theirs.
            let theirs = [Component::Shell, Component::HttpRequest].into_iter().flat_map(|component| component.entry().keys);
            theirs.filter(|field| Component::Deploy.key(field.name).is_none()).for_each(|field| {
                asked.remove(field.name);
            });
        }
        let listed: BTreeSet<String> = operator.component.entry().keys.iter().map(|field| field.name.to_owned()).collect();
        let unread: Vec<_> = listed.difference(&asked).collect();
        let unlisted: Vec<_> = asked.difference(&listed).collect();
        assert!(unread.is_empty(), "{}: in the table, but nobody reads {unread:?}", operator.component);
        assert!(unlisted.is_empty(), "{}: read, but not in the table: {unlisted:?}", operator.component);
    }
}

#[tokio::test]
async fn what_comes_out_is_what_the_component_table_says() {
    for operator in TABLE.iter().filter(|operator| operator.component != Component::Mock) {
        let listed: BTreeSet<&str> = operator.component.entry().output.iter().map(|(name, _)| *name).collect();
        assert!(!listed.is_empty(), "{}: the table does not say what comes out", operator.component);
        let mut found: Map<String, Value> = Map::new();
        for config in configs(operator.component) {
            if let Some(Value::Object(fields)) = output(&Stage::new(operator.component, config)).await {
                found.extend(fields);
            }
        }
        // A variable's own name is a field as well.
        found.retain(|name, _| !(operator.component == Component::VariableSet && name == "n"));
        if !found.is_empty() {
            assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), listed, "{}", operator.component);
        }
    }
}
