//! Language reference: Templates and Expressions, as a run renders them. The tables of expressions are beside their code.

use serde_json::{Value, json};

use super::{Lab, fate, output, run, run_document, stage_problems};

fn rendered(template: &str) -> Value {
    output(&format!("{{id: health-check, type: json-transform, config: {{template: {{status_code: 200, body: {{n: [1, 2]}}}}}}}},
      {{id: health, type: json-transform, config: {{template: {{status_code: 503}}}}}},
      {{id: end, type: json-transform, depends_on: [health-check, health], config: {{data: {{metadata: null, id: 7}}, template: {template}}}}}"))
}

#[test]
fn a_template_alone_keeps_its_type_and_in_a_text_null_is_empty_and_the_rest_compact_json() {
    let output = rendered(
        "{alone: '{{upstream.health-check.body}}', text: '<{{data.metadata}}|{{data.id}}|{{upstream.health-check.body}}|{{true}}>'}",
    );
    assert_eq!(output, json!({"alone": {"n": [1, 2]}, "text": "<|7|{\"n\":[1,2]}|true>"}));
}

#[test]
fn the_scanner_knows_braces_and_templates_work_in_keys_at_every_depth() {
    let output = rendered("{a: '{{data.metadata or {}}}', '{{data.id}}-{{data.id}}': [{'k{{1 + 1}}': ['{{data.id}}']}]}");
    assert_eq!(output, json!({"a": {}, "7-7": [{"k2": [7]}]}));
}

#[test]
fn every_root_is_read() {
    let document = "{id: p, version: 1.2.3, stages: [
      {id: set, type: variable-set, config: {variables: {color: red}}},
      {id: a, type: json-transform, config: {template: {x: 1}}},
      {id: end, type: json-transform, depends_on: [set, a], config: {template: {input: '{{input.n}}', upstream: '{{upstream.a.x}}',
        stages: '{{stages.a.output.x}}', bare: '{{a.output.x}}', status: '{{stages.a.status}}', env: '{{env.FLOWDECK_IDLE_TIMEOUT}}',
        variables: '{{variables.color}}', context: ['{{context.pipeline_id}}', '{{context.pipeline_version}}', '{{context.stage_id}}',
        '{{context.attempt}}', '{{context.color}}'], run: '{{context.run_id}}', actor: '{{context.actor}}'}}}]}";
    let run = run_document(document, &["-i", "n=5"]);
    let mut output = run["output"].clone();
    assert_eq!(output["run"], run["id"]);
    let actor = output["actor"].take();
    assert!(actor.as_str().is_some_and(|actor| !actor.is_empty()), "{actor}");
    // An environment value of some length is hidden wherever it shows up.
    assert_eq!(output["env"].take(), "***");
    let rest = json!({"input": 5, "upstream": 1, "stages": 1, "bare": 1, "status": "succeeded", "env": null, "variables": "red",
        "context": ["p", "1.2.3", "end", 1, "red"], "run": run["id"], "actor": null});
    assert_eq!(output, rest);
}

#[test]
fn secrets_come_from_the_workspace_file() {
    let lab = Lab::open();
    let file = lab.0.file("rules-secret");
    std::fs::write(&file, "hunter2\n").expect("written");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("closed");
    std::fs::write(lab.0.file("flowdeck.toml"), "[secrets]\nTOKEN = { file = \"rules-secret\" }\n").expect("written");
    let stage = "{id: p, stages: [{id: a, type: json-transform, config: {template: {n: '{{len(secrets.TOKEN)}}', t: '{{secrets.TOKEN}}'}}}]}";
    let run = lab.say("run", stage, &["--json"]).json();
    assert_eq!(run["output"], json!({"n": 7, "t": "***"}), "{run:#}");
}

#[test]
fn a_hyphenated_id_is_the_longest_known_one_so_a_comparison_stays_a_comparison() {
    let output = rendered(
        "['{{upstream.health-check.status_code == 200}}', '{{upstream.health.status_code - 3}}', '{{health-check.output.status_code}}']",
    );
    assert_eq!(output, json!([true, 500, 200]));
}

#[test]
fn a_missing_stage_or_environment_value_or_secret_is_an_error() {
    let run = run("{id: no-stage, type: logger, on_error: continue, config: {message: '{{upstream[\"gh\" + \"ost\"].x}}'}},
      {id: no-env, type: logger, on_error: continue, config: {message: '{{env.FLOWDECK_NO_SUCH_VALUE}}'}},
      {id: no-secret, type: logger, on_error: continue, config: {message: '{{secrets.NO_SUCH_SECRET}}'}}");
    assert_eq!(["no-stage", "no-env", "no-secret"].map(|id| fate(&run, id)), ["failed"; 3]);
    assert_eq!(run["stages"]["no-env"]["error"]["type"], "CONFIGURATION");
    for (id, name) in [("no-stage", "ghost"), ("no-env", "FLOWDECK_NO_SUCH_VALUE"), ("no-secret", "NO_SUCH_SECRET")] {
        let message = run["stages"][id]["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn a_missing_field_is_null_unless_templates_are_strict() {
    let stages = "stages: [{id: a, type: json-transform, config: {data: {id: 7}, template: '{{data.alert_id or data.id}}'}}]";
    assert_eq!(run_document(&format!("{{id: p, {stages}}}"), &[])["output"], 7);
    let strict = run_document(&format!("{{id: p, strict_templates: true, {stages}}}"), &[]);
    assert_eq!(strict["status"], "failed", "{strict:#}");
    let message = strict["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("alert_id"), "{message}");
}

#[test]
fn now_is_rfc_3339_in_utc_and_fixed_for_an_attempt() {
    let output = rendered("['{{now()}}', 'at {{now()}}', '{{[now() for i in range(3)]}}']");
    let now = output[0].as_str().expect("a text");
    assert!(now.ends_with('Z') && now.parse::<jiff::Timestamp>().is_ok(), "{now}");
    assert_eq!(output, json!([now, format!("at {now}"), [now, now, now]]));
}

#[test]
fn a_condition_binds_a_template_outside_quotes_and_splices_one_inside() {
    let condition = |condition: &str, input: &str| {
        let document = format!("{{id: p, stages: [{{id: a, type: conditional, config: {{condition: \"{condition}\"}}}}]}}");
        run_document(&document, &["-i", input])["output"]["condition_result"].clone()
    };
    assert_eq!(condition("{{input.state}} == 'closed'", "state=closed"), true);
    assert_eq!(condition("{{input.n}} > 9", "n=10"), true);
    assert_eq!(condition("'{{input.n}}' == '10'", "n=10"), true);
    assert_eq!(condition("input.n > 9", "n=10"), true);
    // One that yields a text is that expression.
    assert_eq!(condition("{{input.rule}}", "rule=1 > 2"), false);
    // A value cannot become part of the expression by its quotes.
    assert_eq!(condition("{{input.state}} == 'closed'", "state=x' or 'a' == 'a"), false);
}

#[test]
fn a_hostile_expression_fails_with_a_clear_error() {
    let stage = |source: &str| format!("{{id: a, type: logger, config: {{message: '{{{{{source}}}}}'}}}}");
    for source in ["[x for x in range(5000) for y in range(5000)]", "''x'' * 10 ** 12", "9 ** 9 ** 9"] {
        let run = run(&stage(source));
        assert_eq!((&run["status"], &run["error"]["type"]), (&json!("failed"), &json!("EXPRESSION")), "{source}: {run:#}");
    }
    for source in ["input.__class__", "open(''x'')", "lambda x: x"] {
        assert_eq!(stage_problems(&stage(source)), ["error bad-expression"], "{source}");
    }
}
