//! One count of `uuid()` for everything an attempt renders, however many times rendering starts.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Map, Value};

use crate::language::scope::{Scope, StageView};
use crate::model::Timestamp;

pub(super) struct Counted<'a> {
    inner: &'a dyn Scope,
    next: Cell<u32>,
}

impl<'a> Counted<'a> {
    pub(super) fn new(inner: &'a dyn Scope) -> Self {
        Self { inner, next: Cell::new(0) }
    }
}

impl Scope for Counted<'_> {
    fn input(&self) -> &Value {
        self.inner.input()
    }

    fn stage(&self, id: &str) -> Option<StageView<'_>> {
        self.inner.stage(id)
    }

    fn longest_stage_id(&self, text: &str) -> Option<&str> {
        self.inner.longest_stage_id(text)
    }

    fn env(&self, name: &str) -> Option<Cow<'_, str>> {
        self.inner.env(name)
    }

    fn secret(&self, name: &str) -> Option<Cow<'_, str>> {
        self.inner.secret(name)
    }

    fn context(&self) -> &Map<String, Value> {
        self.inner.context()
    }

    fn variables(&self) -> &Map<String, Value> {
        self.inner.variables()
    }

    fn local(&self, name: &str) -> Option<&Value> {
        self.inner.local(name)
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// The number is ours: an evaluation that starts anew must not repeat an id.
    fn uuid(&self, _: u32) -> String {
        self.inner.uuid(self.next.replace(self.next.get().wrapping_add(1)))
    }

    fn strict(&self) -> bool {
        self.inner.strict()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::Stage;
    use crate::language::Component;

    #[test]
    fn no_two_ids_of_an_attempt_are_the_same() {
        let config = json!({"data": "{{uuid()}}", "template": {"a": "{{data}}", "b": "{{uuid()}}", "c": "{{uuid()}}"}});
        let output = Stage::new(Component::JsonTransform, config).done().outcome.output;
        assert_eq!(output, json!({"a": "uuid-0", "b": "uuid-1", "c": "uuid-2"}));
    }
}
