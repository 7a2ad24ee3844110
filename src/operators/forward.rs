//! What every scope around another scope passes on unchanged.

/// The members of `Scope` that go straight to `self.inner`; the others are the wrapper's own.
macro_rules! forward_scope {
    () => {
        fn input(&self) -> &serde_json::Value {
            self.inner.input()
        }

        fn stage(&self, id: &str) -> Option<crate::language::scope::StageView<'_>> {
            self.inner.stage(id)
        }

        fn longest_stage_id(&self, text: &str) -> Option<&str> {
            self.inner.longest_stage_id(text)
        }

        fn env(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
            self.inner.env(name)
        }

        fn secret(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
            self.inner.secret(name)
        }

        fn context(&self) -> &serde_json::Map<String, serde_json::Value> {
            self.inner.context()
        }

        fn variables(&self) -> &serde_json::Map<String, serde_json::Value> {
            self.inner.variables()
        }

        fn now(&self) -> crate::model::Timestamp {
            self.inner.now()
        }

        fn strict(&self) -> bool {
            self.inner.strict()
        }
    };
}
pub(super) use forward_scope;
