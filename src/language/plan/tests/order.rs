//! Which stages a marker names.

use serde_json::json;

use super::{plan, stage};

#[test]
fn of_several_stages_the_last_ones_are_named_in_the_order_of_the_graph() {
    let text = "{id: p, stages: [
      {id: test, type: shell, depends_on: [fetch], config: {run: x}},
      {id: build, type: shell, depends_on: [fetch], config: {run: x}},
      {id: fetch, type: shell, config: {run: x}},
      {id: ship, type: shell, depends_on: [build], config: {run: x}},
      {id: say, type: logger, depends_on: [ship, test], config: {
        message: '{{upstream.fetch.a + upstream.build.b + upstream.test.c}}',
        data: ['{{upstream.ship.a + upstream.fetch.b}}', '{{upstream.ship.a + upstream.test.b}}']}}]}";
    let plan = plan(text, json!({}));
    let config = &stage(&plan, "say").config;
    assert_eq!(config["message"], "(known after test, build)");
    assert_eq!(config["data"], json!(["(known after ship)", "(known after test, ship)"]));
    let order: Vec<&str> = plan.stages.iter().map(|stage| stage.id.as_str()).collect();
    assert_eq!(order, ["fetch", "test", "build", "ship", "say"]);
}

#[test]
fn a_chain_that_reads_all_variables_is_planned_in_passing() {
    let stage = |at: usize| {
        let before = at.checked_sub(1).map(|before| format!("s{before}")).unwrap_or_default();
        format!(
            "{{id: s{at}, type: variable-set, depends_on: [{before}], config: {{variables: {{v{at}: '{{{{variables}}}}'}}}}}}"
        )
    };
    let stages: Vec<String> = (0..600).map(stage).collect();
    let begun = std::time::Instant::now();
    let plan = plan(&format!("{{id: p, stages: [{}]}}", stages.join(",\n")), json!({}));
    assert_eq!(plan.stages[599].config["variables"]["v599"], "(known after s598)");
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
