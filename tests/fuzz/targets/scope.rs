//! A fixed scope: what expressions read is always the same.

use std::borrow::Cow;

use flowdeck::language::scope::{Scope, StageView};
use flowdeck::model::{StageStatus, Timestamp};
use serde_json::{Map, Value, json};

pub struct Fixed {
    input: Value,
    output: Value,
    context: Map<String, Value>,
}

/// Ids that overlap, and one that looks like a subtraction.
const STAGES: &[&str] = &["a", "a-b", "health-check"];

impl Default for Fixed {
    fn default() -> Self {
        let input = json!({
            "a": [1, {"b": "é統"}, null, true], "n": -7, "f": 1.5, "big": u64::MAX, "text": "one two, three",
            "list": [3, 1, 2], "nested": {"items": {"k": "v"}, "empty": {}}, "quote": "it's \"$(x)\" `y` \\ \n end",
        });
        let output = json!({"status_code": 200, "body": {"id": "x-1", "rows": [[1, 2], [3, 4]]}});
        Self { input, output, context: Map::from_iter([("run_id".to_owned(), json!("r-1"))]) }
    }
}

impl Scope for Fixed {
    fn input(&self) -> &Value {
        &self.input
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        let known = STAGES.contains(&id);
        known.then_some(StageView { status: StageStatus::Succeeded, output: &self.output, error: None })
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        STAGES.iter().rev().find(|id| text.starts_with(**id)).copied()
    }

    fn env(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "HOME").then_some(Cow::Borrowed("/home/x"))
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "TOKEN").then_some(Cow::Borrowed("hunter2"))
    }

    fn context(&self) -> &Map<String, Value> {
        &self.context
    }

    fn variables(&self) -> &Map<String, Value> {
        &self.context
    }

    fn local(&self, name: &str) -> Option<&Value> {
        if name == "item" { Some(&self.input["a"]) } else { None }
    }

    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }

    fn uuid(&self, n: u32) -> String {
        format!("uuid-{n}")
    }

    fn strict(&self) -> bool {
        false
    }
}
