//! A JSON value as a folding tree.

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use serde_json::Value;

use super::paint::Paint;
use crate::tui::theme::Role;

/// Where the tree is looked at: cursor, scroll and folds. The value itself is handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    cursor: usize,
    top: usize,
    folds: BTreeMap<String, bool>,
    all: Option<bool>,
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRow<'a> {
    depth: u16,
    /// A path such as `items[3].name`; empty for the value itself.
    pub path: String,
    key: Option<String>,
    pub value: &'a Value,
    open: Option<bool>,
}

/// Rows beyond this are not built; a tree of that size is not read row by row.
const MOST_ROWS: usize = 20_000;

impl Tree {
    /// The rows that are not folded away.
    pub fn rows<'a>(&self, value: &'a Value) -> Vec<TreeRow<'a>> {
        let mut rows = Vec::new();
        match value {
            Value::Object(_) | Value::Array(_) if has_children(value) => self.children(value, "", 0, &mut rows),
            _ => rows.push(TreeRow { depth: 0, path: String::new(), key: None, value, open: None }),
        }
        rows
    }

    fn children<'a>(&self, value: &'a Value, path: &str, depth: u16, rows: &mut Vec<TreeRow<'a>>) {
        match value {
            Value::Object(map) => {
                for (key, child) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.child(key.clone(), child, path, depth, rows);
                }
            }
            Value::Array(items) => {
                for (at, child) in items.iter().enumerate() {
                    self.child(format!("[{at}]"), child, format!("{path}[{at}]"), depth, rows);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn child<'a>(&self, key: String, value: &'a Value, path: String, depth: u16, rows: &mut Vec<TreeRow<'a>>) {
        if rows.len() >= MOST_ROWS {
            return;
        }
        let open = has_children(value).then(|| self.is_open(&path, depth));
        rows.push(TreeRow { depth, path: path.clone(), key: Some(key), value, open });
        if open == Some(true) && depth < 200 {
            self.children(value, &path, depth + 1, rows);
        }
    }

    fn is_open(&self, path: &str, depth: u16) -> bool {
        self.folds.get(path).copied().or(self.all).unwrap_or(depth < 2)
    }

    /// Moves the cursor; the scroll follows in `fit`.
    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by);
    }

    /// Folds or unfolds the row under the cursor.
    pub fn fold(&mut self, value: &Value) {
        let rows = self.rows(value);
        if let Some((path, Some(open))) = rows.get(self.cursor).map(|row| (row.path.clone(), row.open)) {
            self.folds.insert(path, !open);
        }
    }

    /// Folds everything, or unfolds everything when all is folded.
    pub fn fold_all(&mut self) {
        self.folds.clear();
        self.all = Some(self.all != Some(true));
        self.cursor = 0;
    }

    /// The row under the cursor.
    pub fn current<'a>(&self, value: &'a Value) -> Option<TreeRow<'a>> {
        self.rows(value).into_iter().nth(self.cursor)
    }

    /// Keeps cursor and scroll inside the value and the height.
    pub fn fit(&mut self, value: &Value, height: u16) {
        let (rows, height) = (self.rows(value).len(), usize::from(height.max(1)));
        self.cursor = self.cursor.min(rows.saturating_sub(1));
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(height)).min(rows.saturating_sub(1));
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, value: &Value, focused: bool) {
        let rows = self.rows(value);
        for (line, (at, row)) in (0..area.height).zip(rows.iter().enumerate().skip(self.top)) {
            draw_row(paint, area, line, row);
            if at == self.cursor && focused {
                let style = paint.style(Role::Selection);
                paint.shade(Rect { y: area.y + line, height: 1, ..area }, style);
            }
        }
    }
}

fn draw_row(paint: &mut Paint<'_>, area: Rect, line: u16, row: &TreeRow<'_>) {
    let charset = paint.look.charset;
    let mut out = paint.row(area, line);
    out.gap(row.depth.saturating_mul(2).min(area.width / 2));
    match row.open {
        Some(open) => out.role(charset.fold(open), Role::Dim),
        None => out.gap(1),
    };
    out.gap(1);
    if let Some(key) = &row.key {
        out.role(key, Role::JsonKey).gap(2);
    }
    let (text, role) = shown(row.value, row.open == Some(true));
    out.role(&text, role);
}

fn has_children(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A value in one line. Long strings are cut before they are copied: only what fits on a screen matters.
fn shown(value: &Value, open: bool) -> (String, Role) {
    match value {
        Value::String(text) => (text.chars().take(600).collect(), Role::JsonString),
        Value::Number(number) => (number.to_string(), Role::JsonNumber),
        Value::Bool(_) | Value::Null => (value.to_string(), Role::JsonWord),
        Value::Object(map) if map.is_empty() => ("{}".to_owned(), Role::Dim),
        Value::Array(items) if items.is_empty() => ("[]".to_owned(), Role::Dim),
        Value::Object(_) | Value::Array(_) if open => (String::new(), Role::Dim),
        Value::Object(map) => (super::format::plural(map.len(), "entry", "entries"), Role::Dim),
        Value::Array(items) => (super::format::plural(items.len(), "item", "items"), Role::Dim),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Tree;

    #[test]
    fn folding_hides_what_is_inside() {
        let value = json!({"a": {"b": [1, 2]}, "c": 3});
        let mut tree = Tree::default();
        let paths = |tree: &Tree| tree.rows(&value).into_iter().map(|row| row.path).collect::<Vec<_>>();
        assert_eq!(paths(&tree), ["a", "a.b", "a.b[0]", "a.b[1]", "c"]);
        tree.fold(&value);
        assert_eq!(paths(&tree), ["a", "c"]);
        tree.fold_all();
        assert_eq!(paths(&tree).len(), 5);
    }

    #[test]
    fn the_cursor_stays_inside() {
        let value = json!([1, 2, 3]);
        let mut tree = Tree::default();
        tree.step(100);
        tree.fit(&value, 2);
        assert_eq!(tree.current(&value).map(|row| row.path), Some("[2]".to_owned()));
        tree.fit(&json!(1), 2);
        assert_eq!(tree.current(&json!(1)).map(|row| row.path), Some(String::new()));
    }
}
