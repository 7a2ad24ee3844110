//! Language reference: Operators. What each gives, as a run keeps it; their corners are tested beside their code.

use serde_json::json;

use super::{Lab, fate, output, run, run_document};

#[test]
fn the_output_of_a_template_is_the_rendered_tree_itself() {
    let tree = output(
        "{id: a, type: json-transform, config: {data: {n: 2}, template: {list: ['{{data.n}}', {deep: '{{data.n * 2}}'}], text: 'n={{data.n}}'}}}",
    );
    assert_eq!(tree, json!({"list": [2, {"deep": 4}], "text": "n=2"}));
}

#[test]
fn a_query_or_mapping_gives_result_fields_mapped_and_fields_missing() {
    let query = output("{id: a, type: json-transform, config: {data: {a: [{n: 1}, {n: 2}]}, jmespath_expression: 'a[*].n'}}");
    assert_eq!(query["result"], json!([1, 2]));
    let mapped = output(
        "{id: a, type: json-transform, config: {data: {user: {name: Ada, age: null}}, mapping: {who: user.name, far: user.x},
      defaults: {far: 9}, exclude_fields: [nothing]}}",
    );
    assert_eq!(mapped, json!({"result": {"who": "Ada", "far": 9}, "fields_mapped": 1, "fields_missing": ["far"]}));
    let flat = output("{id: a, type: json-transform, config: {data: {a: {b: [1]}}, flatten: true}}");
    assert_eq!(flat["result"], json!({"a.b.0": 1}));
}

#[test]
fn a_mapping_falls_into_and_out_of_result_and_json_is_found_in_code_fences() {
    let output = output("{id: a, type: json-transform, config: {data: {x: 1}, mapping: {y: x}}},
      {id: b, type: json-transform, depends_on: [a], config: {data: '{{upstream.a}}', mapping: {into: y}}},
      {id: c, type: json-transform, config: {data: {text: \"```json\\n{\\\"n\\\": 1}\\n```\"}, parse_json_strings: true, mapping: {out: result.text.n}}},
      {id: end, type: json-transform, depends_on: [b, c], config: {template: ['{{upstream.b.result}}', '{{upstream.c.result}}']}}");
    assert_eq!(output, json!([{"into": 1}, {"out": 1}]));
}

#[test]
fn a_filter_gives_passed_data_filtered_count_and_reason() {
    let shut = output("{id: a, type: filter, config: {data: {n: 1}, condition: 'n > 1'}}");
    assert_eq!(shut, json!({"passed": false, "data": null, "filtered_count": 1, "reason": "the condition does not hold: n > 1"}));
    let open = output("{id: a, type: filter, config: {data: {n: 1}, field_conditions: {n: {lt: 2}}}}");
    assert_eq!(open, json!({"passed": true, "data": {"n": 1}, "filtered_count": 0, "reason": null}));
    let inverted = output("{id: a, type: filter, config: {data: {n: 1}, condition: 'n > 1', invert: true}}");
    assert_eq!(inverted["passed"], true);
    let missing = output("{id: a, type: filter, config: {data: {n: 1}, field_conditions: {x: 1}, pass_if_missing: true}}");
    assert_eq!(missing["passed"], true);
}

#[test]
fn a_condition_that_speaks_of_item_picks_items() {
    let output = output("{id: a, type: filter, config: {data: [{n: 1}, {n: 5}], condition: 'item.n > 2'}}");
    assert_eq!(output, json!({"passed": true, "data": [{"n": 5}], "filtered_count": 1, "reason": null}));
}

#[test]
fn an_invalid_value_fails_a_strict_validation_and_passes_through_one_that_is_not() {
    let run = run("{id: strict, type: schema-validate, on_error: continue, config: {data: {n: x}, schema: {properties: {n: {type: integer}}}}},
      {id: lax, type: schema-validate, config: {data: {n: x}, schema: {properties: {n: {type: integer}}}, strict: false}},
      {id: coerced, type: schema-validate, config: {data: {n: '5'}, schema: {properties: {n: {type: integer}}}, coerce_types: true}},
      {id: first, type: schema-validate, config: {data: {}, schema: {required: [a], minProperties: 2}, strict: false, collect_all_errors: false}}");
    assert_eq!(fate(&run, "strict"), "failed");
    assert_eq!(run["stages"]["strict"]["error"]["type"], "VALIDATION");
    let lax = &run["stages"]["lax"]["output"];
    assert_eq!((&lax["valid"], &lax["error_count"], &lax["errors"][0]["path"]), (&json!(false), &json!(1), &json!("/n")));
    assert_eq!(run["stages"]["coerced"]["output"]["data"], json!({"n": 5}));
    assert_eq!(run["stages"]["first"]["output"]["error_count"], 1);
}

#[test]
fn a_logged_line_appears_in_the_stage_log_and_in_the_runs() {
    let lab = Lab::open();
    let run = run("{id: a, type: logger, config: {message: 'shipping {{1 + 1}}', level: warning, data: {by: ada}, tags: [x]}}");
    let output = &run["stages"]["a"]["output"];
    assert_eq!((&output["logged"], &output["passthrough"]), (&json!(true), &json!({"by": "ada"})));
    assert!(output["log_id"].as_str().is_some_and(|id| !id.is_empty()));
    let id = run["id"].as_str().expect("an id");
    assert!(lab.0.ok(&["runs", "logs", id, "a"]).out.contains("shipping 2"));
    let note = &run["notes"][0];
    assert_eq!(note["level"], "warning", "{note:#}");
    assert!(note["message"].as_str().is_some_and(|line| line.contains("shipping 2")), "{note:#}");
}

#[test]
fn variables_are_read_by_later_stages_as_variables_or_context() {
    let output = output("{id: a, type: variable-set, config: {variables: {tag: v1, keep: 1}}},
      {id: b, type: variable-set, depends_on: [a], config: {name: sha, value: {commits: [{id: abc}]}, extract_path: 'commits[0].id'}},
      {id: c, type: variable-set, depends_on: [b], config: {variables: {keep: 2}, overwrite: false}},
      {id: end, type: json-transform, depends_on: [c], config: {template: ['{{variables.tag}}', '{{context.sha}}', '{{variables.keep}}', '{{upstream.a}}']}}");
    assert_eq!(output, json!(["v1", "abc", 1, {"tag": "v1", "keep": 1, "variables": {"tag": "v1", "keep": 1}}]));
}

#[test]
fn a_loop_cuts_its_items_into_batches() {
    let output =
        output("{id: a, type: loop, config: {items: [1, 2, 3, 4, 5], batch_size: 2, start_index: 1, max_iterations: 1}}");
    assert_eq!((&output["batches"], &output["total_items"], &output["total_batches"]), (&json!([[2, 3]]), &json!(5), &json!(1)));
    assert_eq!((&output["has_more"], &output["metadata"]["next_index"]), (&json!(true), &json!(3)));
}

#[test]
fn a_script_gives_exit_code_outputs_and_duration_and_what_it_writes_becomes_outputs() {
    let output = output(
        "{id: a, type: shell, config: {env: {WHO: ada}, stdin: in, cwd: ., outputs: [a, b],
      run: 'echo a=$WHO-$(cat) >> \"$FLOWDECK_OUTPUT\"; echo ''{\"b\": {\"n\": 1}}'' >> \"$FLOWDECK_OUTPUT\"'}}",
    );
    assert_eq!((&output["exit_code"], &output["outputs"]), (&json!(0), &json!({"a": "ada-in", "b": {"n": 1}})));
    assert!(output["duration_ms"].is_u64());
}

#[test]
fn a_value_in_a_script_is_quoted_unless_it_is_raw() {
    let lab = Lab::open();
    let document = "{id: p, stages: [{id: a, type: shell, config: {run: 'echo got={{input.branch}} >> \"$FLOWDECK_OUTPUT\"; echo raw={{raw(input.code)}} >> \"$FLOWDECK_OUTPUT\"'}}]}";
    let run = run_document(document, &["-i", "branch=$(touch pwned)", "-i", "code=$(echo ran)"]);
    assert_eq!(run["output"]["outputs"], json!({"got": "$(touch pwned)", "raw": "ran"}));
    assert!(!lab.0.file("pwned").exists());
    assert_eq!(super::problems(document), ["warning raw-splice"]);
}

#[test]
fn stdin_is_closed_unless_given_and_both_streams_are_kept() {
    let lab = Lab::open();
    let run = run("{id: a, type: shell, config: {run: 'cat; echo one; echo two >&2; echo three'}}");
    let id = run["id"].as_str().expect("an id");
    // The order between two pipes is that in which they are read.
    let log = lab.0.ok(&["runs", "logs", id, "a"]).out;
    let (error, output): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| *line == "two");
    assert_eq!((output, error), (vec!["one", "three"], vec!["two"]));
}

#[test]
fn a_request_gives_status_headers_body_time_success_and_url() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let asked = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("a request");
        let mut bytes = [0; 4096];
        let mut text = String::new();
        while !text.contains("}") {
            let read = stream.read(&mut bytes).expect("bytes");
            text.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        let body = "{\"ok\": [1]}";
        let answer = format!(
            "HTTP/1.1 404 Not Found\r\nX-Two: a\r\nX-Two: b\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).expect("answered");
        text
    });
    let output = output(&format!(
        "{{id: a, type: http-request, config: {{url: 'http://{address}/x', method: post, query_params: {{tag: [a, b]}}, headers: {{X-A: 1}}, body: {{n: 1}}}}}}"
    ));
    let asked = asked.join().expect("asked").to_lowercase();
    assert!(asked.starts_with("post /x?tag=a&tag=b http/1.1\r\n"), "{asked}");
    assert!(
        asked.contains("x-a: 1\r\n") && asked.contains("content-type: application/json\r\n") && asked.ends_with("{\"n\":1}"),
        "{asked}"
    );
    assert_eq!((&output["status_code"], &output["success"], &output["body"]), (&json!(404), &json!(false), &json!({"ok": [1]})));
    assert_eq!(output["headers"]["x-two"], "a, b");
    assert_eq!(output["url"], format!("http://{address}/x?tag=a&tag=b"));
    assert!(output["elapsed_ms"].is_u64());
}
