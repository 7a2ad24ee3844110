//! `loop`: cuts a list into batches.

use serde_json::{Value, json};

use super::fields::{Fields, kind, wrong};
use super::{Context, Done, Prepared};
use crate::model::StageError;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let items = items(fields.take(&["items", "data"]))?;
    let size = fields.count(&["batch_size"])?.unwrap_or(1);
    if size == 0 {
        return Err(wrong("`batch_size` must be at least 1"));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let limit = fields.count(&["max_iterations"])?.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let start = fields.count(&["start_index"])?.map_or(0, |start| usize::try_from(start).unwrap_or(usize::MAX)).min(items.len());

    let batches: Vec<&[Value]> = items[start..].chunks(size).take(limit).collect();
    let end = start + batches.iter().map(|batch| batch.len()).sum::<usize>();
    let more = end < items.len();
    let output = json!({
        "batches": batches,
        "total_items": items.len(),
        "total_batches": batches.len(),
        "has_more": more,
        "metadata": {
            "batch_size": size,
            "start_index": start,
            "end_index": end,
            "next_index": if more { json!(end) } else { Value::Null },
        },
    });
    Ok(Done::with_output(output).into())
}

fn items(value: Option<Value>) -> Result<Vec<Value>, StageError> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(Value::Object(map)) => Ok(map.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect()),
        Some(other) => Err(wrong(format!("`items` must be a list, not {}", kind(&other)))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::Stage;
    use crate::language::Component;

    fn run(config: Value) -> Value {
        Stage::new(Component::Loop, config).input(json!({"all": [1, 2, 3, 4, 5]})).done().outcome.output
    }

    #[test]
    fn a_list_is_cut_into_batches() {
        let output = run(json!({"items": "{{input.all}}", "batch_size": 2}));
        assert_eq!(output["batches"], json!([[1, 2], [3, 4], [5]]));
        assert_eq!(output["has_more"], false);
        assert_eq!(output["total_batches"], 3);
    }

    #[test]
    fn a_limit_says_where_to_go_on() {
        let output = run(json!({"items": "{{input.all}}", "batch_size": 2, "max_iterations": 1, "start_index": 1}));
        assert_eq!(output["batches"], json!([[2, 3]]));
        assert_eq!(output["has_more"], true);
        assert_eq!(output["metadata"]["next_index"], 3);
    }

    #[test]
    fn bad_items_and_sizes_are_refused() {
        assert!(Stage::new(Component::Loop, json!({"items": 5})).error().message.contains("must be a list"));
        assert!(Stage::new(Component::Loop, json!({"items": [], "batch_size": 0})).error().message.contains("at least 1"));
        assert_eq!(run(json!({"items": [], "start_index": 9}))["batches"], json!([]));
    }
}
