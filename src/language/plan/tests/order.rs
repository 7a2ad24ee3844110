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
