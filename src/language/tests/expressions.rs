//! Expressions (language reference: Expressions): a table of inputs and values, and of refusals.

use serde_json::{Value, json};

use crate::language::expression::{EvalErrorKind, condition, evaluate, truthy};
use crate::language::testing::Values;
use crate::model::{ErrorKind, StageError};

fn scope() -> Values {
    let mut values = Values::new(json!({
        "name": "api", "count": 3, "flag": true, "none": null, "version": "v1.2.3", "big": 9_007_199_254_740_993_i64,
        "tags": ["a", "b", "c"], "price": 2.5, "empty": {}, "items": [{"n": 1, "ok": true}, {"n": 2, "ok": false}, {"n": 3, "ok": true}],
        "nested": {"items": ["key"], "content-type": "text", "deep": {"er": [10, 20, 30]}}, "key": "name",
    }))
    .stage("health-check", json!({"status_code": 200, "body": {"status": "up", "items": [1, 2]}, "status": "own"}))
    .stage("health", json!({"status_code": 503}))
    .stage("build", json!({"image": "app:1", "tests": [{"name": "t1", "passed": true}, {"name": "t2", "passed": false}]}))
    .stage("2nd-step", json!({"x": 1}))
    .failed("deploy", StageError::new(ErrorKind::Connectivity, "no route"));
    values.env.insert("REGION".into(), "eu".into());
    values.secrets.insert("TOKEN".into(), "s3cret".into());
    values.variables.insert("color".into(), json!("red"));
    values.local("item", json!({"id": 7})).local("data", json!({"alert_id": null, "id": 9, "metadata": null}))
}

#[test]
fn literals_operators_functions_and_methods_have_pythons_values() {
    let scope = scope();
    let table: &[(&str, Value)] = &[
        // literals
        ("1", json!(1)),
        ("1.5", json!(1.5)),
        ("1e3", json!(1000.0)),
        ("1_000", json!(1000)),
        (".5", json!(0.5)),
        ("18446744073709551615", json!(u64::MAX)),
        ("'it''s'[0:2]", json!("it")),
        (r#""a\n\t\"\u00e9""#, json!("a\n\t\"é")),
        (r"'\d+'", json!(r"\d+")),
        ("[true, True, false, null, None]", json!([true, true, false, null, null])),
        ("{'a': 1, 'b': [2,],}", json!({"a": 1, "b": [2]})),
        ("{1: 'x'}", json!({"1": "x"})),
        ("(1, 2)", json!([1, 2])),
        ("(1)", json!(1)),
        ("()", json!([])),
        ("{1, 2, 1, 'a', 'a'}", json!([1, 2, "a"])),
        // arithmetic
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("7 / 2", json!(3.5)),
        ("4 / 2", json!(2.0)),
        ("7 // 2", json!(3)),
        ("-7 // 2", json!(-4)),
        ("-7 % 3", json!(2)),
        ("7 % -3", json!(-2)),
        ("7.5 // 2", json!(3.0)),
        ("-7.5 % 2", json!(0.5)),
        ("2 ** 10", json!(1024)),
        ("2 ** -1", json!(0.5)),
        ("-2 ** 2", json!(-4)),
        ("2 ** 3 ** 2", json!(512)),
        ("--3", json!(3)),
        ("input.big + 1", json!(9_007_199_254_740_994_i64)),
        ("9223372036854775807 + 1", json!(9_223_372_036_854_775_808_u64)),
        ("true + true", json!(2)),
        ("'a' + 'b'", json!("ab")),
        ("[1] + [2]", json!([1, 2])),
        ("'ab' * 3", json!("ababab")),
        ("2 * [0]", json!([0, 0])),
        ("10 - 2 - 3", json!(5)),
        ("0.1 + 0.2", json!(0.1 + 0.2)),
        // comparisons
        ("1 == 1.0", json!(true)),
        ("True == 1", json!(true)),
        ("1 is True", json!(false)),
        ("[1, {'a': 2.0}] == [1.0, {'a': 2}]", json!(true)),
        ("1 < 2 < 3", json!(true)),
        ("1 < 3 < 2", json!(false)),
        ("'a' < 'b'", json!(true)),
        ("[1, 2] < [1, 3]", json!(true)),
        ("'b' in 'abc'", json!(true)),
        ("'b' in input.tags", json!(true)),
        ("'z' not in input.tags", json!(true)),
        ("'name' in input", json!(true)),
        ("input.none is None", json!(true)),
        ("input.count is not null", json!(true)),
        ("input.big == 9007199254740993", json!(true)),
        ("input.big == 9007199254740992.0", json!(false)),
        ("1 != '1'", json!(true)),
        // truth
        ("0 or 'x'", json!("x")),
        ("'' or [] or {} or null", json!(null)),
        ("1 and 2", json!(2)),
        ("0 and missing_name", json!(0)),
        ("not ''", json!(true)),
        ("not not 1", json!(true)),
        ("not 1 == 2", json!(true)),
        ("'yes' if input.flag else 'no'", json!("yes")),
        ("1 if false else 2 if false else 3", json!(3)),
        // reading
        ("input.name", json!("api")),
        ("input['name']", json!("api")),
        ("input[input.key]", json!("api")),
        ("input.tags[0]", json!("a")),
        ("input.tags[-1]", json!("c")),
        ("input.tags.1", json!("b")),
        ("input.tags[9]", json!(null)),
        ("input.items.0.n", json!(1)),
        ("input.tags[1:]", json!(["b", "c"])),
        ("input.tags[::-1]", json!(["c", "b", "a"])),
        ("input.tags[-2:]", json!(["b", "c"])),
        ("input.tags[5:1]", json!([])),
        ("'héllo'[1:3]", json!("él")),
        ("'héllo'[1]", json!("é")),
        ("input.nested.items", json!(["key"])),
        ("input.nested['content-type']", json!("text")),
        ("input.nested.deep.er[1]", json!(20)),
        ("input.no.such.field", json!(null)),
        ("input.name.field", json!(null)),
        ("data.alert_id or data.id", json!(9)),
        ("data.metadata or {}", json!({})),
        ("item.id", json!(7)),
        ("context.run_id", json!("r-1")),
        ("context.color", json!("red")),
        ("context.item.id", json!(7)),
        ("variables.color", json!("red")),
        ("env.REGION", json!("eu")),
        ("env['REGION']", json!("eu")),
        ("env.get('NOPE', 'none')", json!("none")),
        ("env_or('NOPE', 'none')", json!("none")),
        ("env_or('REGION', 'none')", json!("eu")),
        ("secrets.TOKEN", json!("s3cret")),
        // stages
        ("upstream.health-check.status_code", json!(200)),
        ("upstream.health-check.status_code == 200", json!(true)),
        ("upstream.health.status_code - 3", json!(500)),
        ("upstream.health-check.status_code-100", json!(100)),
        ("upstream.health-check.body.items", json!([1, 2])),
        ("upstream['health-check'].status_code", json!(200)),
        ("stages.health-check.output.status_code", json!(200)),
        ("stages.health-check.status", json!("succeeded")),
        ("upstream.health-check.status", json!("own")),
        ("upstream.health.status", json!("succeeded")),
        ("health-check.output.status_code", json!(200)),
        ("build.output.image", json!("app:1")),
        ("build.status", json!("succeeded")),
        ("upstream.2nd-step.x", json!(1)),
        ("upstream.deploy.error.message", json!("no route")),
        ("upstream.deploy.error_type", json!("CONNECTIVITY")),
        ("upstream.build.error", json!(null)),
        ("upstream.deploy.anything", json!(null)),
        // comprehensions
        ("[x * 2 for x in [1, 2, 3] if x > 1]", json!([4, 6])),
        ("[t.name for t in upstream.build.tests if not t.passed]", json!(["t2"])),
        ("[[x, y] for x in [1, 2] for y in ['a'] if x != 1]", json!([[2, "a"]])),
        ("{k: v for k, v in {'a': 1}.items()}", json!({"a": 1})),
        ("[k for (k, v) in {'a': 1}.items()]", json!(["a"])),
        ("sum(i.n for i in input.items if i.ok)", json!(4)),
        ("all(i.ok for i in input.items)", json!(false)),
        ("any(i.ok for i in input.items)", json!(true)),
        ("[x if x > 1 else 0 for x in [1, 2]]", json!([0, 2])),
        ("[c for c in 'ab']", json!(["a", "b"])),
        ("[d.v.w for d in [dict(v={'w': 5})]]", json!([5])),
        // functions
        ("len(input.tags) + len('é') + len({'a': 1})", json!(5)),
        ("str(1.0) + str(None) + str(true) + str([1, 'a'])", json!("1.0NoneTrue[1, 'a']")),
        ("int('42') + int(3.9) + int(-3.9)", json!(42)),
        ("float('1.5')", json!(1.5)),
        ("bool([])", json!(false)),
        ("list('ab')", json!(["a", "b"])),
        ("dict(a=1, b=2)", json!({"a": 1, "b": 2})),
        ("dict([['a', 1]])", json!({"a": 1})),
        ("set([3, 1, 3, 1.0])", json!([3, 1])),
        ("tuple([1])", json!([1])),
        ("abs(-3)", json!(3)),
        ("min(3, 1, 2)", json!(1)),
        ("max([3, 1, 2])", json!(3)),
        ("max([], default=0)", json!(0)),
        ("sum([1, 2.5])", json!(3.5)),
        ("round(2.5)", json!(2)),
        ("round(7.14159, 2)", json!(7.14)),
        ("round(1250, -2)", json!(1200)),
        ("range(3)", json!([0, 1, 2])),
        ("range(5, 0, -2)", json!([5, 3, 1])),
        ("range(0)", json!([])),
        ("sorted([3, 1, 2])", json!([1, 2, 3])),
        ("sorted(['b', 'a'], reverse=True)", json!(["b", "a"])),
        ("reversed([1, 2])", json!([2, 1])),
        ("enumerate(['a'], 1)", json!([[1, "a"]])),
        ("zip([1, 2], ['a', 'b', 'c'])", json!([[1, "a"], [2, "b"]])),
        ("now()", json!("2023-11-14T22:13:20.000Z")),
        ("[uuid(), uuid()]", json!(["uuid-0", "uuid-1"])),
        ("hash('a')", json!("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")),
        // methods
        ("'AbC'.lower() + 'x'.upper()", json!("abcX")),
        ("'  x '.strip()", json!("x")),
        ("'xxaxx'.strip('x')", json!("a")),
        ("'a,b,c'.split(',')", json!(["a", "b", "c"])),
        ("'a,b,c'.split(',', 1)", json!(["a", "b,c"])),
        ("' a  b '.split()", json!(["a", "b"])),
        ("'-'.join(input.tags)", json!("a-b-c")),
        ("', '.join(str(x) for x in [1, 2])", json!("1, 2")),
        ("'aaa'.replace('a', 'b', 2)", json!("bba")),
        ("input.version.startswith('v')", json!(true)),
        ("input.version.endswith(['.2', '.3'])", json!(true)),
        ("'{} of {total:.1f} {0:>3}|{1:,}'.format(1, 12345, total=2)", json!("1 of 2.0   1|12,345")),
        (
            "'{{}} {:05d} {:+} {:x} {:.1%} {:<3}|{:^3}|'.format(42, 7, 255, 0.25, 'a', 'b')",
            json!("{} 00042 +7 ff 25.0% a  | b |"),
        ),
        ("{'a': 1}.get('b', 2)", json!(2)),
        ("{'a': 1}.get('a')", json!(1)),
        ("{'a': 1, 'b': 2}.keys()", json!(["a", "b"])),
        ("{'a': 1}.values()", json!([1])),
        ("{'a': 1}.items()", json!([["a", 1]])),
        ("input.nested.items()[0][0]", json!("items")),
        ("['a', 'b'].index('b')", json!(1)),
        ("[1, 1.0, 2].count(1)", json!(2)),
    ];
    for (source, expected) in table {
        match evaluate(source, &scope) {
            Ok(value) => assert_eq!(value.to_string(), expected.to_string(), "{source}"),
            Err(error) => panic!("{source}: {error} at {:?}", error.offset),
        }
    }
}

#[test]
fn what_is_no_part_of_the_language_or_makes_no_sense_is_refused_with_its_reason() {
    use EvalErrorKind::{Limit, MissingEnvironment, MissingStage, Syntax, UnknownName, Value};
    let scope = scope();
    let table: &[(&str, EvalErrorKind, &str)] = &[
        ("", Syntax, "the expression is empty"),
        ("1 +", Syntax, "expected a value, found the end"),
        ("1 2", Syntax, "expected the end of the expression, found `2`"),
        ("a && b", Syntax, "`&&` is written `and`"),
        ("a = 1", Syntax, "a comparison is written `==`"),
        ("!a", Syntax, "`!` is written `not`"),
        ("a ? 1 : 2", Syntax, "a choice is written `A if condition else B`"),
        ("input.x | upper", Syntax, "there are no filters with `|`; call a function or a method"),
        ("lambda x: x", Syntax, "`lambda` is not part of the language"),
        ("sorted([1], key=lambda x: x)", Syntax, "`lambda` is not part of the language"),
        ("input.__class__", Syntax, "begins with an underscore"),
        ("_x", Syntax, "begins with an underscore"),
        ("'abc", Syntax, "this quote is never closed"),
        ("[1, 2", Syntax, "expected `,` or `]`, found the end"),
        ("eval('1')", Syntax, "there is no function `eval`"),
        ("lenn([1])", Syntax, "there is no function `lenn`; did you mean `len`?"),
        ("input.x(1)(2)", Syntax, "only functions and methods can be called"),
        ("12abc", Syntax, "a number runs into a word"),
        ("inputs.x", UnknownName, "`inputs` is not known here; did you mean `input`?"),
        ("upstream.nope.x", MissingStage, "the pipeline has no stage `nope`"),
        ("upstream.helth-check.x", MissingStage, "the pipeline has no stage `helth-check`"),
        ("stages['no-such'].output", MissingStage, "the pipeline has no stage `no-such`"),
        ("env.NOPE", MissingEnvironment, "the environment value `NOPE` is missing"),
        ("secrets.NOPE", MissingEnvironment, "the secret `NOPE` is missing"),
        ("env", Value, "`env` is read by name: `env.NAME`"),
        ("1 / 0", Value, "division by zero"),
        ("1 % 0", Value, "division by zero"),
        ("0 ** -1", Value, "division by zero"),
        ("9223372036854775807 * 4", Value, "the integer does not fit into 64 bits"),
        ("10 ** 100", Value, "the integer does not fit into 64 bits"),
        ("1e308 * 10", Value, "the result is not a finite number"),
        ("'a' + 1", Value, "`+` does not work between a string and a number; str() makes text of a value"),
        ("null < 3", Value, "null and a number have no order"),
        ("'a' < 1", Value, "a string and a number have no order"),
        ("sorted([1, 'a'])", Value, "have no order"),
        ("1 in null", Value, "null contains nothing"),
        ("[x for x in null]", Value, "null holds nothing to go through"),
        ("int('abc')", Value, "int() cannot read this text"),
        ("', '.join([1])", Value, "item 0 is a number; write str(x) for x in"),
        ("'a'.upcase()", Value, "a string has no method `upcase`"),
        ("min([])", Value, "min() of nothing"),
        ("len(1)", Value, "a number has no length"),
        ("len()", Value, "len() takes 1 arguments, 0 are given"),
        ("max([], fallback=1)", Value, "max() has no argument `fallback`"),
        ("[a for a, b in [[1]]]", Value, "2 names for 1 values"),
        ("{[1]: 2}", Value, "a list cannot be a key"),
        ("range(10 ** 15)", Limit, "too much data"),
        ("'x' * 10 ** 12", Limit, "too much data"),
        ("[0] * 10 ** 12", Limit, "too many steps"),
        ("[x for x in range(2000) for y in range(2000) for z in range(2000)]", Limit, "the expression"),
    ];
    for (source, kind, reason) in table {
        match evaluate(source, &scope) {
            Ok(value) => panic!("{source} gave {value}"),
            Err(error) => {
                assert_eq!(error.kind, *kind, "{source}: {error}");
                assert!(error.message.contains(reason), "{source}: {error}");
            }
        }
    }
}

#[test]
fn errors_name_what_is_missing_and_never_show_values() {
    let mut scope = scope();
    scope.secrets.insert("TOKEN".into(), "hunter2".into());
    let error: StageError = evaluate("secrets.NOPE", &scope).unwrap_err().into();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(error.message.contains("`NOPE`"), "{}", error.message);
    for source in ["int(secrets.TOKEN)", "secrets.TOKEN + 1", "secrets.TOKEN < 1", "[1][secrets.TOKEN]", "secrets.TOKEN.nope()"] {
        let error = evaluate(source, &scope).unwrap_err();
        assert!(!error.message.contains("hunter2"), "{source}: {error}");
    }
}

#[test]
fn an_error_knows_its_place() {
    let offset = |source: &str| evaluate(source, &scope()).unwrap_err().offset;
    assert_eq!(offset("1 + upstream.nope.x"), Some(13));
    assert_eq!(offset("1 + null"), Some(2));
    assert_eq!(offset("[1, 2, &]"), Some(7));
}

#[test]
fn strict_templates_make_a_missing_field_an_error() {
    let mut scope = scope();
    scope.strict = true;
    for source in ["input.nope", "input.tags[9]", "upstream.build.nope", "variables.nope", "context.nope"] {
        assert_eq!(evaluate(source, &scope).map_err(|error| error.kind), Err(EvalErrorKind::MissingField), "{source}");
    }
    assert_eq!(evaluate("input.none", &scope), Ok(Value::Null));
    assert_eq!(evaluate("input.get('nope', 1)", &scope), Ok(json!(1)));
}

#[test]
fn the_longest_stage_id_wins_and_a_comparison_stays_one() {
    let scope =
        Values::new(json!({})).stage("a", json!(10)).stage("a-b", json!(3)).stage("a-b-c", json!({"x": 1})).stage("b", json!(4));
    let value = |source: &str| evaluate(source, &scope).unwrap();
    assert_eq!(value("upstream.a-b-c.x"), json!(1));
    assert_eq!(value("upstream.a-b"), json!(3));
    assert_eq!(value("upstream.a-1"), json!(9));
    assert_eq!(value("upstream.a - upstream.b"), json!(6));
    assert_eq!(value("upstream.a-upstream.b"), json!(6));
    assert_eq!(evaluate("upstream.a-bc", &scope).unwrap_err().kind, EvalErrorKind::UnknownName);
}

#[test]
fn conditions_bind_outside_quotes_and_splice_inside() {
    let scope = Values::new(json!({
        "state": "closed", "n": 5, "flag": "false", "rule": "input.n > 3", "list": [], "quote": "it's ' or True or '", "obj": {"a": 1},
    }))
    .stage("check-exists", json!({"status_code": 404}));
    let holds =
        |text: &str| condition(&json!(text), &scope).map(|(_, holds)| holds).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(holds("{{upstream.check-exists.status_code}} == 404"));
    assert!(holds("{{input.state}} == 'closed'"));
    assert!(holds("'{{input.state}}' == 'closed'"));
    assert!(holds("\"{{input.state}}-{{input.n}}\" == 'closed-5'"));
    assert!(holds("'{{input.obj}}' == '{\"a\":1}'"));
    assert!(holds("'{{input.obj['a']}}' == '1'"));
    assert!(holds("{{input.n}} > 3 and not {{input.list}}"));
    assert!(holds("input.n > 3"));
    assert!(holds("{{ input.rule }}"));
    assert!(!holds("{{ input.flag }}"));
    assert!(!holds("{{ input.list }}"));
    assert!(!holds(""));
    assert!(!holds("'{{input.quote}}' == 'x'"), "text from outside cannot leave its quotes");
    assert!(holds("{{input.quote}} == \"it's ' or True or '\""));
    assert_eq!(condition(&json!("{{input.n}} + 1"), &scope).unwrap(), (json!(6), true));
    assert_eq!(condition(&json!(true), &scope).unwrap(), (json!(true), true));
    assert_eq!(condition(&json!({"a": "{{input.n}}"}), &scope).unwrap(), (json!({"a": 5}), true));
    assert_eq!(condition(&json!(null), &scope).unwrap(), (json!(null), false));
    assert!(condition(&json!("input.n >"), &scope).is_err());
}

#[test]
fn truth_is_pythons() {
    for value in [json!(null), json!(false), json!(0), json!(0.0), json!(""), json!([]), json!({})] {
        assert!(!truthy(&value), "{value}");
    }
    for value in [json!(true), json!(-1), json!("false"), json!([0]), json!({"a": null})] {
        assert!(truthy(&value), "{value}");
    }
}

#[test]
fn long_flat_chains_are_no_nesting() {
    let sum = vec!["1"; 5000].join(" + ");
    assert_eq!(evaluate(&sum, &scope()), Ok(json!(5000)));
    let either = vec!["0"; 5000].join(" or ");
    assert_eq!(evaluate(&either, &scope()), Ok(json!(0)));
    let fields = format!("input{}", ".a".repeat(5000));
    assert_eq!(evaluate(&fields, &scope()), Ok(Value::Null));
    let not = format!("{}1", "not ".repeat(5001));
    assert_eq!(evaluate(&not, &scope()), Ok(json!(false)));
}
