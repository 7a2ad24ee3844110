//! `foreach`: the stages of its body, once for every item of a list.

use serde_json::{Value, json};

use super::fields::{self, Fields, kind};
use super::frame::{Foreach, Frame};
use super::locals::Locals;
use super::{Context, Prepared, Work};
use crate::language::expression;
use crate::model::{ErrorKind, StageError};

/// How many items a parallel loop works on when it does not say.
const AT_ONCE: u64 = 5;

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let items = match fields.take_nullable(&["items"]).unwrap_or(Value::Null) {
        Value::Array(items) => items,
        other => {
            let message = format!("`items` must be a list, not {}", kind(&other));
            return Err(StageError::new(ErrorKind::Validation, message));
        }
    };
    let item_name = fields.text(&["item_variable"])?.unwrap_or_else(|| "item".to_owned());
    let index_name = fields.text(&["index_variable"])?.unwrap_or_else(|| "index".to_owned());
    let parallel = fields.flag(&["parallel"], false)?;
    let at_once = fields.count(&["max_parallel"])?.unwrap_or(AT_ONCE).max(1);
    let break_on_error = fields.flag(&["break_on_error"], true)?;
    let collect = fields.flag(&["collect_results"], true)?;
    let total = items.len();
    let items = kept(context, items, (&item_name, &index_name))?;
    let body = fields::stage_ids(&context.stage.config, &["loop_stages", "stages"]);
    let at_once = if parallel { usize::try_from(at_once).unwrap_or(usize::MAX) } else { 1 };
    let config = json!({"items": total, "kept": items.len(), "at_once": at_once, "loop_stages": body});
    let frame = Foreach { items, total, body, at_once, break_on_error, item_name, index_name, collect };
    Ok(Prepared { work: Work::Frame(Frame::Foreach(frame)), config })
}

/// The items for which `filter_expression` holds, with their places.
fn kept(context: &Context, items: Vec<Value>, (item_name, index_name): (&str, &str)) -> Result<Vec<(usize, Value)>, StageError> {
    let Some(filter) = fields::raw(&context.stage.config, &["filter_expression"]) else {
        return Ok(items.into_iter().enumerate().collect());
    };
    let mut kept = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let index = json!(at);
        let names = [
            (item_name, &item),
            ("item", &item),
            ("current_item", &item),
            (index_name, &index),
            ("index", &index),
            ("item_index", &index),
        ];
        let scope = Locals { inner: context.scope, names: &names, fields: None };
        let holds = expression::condition(filter, &scope).map_err(|error| fields::in_field("filter_expression", error.into()))?;
        if holds.1 {
            kept.push((at, item));
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::Stage;
    use super::super::{Frame, Work};
    use super::Foreach;
    use crate::language::Component;
    use crate::model::ErrorKind;

    fn frame(config: Value) -> Foreach {
        match Stage::new(Component::Foreach, config).prepared().unwrap().work {
            Work::Frame(Frame::Foreach(frame)) => frame,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_sequential_loop_works_on_one_item_at_a_time() {
        let frame = frame(json!({"items": [1, 2], "loop_stages": ["a"], "max_parallel": 9}));
        assert_eq!((frame.at_once, frame.total, frame.items.len()), (1, 2, 2));
        assert!(frame.break_on_error && frame.collect);
    }

    #[test]
    fn items_that_do_not_pass_the_filter_are_left_out_with_their_places() {
        let config =
            json!({"items": [1, 5, 9], "stages": "a", "parallel": true, "item_variable": "n", "filter_expression": "n > 2"});
        let frame = frame(config);
        assert_eq!(frame.items, [(1, json!(5)), (2, json!(9))]);
        assert_eq!((frame.at_once, frame.total), (5, 3));
    }

    #[test]
    fn anything_but_a_list_is_refused() {
        let error = Stage::new(Component::Foreach, json!({"items": "abc", "loop_stages": ["a"]})).error();
        assert_eq!(error.kind, ErrorKind::Validation, "{error}");
        assert!(error.message.contains("must be a list, not a text"), "{error}");
    }
}
