//! `retry_until`: whether an attempt's output says that polling may stop.

use serde_json::Value;

use super::fields;
use super::locals::Locals;
use crate::language::expression;
use crate::language::scope::Scope;
use crate::model::StageError;

/// Evaluates `condition` with the attempt's output bound as `output` and its top-level fields by their bare names.
///
/// # Errors
/// An expression that fails.
pub fn retry_condition(condition: &str, output: &Value, scope: &dyn Scope) -> Result<bool, StageError> {
    let bound = [("output", output)];
    let scope = Locals { inner: scope, names: &bound, fields: output.as_object() };
    let satisfied = expression::condition(&Value::String(condition.to_owned()), &scope);
    satisfied.map(|(_, holds)| holds).map_err(|error| fields::in_field("retry_until", error.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Names;
    use super::retry_condition;

    #[test]
    fn the_output_is_read_by_name_and_by_field() {
        let scope = Names::default();
        let output = json!({"status_code": 200, "body": {"state": "done"}});
        assert!(retry_condition("output.body.state == 'done'", &output, &scope).unwrap());
        assert!(retry_condition("status_code == 200 and body.state == 'done'", &output, &scope).unwrap());
        assert!(!retry_condition("body.state == 'failed'", &output, &scope).unwrap());
        assert!(retry_condition("body.state ==", &output, &scope).unwrap_err().message.starts_with("in `retry_until`: "));
    }
}
