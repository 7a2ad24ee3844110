//! One count of `uuid()` for everything an attempt renders, however many times rendering starts.

use std::cell::Cell;

use serde_json::Value;

use super::forward::forward_scope;
use crate::language::scope::Scope;

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
    forward_scope!();

    fn local(&self, name: &str) -> Option<&Value> {
        self.inner.local(name)
    }

    /// The number is ours: an evaluation that starts anew must not repeat an id.
    fn uuid(&self, _: u32) -> String {
        self.inner.uuid(self.next.replace(self.next.get().wrapping_add(1)))
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
