//! `return`: ends the run early with an output of its own.

use serde_json::{Value, json};

use super::fields::{self, Fields, wrong};
use super::{Context, Done, Prepared};
use crate::language::expression;
use crate::model::StageError;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let value = fields.take_nullable(&["return_value", "value"]).unwrap_or(Value::Null);
    let message = fields.text(&["message"])?;
    let failed = match fields.text(&["status"])?.as_deref() {
        None | Some("success" | "succeeded" | "ok" | "completed") => false,
        Some("failure" | "failed" | "error") => true,
        Some(other) => return Err(wrong(format!("`status` must be success or failure, not `{other}`"))),
    };
    let returns = match fields::raw(&context.stage.config, &["condition"]) {
        Some(condition) => {
            let decided = expression::condition(condition, context.scope);
            decided.map_err(|error| fields::in_field("condition", error.into()))?.1
        }
        None => true,
    };
    let status = if failed { "failed" } else { "succeeded" };
    let output = json!({"returned": returns, "return_value": value, "message": message, "status": status});
    Ok(Done::with_output(output).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Stage;
    use crate::language::Component;

    #[test]
    fn it_returns_when_its_condition_holds() {
        let stage =
            |condition| Stage::new(Component::Return, json!({"condition": condition, "return_value": {"n": "{{1 + 1}}"}}));
        let output = stage("1 == 1").done().outcome.output;
        assert_eq!(output, json!({"returned": true, "return_value": {"n": 2}, "message": null, "status": "succeeded"}));
        assert_eq!(stage("1 == 2").done().outcome.output["returned"], false);
    }
}
