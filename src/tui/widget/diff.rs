//! What differs between two texts or two values, as lines with a sign: never by colour alone.
//!
//! Bounded: texts so large and so different that comparing them would take long are shown as replaced.

use serde_json::Value;

use super::paint::{Paint, Row};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// How a line differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Same,
    Removed,
    Added,
    /// Lines left out, or a heading.
    Gap,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub mark: Mark,
    pub text: String,
}

/// Lines of context around a change.
const CONTEXT: usize = 2;
/// Comparisons of lines at most.
const EFFORT: usize = 4_000_000;
/// Leaves of a value that are looked at.
const MOST_LEAVES: usize = 5_000;

impl Line {
    fn new(mark: Mark, text: impl Into<String>) -> Self {
        Self { mark, text: text.into() }
    }

    /// A line that says what follows.
    pub fn heading(text: impl Into<String>) -> Self {
        Self::new(Mark::Gap, text)
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, line: u16) {
        let (sign, role) = match self.mark {
            Mark::Same => (" ", Role::Dim),
            Mark::Removed => ("-", Role::Failure),
            Mark::Added => ("+", Role::Success),
            Mark::Gap => ("", Role::Title),
        };
        let mut row: Row<'_, '_> = paint.row(area, line);
        if self.mark != Mark::Gap {
            row.role(sign, role).gap(1);
        }
        row.role(&self.text, role);
    }
}

/// The changes between two texts, line by line, each with some lines around it; nothing when they are the same.
pub fn texts(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    let middle = between(&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if middle.is_empty() {
        return Vec::new();
    }
    let same = |lines: &[&str]| lines.iter().map(|line| Line::new(Mark::Same, *line)).collect::<Vec<_>>();
    let whole: Vec<Line> = same(&old[..head]).into_iter().chain(middle).chain(same(&old[old.len() - tail..])).collect();
    near_changes(&whole)
}

/// The lines of the longest common part, with what is only in one of them. Quadratic, within limits.
fn between(old: &[&str], new: &[&str]) -> Vec<Line> {
    let all = |lines: &[&str], mark: Mark| lines.iter().map(|line| Line::new(mark, *line)).collect::<Vec<_>>();
    if old.len().saturating_mul(new.len()) > EFFORT {
        return all(old, Mark::Removed).into_iter().chain(all(new, Mark::Added)).collect();
    }
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            lines.push(Line::new(Mark::Same, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            lines.push(Line::new(Mark::Removed, old[i]));
            i += 1;
        } else {
            lines.push(Line::new(Mark::Added, new[j]));
            j += 1;
        }
    }
    lines.extend(all(&old[i..], Mark::Removed));
    lines.extend(all(&new[j..], Mark::Added));
    lines
}

fn near_changes(whole: &[Line]) -> Vec<Line> {
    let changes: Vec<usize> = (0..whole.len()).filter(|at| whole[*at].mark != Mark::Same).collect();
    let near = |at: usize| {
        let next = changes.partition_point(|change| *change < at);
        let ahead = changes.get(next).is_some_and(|change| change - at <= CONTEXT);
        ahead || next.checked_sub(1).is_some_and(|before| at - changes[before] <= CONTEXT)
    };
    let mut lines: Vec<Line> = Vec::new();
    let mut skipped = 0;
    for (at, line) in whole.iter().enumerate() {
        if !near(at) {
            skipped += 1;
            continue;
        }
        if std::mem::take(&mut skipped) > 0 {
            lines.push(Line::heading(format!("  line {}", at + 1)));
        }
        lines.push(line.clone());
    }
    lines
}

/// The leaves of two values that differ, as `path: value` lines.
pub fn values(old: &Value, new: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    for Pair { path, left, right } in pairs(old, new) {
        if left == right {
            continue;
        }
        let line = |mark: Mark, value: String| Line::new(mark, format!("{path}: {value}"));
        lines.extend(left.map(|value| line(Mark::Removed, value)));
        lines.extend(right.map(|value| line(Mark::Added, value)));
    }
    lines
}

/// One leaf of two values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub path: String,
    pub left: Option<String>,
    pub right: Option<String>,
}

/// The leaves of both values, in the order of the first and then of what only the second has.
pub fn pairs(left: &Value, right: &Value) -> Vec<Pair> {
    let (left, right) = (leaves(left), leaves(right));
    let mut others: indexmap::IndexMap<&str, &str> = right.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
    let mut pairs = Vec::new();
    for (path, value) in &left {
        let right = others.shift_remove(path.as_str()).map(str::to_owned);
        pairs.push(Pair { path: path.clone(), left: Some(value.clone()), right });
    }
    let only = others.into_iter();
    pairs.extend(only.map(|(path, value)| Pair { path: path.to_owned(), left: None, right: Some(value.to_owned()) }));
    pairs
}

fn leaves(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, path: String, found: &mut Vec<(String, String)>) {
    if found.len() >= MOST_LEAVES {
        return;
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, child) in map {
                collect(child, if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, child) in items.iter().enumerate() {
                collect(child, format!("{path}[{at}]"), found);
            }
        }
        // Nothing at all is no leaf.
        Value::Null | Value::Object(_) | Value::Array(_) if path.is_empty() => {}
        leaf => found.push((path, leaf.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};
    use serde_json::json;

    use super::{Mark, between, texts, values};

    fn shown(lines: &[super::Line]) -> Vec<String> {
        let sign = |mark| match mark {
            Mark::Same => ' ',
            Mark::Removed => '-',
            Mark::Added => '+',
            Mark::Gap => '@',
        };
        lines.iter().map(|line| format!("{}{}", sign(line.mark), line.text)).collect()
    }

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng";
        let new = "a\nb\nc\nd\nE\nf\ng";
        assert_eq!(shown(&texts(old, new)), ["@  line 3", " c", " d", "-e", "+E", " f", " g"]);
        assert!(texts(old, old).is_empty());
    }

    #[test]
    fn values_differ_by_leaf() {
        let old = json!({"version": "1", "targets": [{"host": "a"}], "gone": true});
        let new = json!({"version": "2", "targets": [{"host": "a"}, {"host": "b"}]});
        let lines = values(&old, &new);
        assert_eq!(shown(&lines), ["-version: \"1\"", "+version: \"2\"", "-gone: true", "+targets[1].host: \"b\""]);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_from_their_difference(old in prop::collection::vec("[abc]", 0..12), new in prop::collection::vec("[abc]", 0..12)) {
            let (old, new): (Vec<&str>, Vec<&str>) = (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
            let lines = between(&old, &new);
            let side = |mark: Mark| lines.iter().filter(|line| line.mark == Mark::Same || line.mark == mark).map(|line| line.text.as_str()).collect::<Vec<_>>();
            prop_assert_eq!(side(Mark::Removed), old);
            prop_assert_eq!(side(Mark::Added), new);
            prop_assert!(lines.iter().all(|line| line.mark != Mark::Gap));
        }
    }
}
