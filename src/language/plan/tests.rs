//! What is known when: each test is a pipeline and what its plan says.

mod digest;
mod order;

use serde_json::{Value, json};

use super::{Plan, PlannedStage};
use crate::language::{Format, Pipeline, inputs, load};

pub(super) fn pipeline(text: &str) -> Pipeline {
    let loaded = load(text, Format::Yaml);
    let problems: Vec<_> = loaded.problems.iter().map(|problem| problem.message.clone()).collect();
    loaded.pipeline.unwrap_or_else(|| panic!("{problems:?}"))
}

pub(super) fn plan(text: &str, given: Value) -> Plan {
    let pipeline = pipeline(text);
    let inputs = inputs::check(&pipeline, given).unwrap();
    Plan::of(&pipeline, &inputs, None, &[])
}

pub(super) fn stage<'p>(plan: &'p Plan, id: &str) -> &'p PlannedStage {
    plan.stages.iter().find(|stage| stage.id.as_str() == id).unwrap_or_else(|| panic!("no stage {id}"))
}

/// What a logger says between two stages and after them.
fn message(message: &str) -> (Value, Vec<String>) {
    let text = format!(
        "{{id: p, version: 1.2.3, stages: [
          {{id: build, type: shell, config: {{run: x}}}},
          {{id: build-all, type: shell, config: {{run: x}}}},
          {{id: here, type: logger, depends_on: [build, build-all], config: {{message: {}}}}}]}}",
        json!(message)
    );
    let plan = plan(&text, json!({"name": "build", "n": 3, "list": [1, 2], "id": "build"}));
    let here = stage(&plan, "here");
    (here.config["message"].clone(), here.problems.iter().map(|problem| problem.message.clone()).collect())
}

#[test]
fn what_reads_inputs_alone_is_rendered_with_its_type() {
    for (text, expected) in [
        ("{{input.n + 1}}", json!(4)),
        ("{{input.list}}", json!([1, 2])),
        ("n={{input.n}}, list={{input.list}}", json!("n=3, list=[1,2]")),
        ("{{context.pipeline_id}} {{context.pipeline_version}} {{context.stage_id}}", json!("p 1.2.3 here")),
        ("{{input.missing}}", json!(null)),
    ] {
        assert_eq!(message(text), (expected, Vec::new()), "{text}");
    }
}

#[test]
fn names_inside_texts_mean_nothing() {
    for (text, expected) in [
        ("{{'upstream.build.output'}}", "upstream.build.output"),
        ("{{'env.TOKEN secrets.TOKEN env_or now() uuid()'}}", "env.TOKEN secrets.TOKEN env_or now() uuid()"),
        ("{{input.name + ' context variables item index'}}", "build context variables item index"),
        ("build, upstream.build, env.HOME", "build, upstream.build, env.HOME"),
        ("{{[item for item in input.list]}}", "[1,2]"),
    ] {
        let (value, problems) = message(text);
        assert_eq!((crate::language::template::to_text(&value).as_str(), problems.len()), (expected, 0), "{text}");
    }
}

#[test]
fn what_is_not_known_says_when_it_will_be() {
    for (text, expected) in [
        ("{{upstream.build.exit_code}}", "(known after build)"),
        ("{{stages.build-all.output}}", "(known after build-all)"),
        ("{{build.output.x}}", "(known after build)"),
        ("{{upstream[input.id].exit_code}}", "(known after build)"),
        ("{{upstream.build.a + upstream.build-all.b}}", "(known after build, build-all)"),
        ("{{env.TOKEN}}", "(env.TOKEN)"),
        ("{{env_or('REGION', 'eu')}}", "(env.REGION)"),
        ("{{secrets.TOKEN}} for {{input.name}}", "(secrets.TOKEN) for build"),
        ("{{env.get('A', 1)}}{{secrets.B + env.A}}", "(env.A)(env.A, secrets.B)"),
        ("{{upstream.build.x + env.TOKEN}}", "(known after build)"),
        ("{{now()}}", "(known at run time)"),
        ("run {{context.run_id}}, attempt {{context.attempt}}", "run (known at run time), attempt (known at run time)"),
        ("{{uuid() + upstream.build.x}}", "(known after build)"),
    ] {
        assert_eq!(message(text), (json!(expected), Vec::new()), "{text}");
    }
}

#[test]
fn what_an_expression_does_not_reach_does_not_keep_it_from_being_known() {
    assert_eq!(message("{{input.n or upstream.build.n}}"), (json!(3), Vec::new()));
    assert_eq!(message("{{'a' if input.n == 3 else env.B}}"), (json!("a"), Vec::new()));
    assert_eq!(message("{{input.missing or upstream.build.n}}"), (json!("(known after build)"), Vec::new()));
}

#[test]
fn what_will_surely_fail_is_told_with_its_place() {
    for (text, reason) in [
        ("{{input.n + 'x'}}", "a number"),
        ("{{upstream.nowhere.x}}", "`nowhere`"),
        ("{{item}}", "`item` is not known here"),
        ("{{1 / 0}} and more", "zero"),
    ] {
        let (value, problems) = message(text);
        assert_eq!((&value, problems.len()), (&json!(text), 1), "{problems:?}");
        assert!(problems[0].contains(reason), "{text}: {problems:?}");
    }
    let text = "{id: p, stages: [{id: a, type: http-request, config: {url: x, headers: {A: ['{{1 / 0}}']}}}]}";
    let plan = plan(text, json!({}));
    let (id, problem) = plan.problems().next().unwrap();
    assert_eq!((id.as_str(), problem.path.as_str()), ("a", "config.headers.A[0]"));
}

#[test]
fn a_stage_that_does_not_run_fails_nothing() {
    let text = "{id: p, stages: [
      {id: off, type: logger, enabled: false, config: {message: '{{1 / 0}}'}},
      {id: not, type: logger, when: 'input.go == true', config: {message: '{{1 / 0}}'}}]}";
    let idle = plan(text, json!({"go": false}));
    assert_eq!(idle.problems().count(), 0);
    assert_eq!((stage(&idle, "off").skipped, stage(&idle, "not").skipped), (Some("disabled"), Some("when")));
    assert_eq!(plan(text, json!({"go": true})).problems().count(), 1);
}

#[test]
fn conditions_say_whether_they_hold() {
    let text = "{id: p, stages: [
      {id: build, type: shell, config: {run: x}},
      {id: pick, type: conditional, depends_on: [build],
       config: {condition: \"{{input.env}} == 'production'\", true_stages: [ship]}},
      {id: ship, type: shell, when: upstream.build.exit_code == 0, config: {run: x}},
      {id: gate, type: filter, config: {data: {n: '{{input.n}}'}, condition: 'n > 2 and data.n < 9'}},
      {id: keep, type: filter, config: {data: [1, 2], condition: 'item > 1'}},
      {id: early, type: return, config: {condition: '{{input.env}}', return_value: 1}}]}";
    let plan = plan(text, json!({"env": "production", "n": 3}));
    let condition = |id: &str| stage(&plan, id).condition.clone().unwrap().holds;
    assert_eq!(condition("pick"), json!(true));
    assert_eq!(stage(&plan, "pick").condition.as_ref().unwrap().expression, "{{input.env}} == 'production'");
    assert_eq!(stage(&plan, "ship").when.as_ref().unwrap().holds, json!("(known after build)"));
    assert_eq!(stage(&plan, "ship").chosen_by, ["pick".into()]);
    assert_eq!(condition("gate"), json!(true));
    assert_eq!(condition("keep"), json!("(known per item)"));
    // One template that gives a text is that text's expression, and `production` means nothing.
    assert_eq!(condition("early"), Value::Null);
    let (id, problem) = plan.problems().next().unwrap();
    assert_eq!((id.as_str(), problem.path.as_str()), ("early", "config.condition"));
    assert_eq!(plan.problems().count(), 1);
}

#[test]
fn a_condition_that_an_input_gives_is_read_as_one() {
    let holds = |condition: &str| {
        let text = "{id: p, stages: [{id: a, type: logger, when: '{{input.condition}}', config: {message: m}}]}";
        stage(&plan(text, json!({"condition": condition, "n": 1})), "a").when.clone().unwrap().holds
    };
    assert_eq!(holds("input.n == 1"), json!(true));
    assert_eq!(holds("context.attempt == 1"), json!("(known at run time)"));
    assert_eq!(holds("env.A == 'b'"), json!("(env.A)"));
}

#[test]
fn loops_bind_names_for_what_runs_inside_them() {
    let text = "{id: p, stages: [
      {id: each, type: foreach, config: {items: [1], loop_stages: [in, pick], item_variable: service, filter_expression: service != 2}},
      {id: in, type: logger, config: {message: '{{service}} {{item_index}} {{input.x}} {{context.service}}'}},
      {id: pick, type: conditional, config: {condition: 'true', true_stages: [deep]}},
      {id: deep, type: logger, config: {message: '{{service.name}} {{context.stage_id}}'}},
      {id: guard, type: trycatch, config: {try_stages: [risky], catch_stages: [sorry]}},
      {id: risky, type: shell, config: {run: x}},
      {id: sorry, type: logger, config: {message: '{{error.message}}'}}]}";
    let plan = plan(text, json!({"x": "y"}));
    let said = |id: &str| stage(&plan, id).config["message"].clone();
    assert_eq!(said("in"), "(known per item) (known per item) y (known per item)");
    assert_eq!(said("deep"), "(known per item) (known per item)");
    assert_eq!(said("sorry"), "(known at run time)");
    assert_eq!(plan.problems().collect::<Vec<_>>(), []);
}

#[test]
fn variables_are_known_after_whoever_sets_them() {
    let text = "{id: p, stages: [
      {id: one, type: variable-set, config: {variables: {region: eu}}},
      {id: two, type: variable-set, depends_on: [one], config: {name: zone, value: 1}},
      {id: say, type: logger, depends_on: [two], config: {message: '{{variables.region}}|{{variables.zone}}|{{context.region}}'}},
      {id: all, type: logger, depends_on: [two], config: {message: '{{variables}}'}},
      {id: none, type: logger, depends_on: [two], config: {message: 'x{{variables.other}}'}},
      {id: beside, type: logger, config: {message: '{{variables.region}}'}}]}";
    let plan = plan(text, json!({}));
    let said = |id: &str| stage(&plan, id).config["message"].clone();
    assert_eq!(said("say"), "(known after one)|(known after two)|(known after one)");
    assert_eq!(said("all"), "(known after two)", "the last one tells it all");
    assert_eq!(said("none"), "x");
    assert_eq!(said("beside"), "(known at run time)");
}

#[test]
fn data_of_a_transform_is_known_when_all_of_it_is() {
    let stage_with = |data: &str| {
        let text = format!(
            "{{id: p, stages: [{{id: build, type: shell, config: {{run: x}}}},
              {{id: t, type: json-transform, depends_on: [build],
                config: {{data: {data}, template: {{sum: '{{{{sum(data.list)}}}}', fixed: '{{{{input.n}}}}'}}}}}}]}}"
        );
        stage(&plan(&text, json!({"n": 2})), "t").clone()
    };
    assert_eq!(stage_with("{list: [1, '{{input.n}}']}").config["template"], json!({"sum": 3, "fixed": 2}));
    let later = stage_with("{list: [1, '{{upstream.build.outputs.n}}']}");
    assert_eq!(later.config["template"], json!({"sum": "(known after build)", "fixed": 2}));
    assert_eq!(later.problems, []);
}

#[test]
fn keys_are_rendered_and_must_stay_apart() {
    let keys = |config: &str| {
        let text = format!("{{id: p, stages: [{{id: a, type: logger, config: {{message: m, data: {config}}}}}]}}");
        let plan = plan(&text, json!({"k": "x"}));
        (stage(&plan, "a").config["data"].clone(), plan.problems().count())
    };
    assert_eq!(keys("{'{{input.k}}': 1}"), (json!({"x": 1}), 0));
    assert_eq!(keys("{'{{input.k}}': 1, x: 2}").1, 1);
    assert_eq!(keys("{'{{env.A}}': 1, '{{env.A}}-b': 2}"), (json!({"(env.A)": 1, "(env.A)-b": 2}), 0));
}

#[test]
fn scripts_are_quoted_as_a_run_would_quote_them() {
    let script = |run: &str, shell: &str| {
        let text = format!(
            "{{id: p, stages: [{{id: b, type: shell, config: {{run: x}}}},
              {{id: a, type: shell, depends_on: [b], config: {{run: {}, shell: {shell}}}}}]}}",
            json!(run)
        );
        let plan = plan(&text, json!({"x": "it's; ls", "n": 5}));
        (stage(&plan, "a").config["run"].as_str().unwrap().to_owned(), plan.problems().count())
    };
    for (run, expected) in [
        ("echo {{input.x}}", r"echo 'it'\''s; ls'"),
        ("echo \"a {{input.x}}\"", r#"echo "a "'it'\''s; ls'"""#),
        ("echo '{{input.x}}'", r"echo 'it'\''s; ls'"),
        ("echo $(( {{input.n}} + 1 ))", "echo $(( 5 + 1 ))"),
        ("echo {{raw(input.x)}}", "echo it's; ls"),
        ("echo {{secrets.T}} \"{{upstream.b.x}}\" $(( {{env.N}} ))", "echo (secrets.T) \"(known after b)\" $(( (env.N) ))"),
    ] {
        assert_eq!(script(run, "sh"), (expected.to_owned(), 0), "{run}");
    }
    assert_eq!(script("echo ${v:-{{input.x}}}", "sh"), ("echo ${v:-{{input.x}}}".to_owned(), 1));
    assert_eq!(script("print({{input.n}})", "python3").1, 1, "a run could not quote it either");
    assert_eq!(script("echo {{input.n}}", "'{{env.SHELL}}'"), ("echo '5'".to_owned(), 0), "which one is not known yet");
    assert_eq!(script("print(5)", "python3"), ("print(5)".to_owned(), 0));
}

#[test]
fn the_rules_of_a_stage_are_part_of_the_plan() {
    let text = "{id: p, environment: staging, stages: [
      {id: a, type: shell, timeout: 90, on_error: continue, on_unknown: retry, environment: '{{input.where}}', config: {run: x},
       error_handling: {on_error: retry, max_retries: 2, retry_delay: 500, retry_until: exit_code == 0}},
      {id: b, type: shell, config: {run: x}, retry_config: {max_retries: 1}}]}";
    let pipeline = pipeline(text);
    let plan = Plan::of(&pipeline, &json!({"where": "prod"}), Some("test"), &[]);
    let (a, b) = (stage(&plan, "a"), stage(&plan, "b"));
    assert_eq!((&a.environment, &b.environment), (&json!("prod"), &json!("test")));
    assert_eq!(a.retry, json!({"max_retries": 2, "retry_delay_ms": 500, "retry_until": "exit_code == 0"}));
    assert_eq!(b.retry["max_retries"], 1);
    assert_eq!((&a.timeout_ms, a.on_unknown, b.on_error), (&json!(90_000), "retry", "propagate"));
    assert_eq!(plan.environment.as_deref(), Some("test"));
    assert_eq!(Plan::of(&pipeline, &json!({}), None, &[]).environment.as_deref(), Some("staging"));
}
