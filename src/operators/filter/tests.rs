use serde_json::{Value, json};

use super::super::Done;
use super::super::testing::Stage;
use super::mentions;
use crate::language::Component;

fn filter(config: Value, input: Value) -> Done {
    Stage::new(Component::Filter, config).input(input).done()
}

#[test]
fn a_gate_lets_its_data_pass_or_holds_it_back() {
    let config = json!({"data": "{{input}}", "condition": "data.coverage >= 80"});
    let open = filter(config.clone(), json!({"coverage": 91}));
    assert_eq!(open.gate, Some(true));
    assert_eq!(open.outcome.output, json!({"passed": true, "data": {"coverage": 91}, "filtered_count": 0, "reason": null}));

    let shut = filter(config, json!({"coverage": 12}));
    assert_eq!(shut.gate, Some(false));
    assert_eq!(shut.outcome.output["data"], Value::Null);
    assert_eq!(shut.outcome.output["reason"], "the condition does not hold: data.coverage >= 80");
}

#[test]
fn a_condition_that_fails_keeps_the_gate_shut_even_inverted() {
    for invert in [false, true] {
        let done = filter(json!({"data": "{{input}}", "condition": "data.n > 'x'", "invert": invert}), json!({"n": 1}));
        assert_eq!(done.gate, Some(false), "invert {invert}");
        assert!(done.outcome.output["reason"].as_str().unwrap().starts_with("EXPRESSION"), "{done:?}");
    }
}

#[test]
fn invert_turns_the_answer_around() {
    let config = json!({"data": "{{input}}", "condition": "{{input.frozen}}", "invert": true});
    assert_eq!(filter(config.clone(), json!({"frozen": false})).gate, Some(true));
    assert_eq!(filter(config, json!({"frozen": true})).gate, Some(false));
}

#[test]
fn a_condition_about_items_keeps_the_items_that_pass() {
    let config = json!({"data": "{{input.rows}}", "condition": "item.up and index < 3"});
    let done = filter(config, json!({"rows": [{"up": true}, {"up": false}, {"up": 1}, {"up": true}]}));
    assert_eq!(done.gate, None);
    assert_eq!(done.outcome.output["data"], json!([{"up": true}, {"up": 1}]));
    assert_eq!(done.outcome.output["filtered_count"], 2);
    assert_eq!(done.outcome.output["passed"], true);
}

#[test]
fn an_item_that_cannot_be_judged_shuts_the_filter() {
    let config = json!({"data": [1, "x"], "condition": "item > 0"});
    let done = filter(config, json!({}));
    assert_eq!(done.gate, Some(false));
    assert!(done.outcome.output["reason"].as_str().unwrap().starts_with("item 1: "), "{done:?}");
}

#[test]
fn fields_are_compared_one_by_one() {
    let data = json!({"status": "open", "score": 0.9, "tags": ["a", "b"], "name": "web-1"});
    let cases = [
        (json!({"status": "open", "score": {"gte": 0.8, "lt": 1}}), None),
        (json!({"status": "shut"}), Some("`status` is \"open\", wanted eq \"shut\"")),
        (json!({"score": {"$gt": 1}}), Some("`score` is 0.9, wanted gt 1")),
        (json!({"tags": {"contains": "b"}, "name": {"matches": "^web-\\d$"}, "status": {"in": ["open"]}}), None),
        (json!({"owner": {"exists": false}}), None),
        (json!({"owner": "ann"}), Some("`owner` is missing")),
        (
            json!([{"field": "score", "operator": ">=", "value": 0.9}, {"field": "name", "op": "starts_with", "value": "web"}]),
            None,
        ),
    ];
    for (conditions, why) in cases {
        let done = filter(json!({"data": data, "field_conditions": conditions}), json!({}));
        assert_eq!(done.gate, Some(why.is_none()), "{conditions}");
        assert_eq!(done.outcome.output["reason"].as_str(), why, "{conditions}");
    }
}

#[test]
fn missing_fields_pass_only_when_asked() {
    let config = json!({"data": {}, "field_conditions": {"owner": "ann"}, "pass_if_missing": true});
    assert_eq!(filter(config, json!({})).gate, Some(true));
    let config = json!({"data": null, "condition": "data.x > 1", "pass_if_missing": true});
    assert_eq!(filter(config, json!({})).gate, Some(true));
}

#[test]
fn a_comparison_that_makes_no_sense_keeps_the_gate_shut() {
    let done = filter(json!({"data": {"n": "x"}, "field_conditions": {"n": {"gt": 1}}}), json!({}));
    assert_eq!(done.gate, Some(false));
    assert!(done.outcome.output["reason"].as_str().unwrap().contains("cannot compare a text with a number"));
}

#[test]
fn only_the_word_item_speaks_of_items() {
    for text in ["item.up", "{{item}} == 1", "1 < item", "'{{item.x}}' == 'a'", "not item"] {
        assert!(mentions(text, "item"), "{text}");
    }
    for text in ["items", "data.item", "'item' in data", "my_item", "item-1 == 2", "item_index"] {
        assert!(!mentions(text, "item"), "{text}");
    }
}

#[test]
fn an_unknown_mode_or_no_condition_is_an_error() {
    let error = Stage::new(Component::Filter, json!({"data": 1, "condition": true, "filter_mode": "maybe"})).error();
    assert!(error.message.contains("`maybe`"), "{error}");
    assert!(Stage::new(Component::Filter, json!({"data": 1})).error().message.contains("needs a `condition`"));
}
