//! A JSON value as a folding tree.

use std::collections::BTreeMap;

use ratatui::layout::Rect;
use regex::Regex;
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

/// Where a search goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    First,
    Next,
    Previous,
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

    /// Goes to the next match (`Step::First` begins at the cursor itself), round the end, and unfolds what hides it. Gives
    /// its number and how many there are; `None` when there is none.
    pub fn find(&mut self, value: &Value, pattern: &Regex, step: Step) -> Option<(usize, usize)> {
        let everything = Self { all: Some(true), ..Self::default() };
        let rows = everything.rows(value);
        let here = self.current(value).and_then(|current| rows.iter().position(|row| row.path == current.path)).unwrap_or(0);
        let hits: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].matches(pattern)).collect();
        let number = match step {
            Step::First => hits.iter().position(|at| *at >= here).unwrap_or(0),
            Step::Next => hits.iter().position(|at| *at > here).unwrap_or(0),
            Step::Previous => hits.iter().rposition(|at| *at < here).unwrap_or(hits.len().saturating_sub(1)),
        };
        let hit = *hits.get(number)?;
        let mut depth = rows[hit].depth;
        for row in rows[..hit].iter().rev() {
            if row.depth < depth {
                depth = row.depth;
                self.folds.insert(row.path.clone(), true);
            }
        }
        let path = rows[hit].path.clone();
        self.cursor = self.rows(value).iter().position(|row| row.path == path).unwrap_or(self.cursor);
        Some((number + 1, hits.len()))
    }

    /// Keeps cursor and scroll inside the value and the height.
    pub fn fit(&mut self, value: &Value, height: u16) {
        let (rows, height) = (self.rows(value).len(), usize::from(height.max(1)));
        self.cursor = self.cursor.min(rows.saturating_sub(1));
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(height)).min(rows.saturating_sub(1));
    }

    /// Paints the rows in view; those that match a search stand out.
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, value: &Value, focused: bool, pattern: Option<&Regex>) {
        let rows = self.rows(value);
        for (line, (at, row)) in (0..area.height).zip(rows.iter().enumerate().skip(self.top)) {
            draw_row(paint, area, line, row, pattern.is_some_and(|pattern| row.matches(pattern)));
            if at == self.cursor && focused {
                paint.select(Rect { y: area.y + line, height: 1, ..area });
            }
        }
    }
}

impl TreeRow<'_> {
    /// The key or the value itself matches; what is inside has rows of its own.
    fn matches(&self, pattern: &Regex) -> bool {
        let inside = has_children(self.value);
        self.key.as_ref().is_some_and(|key| pattern.is_match(key)) || !inside && pattern.is_match(&shown(self.value, false).0)
    }
}

fn draw_row(paint: &mut Paint<'_>, area: Rect, line: u16, row: &TreeRow<'_>, hit: bool) {
    let charset = paint.look.charset;
    let mut out = paint.row(area, line);
    out.gap(row.depth.saturating_mul(2).min(area.width / 2));
    match row.open {
        Some(open) => out.role(charset.fold(open), Role::Dim),
        None => out.gap(1),
    };
    out.gap(1);
    if let Some(key) = &row.key {
        out.role(key, if hit { Role::Match } else { Role::JsonKey }).gap(2);
    }
    let (text, role) = shown(row.value, row.open == Some(true));
    out.role(&text, if hit { Role::Match } else { role });
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
    use regex::Regex;
    use serde_json::json;

    use super::{Step, Tree};

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
    fn a_search_unfolds_what_hides_a_match_and_goes_round() {
        let value = json!({"a": {"b": {"c": {"deep": "needle"}}}, "d": "none", "e": {"needle": 1}});
        let mut tree = Tree::default();
        tree.fold(&value);
        let pattern = Regex::new("needle").unwrap();
        let mut found = |step| {
            let place = tree.find(&value, &pattern, step);
            (place, tree.current(&value).map(|row| row.path).unwrap_or_default())
        };
        assert_eq!(found(Step::First), (Some((1, 2)), "a.b.c.deep".to_owned()));
        assert_eq!(found(Step::Next), (Some((2, 2)), "e.needle".to_owned()));
        assert_eq!(found(Step::Next), (Some((1, 2)), "a.b.c.deep".to_owned()));
        assert_eq!(found(Step::Previous), (Some((2, 2)), "e.needle".to_owned()));
        assert_eq!(tree.find(&value, &Regex::new("nothing").unwrap(), Step::Next), None);
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
