//! `conditional`: one of two lists of stages runs, the other is left out.
//!
//! A condition that fails to evaluate fails the stage: a deploy never takes a branch by accident.

use serde_json::{Value, json};

use super::fields::{self, Fields, wrong};
use super::locals::Locals;
use super::{Branch, Context, Done, Prepared};
use crate::language::expression;
use crate::model::StageError;

const CONDITION: &[&str] = &["condition"];
const EXPRESSION: &[&str] = &["condition_expression", "expression"];
const TRUE: &[&str] = &["true_stages", "true_branch_stages", "true_branch"];
const FALSE: &[&str] = &["false_stages", "false_branch_stages", "false_branch"];

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let data = fields.take(&["data"]).unwrap_or(Value::Null);
    let (value, holds) = decide(context, &data)?;
    let config = &context.stage.config;
    let (mut run, mut skip) = (fields::stage_ids(config, TRUE), fields::stage_ids(config, FALSE));
    if !holds {
        std::mem::swap(&mut run, &mut skip);
    }
    skip.retain(|stage| !run.contains(stage));

    let output = json!({
        "branch_taken": if holds { "true" } else { "false" },
        "condition_value": value,
        "condition_result": holds,
        "data": data,
    });
    Ok(Done { branch: Some(Branch { run, skip }), ..Done::with_output(output) }.into())
}

fn decide(context: &Context, data: &Value) -> Result<(Value, bool), StageError> {
    let config = &context.stage.config;
    let condition = fields::raw(config, CONDITION);
    let bound = [("data", data)];
    let scope = Locals { inner: context.scope, names: &bound, fields: None };
    let Some(expression) = fields::raw(config, EXPRESSION) else {
        let condition = config.get("condition");
        let condition = condition.ok_or_else(|| wrong("a conditional needs a `condition`"))?;
        return expression::condition(condition, &scope).map_err(|error| fields::in_field("condition", error.into()));
    };
    let value = condition.map_or(Ok(Value::Null), |value| fields::render("condition", value, context.scope))?;
    let bound = [("value", &value), ("data", data)];
    let scope = Locals { inner: context.scope, names: &bound, fields: None };
    expression::condition(expression, &scope).map_err(|error| fields::in_field("condition_expression", error.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::Stage;
    use super::super::{Branch, Done};
    use crate::language::Component;
    use crate::model::{ErrorKind, StageId};

    fn branch(done: &Done) -> (Vec<&str>, Vec<&str>) {
        let Branch { run, skip } = done.branch.as_ref().unwrap();
        let names = |list: &'_ Vec<StageId>| -> Vec<String> { list.iter().map(ToString::to_string).collect() };
        let leak = |list: Vec<String>| list.into_iter().map(|name| &*name.leak()).collect();
        (leak(names(run)), leak(names(skip)))
    }

    fn conditional(condition: Value, input: Value) -> Done {
        let config = json!({"condition": condition, "true_stages": ["ship", "tell"], "false_branch": "stop", "data": 5});
        Stage::new(Component::Conditional, config).input(input).done()
    }

    #[test]
    fn the_condition_picks_a_branch() {
        let done = conditional(json!("{{input.state}} == 'closed'"), json!({"state": "closed"}));
        assert_eq!(branch(&done), (vec!["ship", "tell"], vec!["stop"]));
        assert_eq!(done.outcome.output["branch_taken"], "true");
        assert_eq!(done.outcome.output["condition_result"], true);
        assert_eq!(done.outcome.output["data"], 5);

        let done = conditional(json!("{{input.state}} == 'closed'"), json!({"state": "open"}));
        assert_eq!(branch(&done), (vec!["stop"], vec!["ship", "tell"]));
        assert_eq!(done.outcome.output["branch_taken"], "false");
    }

    #[test]
    fn a_value_decides_by_its_truth() {
        assert_eq!(conditional(json!("{{input.ok}}"), json!({"ok": []})).outcome.output["condition_value"], json!([]));
        assert_eq!(conditional(json!(false), json!({})).outcome.output["branch_taken"], "false");
    }

    #[test]
    fn a_stage_in_both_lists_runs() {
        let config = json!({"condition": true, "true_stages": ["a", "b"], "false_stages": ["b", "c"]});
        let done = Stage::new(Component::Conditional, config).done();
        assert_eq!(branch(&done), (vec!["a", "b"], vec!["c"]));
    }

    #[test]
    fn a_condition_that_fails_takes_no_branch() {
        let config = json!({"condition": "input.n > 'x'", "true_stages": ["ship"]});
        let error = Stage::new(Component::Conditional, config).input(json!({"n": 1})).error();
        assert_eq!(error.kind, ErrorKind::Expression, "{error}");
        assert!(error.message.starts_with("in `condition`: "), "{error}");
    }

    #[test]
    fn an_expression_may_look_at_the_value() {
        let config = json!({"condition": "{{input.n}}", "condition_expression": "value > 3", "true_stages": ["ship"]});
        let done = Stage::new(Component::Conditional, config).input(json!({"n": 4})).done();
        assert_eq!(done.outcome.output["branch_taken"], "true");
    }
}
