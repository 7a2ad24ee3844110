//! Language reference: Control flow, of foreach.

use serde_json::json;

use super::{Lab, fate, fates, output, run};

#[test]
fn a_loop_gives_total_processed_and_skipped_items_results_and_is_complete() {
    let run = run("{id: each, type: foreach, config: {items: [1, 5, 9], loop_stages: [a, b], filter_expression: 'item > 2'}},
      {id: a, type: json-transform, config: {template: '{{item + 1}}'}}, {id: b, type: json-transform, config: {template: '{{upstream.a * 10}}'}}");
    let expected = json!({"total_items": 3, "processed_items": 2, "skipped_items": 1, "results": [60, 100], "is_complete": true});
    assert_eq!(run["stages"]["each"]["output"], expected, "the results are the last loop stage's, in item order");
}

#[test]
fn loop_stages_run_in_listed_order_for_each_item() {
    let lab = Lab::open();
    run("{id: each, type: foreach, config: {items: [x, y], loop_stages: [b, a]}},
      {id: a, type: shell, config: {run: 'echo a{{item}} >> loop-order'}}, {id: b, type: shell, config: {run: 'echo b{{item}} >> loop-order'}}");
    assert_eq!(lab.0.read("loop-order"), "bx\nax\nby\nay\n");
}

#[test]
fn the_item_and_its_number_have_their_names_bare_and_in_the_context() {
    let output = output("{id: each, type: foreach, config: {items: [x, y], loop_stages: [a], item_variable: service, index_variable: at}},
      {id: a, type: json-transform, config: {template: ['{{item}}', '{{current_item}}', '{{service}}', '{{context.service}}', '{{index}}', '{{item_index}}', '{{at}}', '{{context.at}}']}},
      {id: end, type: json-transform, depends_on: [each], config: {template: '{{upstream.each.results[1]}}'}}");
    assert_eq!(output, json!(["y", "y", "y", "y", 1, 1, 1, 1]));
}

#[test]
fn filter_expression_reads_the_same_names() {
    for filter in [
        "item == ''y''",
        "current_item == ''y''",
        "service == ''y''",
        "index == 1",
        "item_index == 1",
        "at == 1",
        "context.service == ''y''",
    ] {
        let run = run(&format!(
            "{{id: each, type: foreach, config: {{items: [x, y], loop_stages: [a], item_variable: service, index_variable: at, filter_expression: '{filter}'}}}},
             {{id: a, type: json-transform, config: {{template: '{{{{item}}}}'}}}}"
        ));
        assert_eq!(run["stages"]["each"]["output"]["results"], json!(["y"]), "{filter}: {run:#}");
    }
}

#[test]
fn a_parallel_loop_works_on_max_parallel_items_at_once_and_keeps_the_results_in_item_order() {
    let lab = Lab::open();
    for name in ["met-0", "met-1"] {
        lab.0.fifo(name);
    }
    // Each of two items waits for the other: they only end when both are at work.
    let run = run("{id: each, type: foreach, config: {items: [0, 1], loop_stages: [meet], parallel: true, max_parallel: 2}},
      {id: meet, type: shell, config: {run: 'if test {{item}} = 0; then echo hi > met-0; cat met-1; else cat met-0; echo hi > met-1; fi; echo n={{item}} >> \"$FLOWDECK_OUTPUT\"'}}");
    let results = &run["stages"]["each"]["output"]["results"];
    assert_eq!((&results[0]["outputs"]["n"], &results[1]["outputs"]["n"]), (&json!("0"), &json!("1")), "{run:#}");
}

#[test]
fn max_parallel_is_5_when_absent() {
    let lab = Lab::open();
    for item in 0..5 {
        lab.0.fifo(&format!("five-{item}"));
    }
    // The first four wait for the fifth, which would not begin if fewer were at work.
    let run = run("{id: each, type: foreach, config: {items: [0, 1, 2, 3, 4], loop_stages: [meet], parallel: true}},
      {id: meet, type: shell, config: {run: 'if test {{item}} = 4; then for n in 0 1 2 3; do echo go > five-$n; done; else cat five-{{item}}; fi'}}");
    assert_eq!(run["stages"]["each"]["output"]["processed_items"], 5, "{run:#}");
}

#[test]
fn the_first_failure_ends_a_loop_unless_break_on_error_is_false() {
    let stages = |more: &str| {
        format!(
            "{{id: each, type: foreach, on_error: continue, config: {{items: [0, 1, 2], loop_stages: [a], {more}}}}}, {{id: a, type: shell, config: {{run: 'test {{{{item}}}} != 1'}}}}"
        )
    };
    let stopped = run(&stages(""));
    assert_eq!(fates(&stopped, ["each", "a[0]", "a[1]", "a[2]"]), ["failed", "succeeded", "failed", "missing"]);
    let on = run(&stages("break_on_error: false"));
    assert_eq!(fates(&on, ["each", "a[1]", "a[2]"]), ["succeeded", "failed", "succeeded"]);
    let results = &on["stages"]["each"]["output"]["results"];
    assert_eq!(
        (&results[1]["success"], &results[1]["error"]["type"], &results[2]["exit_code"]),
        (&json!(false), &json!("EXECUTION"), &json!(0))
    );
}

#[test]
fn collect_results_false_keeps_none() {
    let run = run(
        "{id: each, type: foreach, config: {items: [1, 2], loop_stages: [a], collect_results: false}}, {id: a, type: logger, config: {message: m}}",
    );
    assert_eq!(run["stages"]["each"]["output"]["results"], json!([]));
    assert_eq!(run["stages"]["each"]["output"]["processed_items"], 2);
}

#[test]
fn each_iteration_has_its_own_context_and_its_own_visible_state() {
    let run = run("{id: each, type: foreach, config: {items: [x, y], loop_stages: [a, b]}},
      {id: a, type: json-transform, config: {template: '{{item}}'}}, {id: b, type: json-transform, config: {template: '{{upstream.a}}{{context.stage_id}}'}}");
    assert_eq!(fates(&run, ["a[0]", "a[1]", "b[0]", "b[1]"]), ["succeeded"; 4]);
    assert_eq!(run["stages"]["b[1]"]["output"], "yb[1]");
    assert_eq!(fate(&run, "a"), "succeeded", "outside, a stage of a loop is its last item's");
    assert_eq!(run["stages"]["a"]["output"], "y");
}

#[test]
fn a_shut_gate_inside_a_loop_skips_for_its_own_item_only() {
    let run = run("{id: each, type: foreach, config: {items: [1, 5], loop_stages: [gate, behind]}},
      {id: gate, type: filter, config: {data: '{{item}}', condition: 'data > 2'}}, {id: behind, type: logger, depends_on: [gate], config: {message: m}}");
    assert_eq!(fates(&run, ["behind[0]", "behind[1]"]), ["skipped gate:gate", "succeeded"]);
}
