//! A scope with more names bound: `data`, `item`, `output`, and the fields of one of them.

use serde_json::{Map, Value};

use super::forward::forward_scope;
use crate::language::scope::Scope;

/// Roots that a data field of the same name must not hide.
const ROOTS: &[&str] = &["input", "upstream", "stages", "env", "secrets", "context", "variables"];

/// The names of `inner`, with `names` in front of its locals and the fields of `fields` after them.
pub(super) struct Locals<'a> {
    pub(super) inner: &'a dyn Scope,
    pub(super) names: &'a [(&'a str, &'a Value)],
    /// Read by their bare names when nothing else has the name.
    pub(super) fields: Option<&'a Map<String, Value>>,
}

impl Scope for Locals<'_> {
    forward_scope!();

    fn local(&self, name: &str) -> Option<&Value> {
        let own = self.names.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
        own.or_else(|| self.inner.local(name)).or_else(|| self.fields?.get(name).filter(|_| !ROOTS.contains(&name)))
    }

    fn uuid(&self, n: u32) -> String {
        self.inner.uuid(n)
    }
}
