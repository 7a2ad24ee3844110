//! Text that was written to do harm: it fails clearly and cheaply.

use proptest::prelude::*;
use serde_json::json;

use crate::language::expression::{EvalErrorKind, condition, evaluate};
use crate::language::template::{render, segments};
use crate::language::testing::Values;
use crate::language::{Format, load, report};

fn first(text: &str, format: Format) -> (&'static str, usize) {
    let loaded = load(text, format);
    assert!(loaded.pipeline.is_none());
    assert!(!report(&loaded.problems, "p", text, false).is_empty());
    (loaded.problems[0].code, loaded.problems.len())
}

#[test]
fn a_hundred_thousand_brackets_are_one_clear_error() {
    let many = 100_000;
    for text in ["[".repeat(many), "{\"a\":".repeat(many), format!("{{\"stages\": {}", "[{\"a\":".repeat(many))] {
        assert_eq!(first(&text, Format::Json), ("too-deep", 1));
    }
    assert_eq!(first(&"[".repeat(many), Format::Yaml).1, 1);
    assert_eq!(first(&"{a: ".repeat(many), Format::Yaml).1, 1);
    assert_eq!(first(&"- ".repeat(many), Format::Yaml), ("too-deep", 1));
    assert_eq!(first(&"? ".repeat(many), Format::Yaml).1, 1);
    let indented: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(first(&indented, Format::Yaml), ("too-deep", 1));
}

#[test]
fn a_place_is_never_inside_a_character() {
    for text in ["id: p\nstages:\n- id: a\n é b: 1\n", "a: [統\n", "é: ]"] {
        for problem in load(text, Format::Yaml).problems {
            assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
        }
    }
}

#[test]
fn blanks_that_json_does_not_know_are_an_error() {
    for (blank, width) in [('\u{b}', 1), ('\u{c}', 1), ('\u{a0}', 2), ('\u{2003}', 3), ('\u{feff}', 3)] {
        let text = format!(r#"{{"name":{blank}"p", "stages": [{{"id": "a", "type": "logger", "config": {{"message": "m"}}}}]}}"#);
        let problems = load(&text, Format::Json).problems;
        assert_eq!((problems[0].code, problems[0].span.clone()), ("syntax", 8..8 + width), "{blank:?}");
    }
}

#[test]
fn nested_expressions_fail_before_the_stack_does() {
    let scope = Values::new(json!({}));
    let many = 20_000;
    let nests = [
        ("(", ")"),
        ("[", "]"),
        ("{1: ", "}"),
        ("len([", "])"),
        ("input[", "]"),
        ("-(", ")"),
        ("not (", ")"),
        ("(not 0 and 1 < 1 + 2 * -", ")"),
        ("(0 or 3 if 0 else 1 + 2 * -", ")"),
    ];
    for (open, close) in nests {
        let text = format!("{}1{}", open.repeat(many), close.repeat(many));
        assert_eq!(evaluate(&text, &scope).unwrap_err().kind, EvalErrorKind::Syntax, "{open}");
        // As deep as it may be, it still has to fit on the stack of a thread.
        for depth in 1..60 {
            let _ = evaluate(&format!("{}1{}", open.repeat(depth), close.repeat(depth)), &scope);
        }
    }
    for chain in ["1 if 1 else ", "2 ** ", "- ", "not ", "1 + (1 if 1 else [x for x in not -"] {
        let _ = evaluate(&format!("{}1", chain.repeat(5_000)), &scope);
        let _ = evaluate(&format!("{}1", chain.repeat(20)), &scope);
    }
    let worst = "not -[1 and 1 < 1 + 2 * (3 if 4 else {5: [x for x in ".repeat(20);
    assert!(evaluate(&worst, &scope).is_err());
}

#[test]
fn schemas_as_deep_as_a_document_may_be_are_checked() {
    let nested = |levels: usize| format!("{}{{\"type\": 1}}{}", "{\"allOf\": [".repeat(levels), "]}".repeat(levels));
    let text = |schema: &str| {
        format!(
            r#"{{"name": "p", "input_schema": {schema}, "stages": [{{"id": "a", "type": "logger", "config": {{"message": "m"}}}}]}}"#
        )
    };
    assert_eq!(first(&text(&nested(19)), Format::Json), ("bad-schema", 1));
    assert_eq!(first(&text(&nested(40)), Format::Json), ("bad-schema", 1));
    assert_eq!(first(&text(&nested(60)), Format::Json), ("too-deep", 1));
    let fits = nested(19).replace('1', "\"object\"");
    assert!(load(&text(&fits), Format::Json).pipeline.is_some());
    let list = r##"{"properties": {"a": {"$ref": "#"}}}"##;
    let pipeline = load(&text(list), Format::Json).pipeline.unwrap();
    let value = |levels| (0..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
    assert!(crate::language::inputs::check(&pipeline, value(20)).is_ok());
    assert!(crate::language::inputs::check(&pipeline, value(90)).is_err());
    let endless = r##"{"allOf": [{"$ref": "#"}, {"$ref": "#"}], "properties": {"a": {"default": 1}}}"##;
    let pipeline = load(&text(endless), Format::Json).pipeline.unwrap();
    assert!(crate::language::inputs::check(&pipeline, json!({})).is_err(), "a reference to itself is no schema to satisfy");
}

#[test]
fn expressions_cannot_run_or_grow_without_end() {
    let list: Vec<u32> = (0..1000).collect();
    let scope = Values::new(json!({"list": list, "text": "a".repeat(100_000)}));
    let greedy = [
        "[a for a in input.list for b in input.list for c in input.list for d in input.list]",
        "[[x for x in range(100000)] for y in range(100000)]",
        "'a' * 99999999999",
        "[0] * 99999999999",
        "[input.text for x in range(100000)]",
        "[input.text + str(x) for x in range(100000)]",
        "input.text.replace('', input.text)",
        "input.text.replace('a', input.text)",
        "input.text.join([input.text for x in range(1000)] * 1000)",
        "'{:>1000}' * 100000000",
        "sum(1 for x in range(9000000000))",
        "sorted([y for x in range(3000) for y in input.list])",
        "[x in input.list for x in range(1000000)]",
        "set(range(100000))",
        "zip(*[1])",
        "[l == input.list for l in [input.list for x in range(100000)]]",
        "('{0}' * 10000).format(input.text)",
        "9 ** 9 ** 9",
        "input.text.split('a') * 1000",
    ];
    for source in greedy {
        assert!(evaluate(source, &scope).is_err(), "{source}");
    }
    let long = format!("1{}", " + 1".repeat(100_000));
    assert_eq!(evaluate(&long, &scope).unwrap_err().kind, EvalErrorKind::Syntax);
}

#[test]
fn a_rendering_has_one_budget_for_all_its_templates() {
    let scope = Values::new(json!({"text": "a".repeat(1_000_000)}));
    let config = json!({"all": vec!["{{ input.text }}"; 1000]});
    assert_eq!(render(&config, &scope).unwrap_err().kind, EvalErrorKind::Limit);
}

#[test]
fn aliases_cannot_explode() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let below = level - 1;
        text += &format!(
            "a{level}: &a{level} [*a{below}, *a{below}, *a{below}, *a{below}, *a{below}, *a{below}, *a{below}, *a{below}]\n"
        );
    }
    assert_eq!(first(&text, Format::Yaml), ("too-large", 1));
    let deep: String = (1..150).map(|level| format!("b{level}: &b{level} [*b{}]\n", level - 1)).collect();
    assert_eq!(first(&format!("b0: &b0 [x]\n{deep}"), Format::Yaml), ("too-deep", 1));
    assert_eq!(first("a: &a [*a]", Format::Yaml).0, "syntax");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), "*a, ".repeat(1000));
    assert_eq!(first(&long, Format::Yaml), ("too-large", 1));
}

#[test]
fn unclosed_templates_cost_linear_time() {
    let scope = Values::new(json!({}));
    for text in ["{".repeat(2_000_000), "{{ [".repeat(500_000), "{{}} ".repeat(300_000), format!("'{}", "{{ ".repeat(500_000))] {
        assert!(!segments(&text).is_empty());
        assert!(condition(&json!(text), &scope).is_err());
        assert!(render(&json!(text), &scope).is_err());
    }
    let quoted = "{{ ' }} ".repeat(250_000);
    assert_eq!(render(&json!(quoted), &scope), Ok(json!(" }} {{  ".repeat(125_000))));
    let inside = format!("'{}'", "{{ ".repeat(20_000));
    assert!(condition(&json!(inside), &scope).is_err());
}

#[test]
fn thousands_of_problems_are_cut_short() {
    let stages: Vec<String> =
        (0..3_000).map(|n| format!(r#"{{"id": "s{n}", "type": "nope{n}", "depends_on": ["x{n}"]}}"#)).collect();
    let text = format!("{{\"name\": \"p\", \"stages\": [{}]}}", stages.join(","));
    let loaded = load(&text, Format::Json);
    assert!(loaded.problems.len() < 600 && loaded.problems.len() > 400, "{}", loaded.problems.len());
    assert!(loaded.problems.last().unwrap().message.ends_with("further problems are not shown"));
}

#[test]
fn long_chains_and_wide_joins_load() {
    let count = 20_000;
    let stages: Vec<String> = (0..count)
        .map(|n| {
            let before = if n == 0 { String::new() } else { format!("\"s{}\"", n - 1) };
            format!(r#"{{"id": "s{n}", "type": "logger", "depends_on": [{before}], "config": {{"message": "{{{{ upstream.s0.x }}}}"}}}}"#)
        })
        .collect();
    let text = format!("{{\"name\": \"p\", \"stages\": [{}]}}", stages.join(","));
    let loaded = load(&text, Format::Json);
    let pipeline = loaded.pipeline.unwrap();
    assert_eq!(crate::language::Graph::of(&pipeline).order.len(), count);
}

#[test]
fn ten_megabytes_load_without_a_problem() {
    for (format, megabytes) in [(Format::Json, 10), (Format::Yaml, 3)] {
        let loaded = load(&large(format, megabytes * 1_000_000), format);
        assert_eq!(loaded.problems, []);
        assert!(loaded.pipeline.is_some_and(|pipeline| pipeline.stages.len() > 2_000 * megabytes));
    }
}

fn large(format: Format, bytes: usize) -> String {
    use std::fmt::Write as _;
    let mut text =
        if format == Format::Json { "{\"name\": \"p\", \"stages\": [".to_owned() } else { "name: p\nstages:\n".to_owned() };
    let mut n = 0;
    while text.len() < bytes {
        let before = usize::saturating_sub(n, 1);
        let depends = if n == 0 { String::new() } else { format!("\"s{before}\"") };
        let body = "all work and no play ".repeat(10);
        let _ = match format {
            Format::Json => write!(
                text,
                "{}{{\"id\": \"s{n}\", \"component_type\": \"http-request\", \"depends_on\": [{depends}], \"config\": {{\"url\": \"http://x/{{{{upstream.s{before}.body.id}}}}\", \"method\": \"GET\", \"headers\": {{\"a\": \"b\", \"n\": 5}}, \"body\": \"{body}\"}}}}",
                if n == 0 { "" } else { ",\n" }
            ),
            Format::Yaml => write!(
                text,
                "  - id: s{n}\n    component_type: http-request\n    depends_on: [{depends}]\n    config:\n      url: \"http://x/{{{{upstream.s{before}.body.id}}}}\"\n      method: GET\n      headers: {{a: b, n: 5}}\n      body: {body}\n"
            ),
        };
        n += 1;
    }
    // The first one reads itself.
    text = text.replacen("upstream.s0.body.id", "input.x.y.z.body.id", 1);
    if format == Format::Json {
        text.push_str("]}");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_loading_panic(text in "\\PC*") {
        for format in [Format::Json, Format::Yaml] {
            let loaded = load(&text, format);
            prop_assert_eq!(loaded.pipeline.is_none(), loaded.has_errors());
            report(&loaded.problems, "p", &text, false);
        }
    }

    #[test]
    fn no_near_document_makes_loading_panic(text in "(\\{|\\}|\\[|\\]|\"|:|,|\n|  |- |&a|\\*a|#|'|\\||>|name|stages|id|type|logger|é|統|\\\\|\r|\t|---|\\?|!!str|<<|[0-9]){0,60}") {
        for format in [Format::Json, Format::Yaml] {
            let loaded = load(&text, format);
            report(&loaded.problems, "p", &text, false);
        }
    }

    #[test]
    fn no_text_makes_an_expression_panic(text in "\\PC*") {
        let scope = Values::new(json!({"a": [1, {"b": "é"}]})).stage("a-b", json!(1));
        let _ = evaluate(&text, &scope);
        let _ = condition(&json!(text), &scope);
        let _ = render(&json!(text), &scope);
    }

    #[test]
    fn no_near_expression_makes_evaluation_panic(
        text in "(input|\\.a|\\.b|upstream\\.|a-b|stages\\.|a|\\[|\\]|\\(|\\)|\\{|\\}|'|\"|:|,| |-|\\+|\\*|/|//|%|\\*\\*|<|==|in|not|and|or|if|else|for|x|is|[0-9]|\\.|1e300|len|str|round|range|\\{\\{|\\}\\}|é|\\\\|format|split|\\.get|=){0,40}"
    ) {
        let scope = Values::new(json!({"a": [1, {"b": "é"}]})).stage("a-b", json!(1)).local("x", json!("é统"));
        let _ = evaluate(&text, &scope);
        let _ = condition(&json!(text), &scope);
        let _ = render(&json!({"k": text}), &scope);
    }

    #[test]
    fn arithmetic_never_panics_and_agrees_with_python_on_signs(a in any::<i64>(), b in any::<i64>()) {
        let scope = Values::new(json!({"a": a, "b": b}));
        for operator in ["+", "-", "*", "/", "//", "%", "**", "<", "=="] {
            let _ = evaluate(&format!("input.a {operator} input.b"), &scope);
        }
        if b != 0 {
            let identity = evaluate("(input.a // input.b) * input.b + input.a % input.b == input.a", &scope);
            prop_assert_eq!(identity.ok().and_then(|value| value.as_bool()).unwrap_or(true), true);
        }
    }
}
