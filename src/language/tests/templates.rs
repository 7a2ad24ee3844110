//! Templates (language reference: Templates): where they begin and end, what they keep, what they refuse.

use serde_json::{Value, json};

use crate::language::expression::{EvalErrorKind, is_raw};
use crate::language::template::{Segment, render, segments, sole, to_text};
use crate::language::testing::Values;

fn scope() -> Values {
    Values::new(json!({"n": 1, "s": "text", "null": null, "list": [1, "a"], "flag": true, "f": 2.0, "key": "k"}))
        .stage("build", json!({"big": {"nested": [1, 2]}}))
        .local("data", json!({"metadata": null}))
}

fn rendered(value: Value) -> Value {
    render(&value, &scope()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

#[test]
fn a_sole_template_keeps_its_type_and_mixed_text_does_not() {
    assert_eq!(rendered(json!("{{input.n}}")), json!(1));
    assert_eq!(rendered(json!("{{ input.list }}")), json!([1, "a"]));
    assert_eq!(rendered(json!("{{input.null}}")), json!(null));
    assert_eq!(rendered(json!("n={{input.n}}")), json!("n=1"));
    assert_eq!(rendered(json!("{{input.n}}{{input.n}}")), json!("11"));
    assert_eq!(
        rendered(json!("<{{input.null}}|{{input.s}}|{{input.list}}|{{input.flag}}|{{input.f}}>")),
        json!("<|text|[1,\"a\"]|true|2.0>")
    );
}

#[test]
fn templates_work_in_values_and_keys_at_every_depth() {
    let given = json!({"a": [{"{{input.key}}-{{input.n}}": "{{upstream.build.big}}"}], "plain": 5, "none": "{no template}"});
    assert_eq!(rendered(given), json!({"a": [{"k-1": {"nested": [1, 2]}}], "plain": 5, "none": "{no template}"}));
    let clash = render(&json!({"k": 1, "{{input.key}}": 2}), &scope()).unwrap_err();
    assert!(clash.message.contains("same text"), "{clash}");
}

#[test]
fn the_scanner_respects_braces_and_quotes() {
    assert_eq!(rendered(json!("{{data.metadata or {}}}")), json!({}));
    assert_eq!(rendered(json!("{{ {'a': {'b': 1}} }}")), json!({"a": {"b": 1}}));
    assert_eq!(rendered(json!("{{ {'a': {'b': 1}}}}")), json!({"a": {"b": 1}}));
    assert_eq!(rendered(json!("{{ '}}' }}")), json!("}}"));
    assert_eq!(rendered(json!("docker --format {{ '{{.Names}}' }}")), json!("docker --format {{.Names}}"));
    assert_eq!(rendered(json!("é{{ 'ü' }}ß")), json!("éüß"));
    assert_eq!(
        segments("a {{x}} b"),
        vec![Segment::Text("a "), Segment::Template { expression: "x", offset: 4 }, Segment::Text(" b")]
    );
    assert_eq!(sole("{{a}}{{b}}"), None);
    assert_eq!(sole("{{a}}"), Some("a"));
    assert_eq!(sole("{{a}} "), None);
    assert_eq!(segments("plain"), vec![Segment::Text("plain")]);
    assert_eq!(segments(""), vec![]);
}

#[test]
fn a_template_that_is_never_closed_is_an_error() {
    for text in ["a {{ input.n", "{{", "{{ 'abc }}", "{{ [1 }"] {
        let error = render(&json!(text), &scope()).unwrap_err();
        assert_eq!(error.kind, EvalErrorKind::Syntax, "{text}");
        assert!(error.message.contains("not closed"), "{text}: {error}");
    }
}

#[test]
fn an_error_says_where_in_the_config_it_is() {
    let error = render(&json!({"headers": {"list": ["ok", "x {{ upstream.nope }}"]}}), &scope()).unwrap_err();
    assert_eq!(error.message, "in `headers.list[1]`: the pipeline has no stage `nope`");
    assert_eq!(error.offset, Some("x {{ upstream.".len()));
}

#[test]
fn now_is_rfc_3339_in_utc_and_fixed_within_an_attempt_and_so_are_ids() {
    let once = rendered(json!({"t": "{{now()}}", "ids": ["{{uuid()}}", "{{uuid()}}"]}));
    assert_eq!(once, json!({"t": "2023-11-14T22:13:20.000Z", "ids": ["uuid-0", "uuid-1"]}));
    assert_eq!(once, rendered(json!({"t": "{{now()}}", "ids": ["{{uuid()}}", "{{uuid()}}"]})));
}

#[test]
fn in_mixed_text_null_is_empty_a_string_is_itself_and_the_rest_is_compact_json() {
    assert_eq!(to_text(&json!(null)), "");
    assert_eq!(to_text(&json!("a\"b")), "a\"b");
    assert_eq!(to_text(&json!({"a": [1, null]})), "{\"a\":[1,null]}");
}

#[test]
fn raw_is_seen_only_where_it_is_the_whole_expression() {
    assert!(is_raw(" raw(input.script) "));
    assert!(!is_raw("raw(input.a) + 'x'"));
    assert!(!is_raw("input.raw"));
    assert_eq!(rendered(json!("{{raw(input.s)}}")), json!("text"));
}

#[test]
fn values_cannot_grow_deeper_from_stage_to_stage() {
    let mut scope = scope();
    let mut value = json!(1);
    for _ in 0..200 {
        scope.variables.insert("v".into(), value.clone());
        match render(&json!("{{ [[[[variables.v]]]] }}"), &scope) {
            Ok(deeper) => value = deeper,
            Err(error) => {
                assert_eq!(error.kind, EvalErrorKind::Limit);
                return;
            }
        }
    }
    panic!("no limit was reached");
}
