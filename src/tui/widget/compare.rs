//! Two attempts of a stage side by side, or one above the other where there is no room; what differs has a sign.

use ratatui::layout::Rect;
use serde_json::Value;

use super::ansi::pieces;
use super::diff::{Pair, pairs};
use super::format;
use super::paint::Paint;
use crate::model::{Attempt, LogLine, Stage, Timestamp};
use crate::tui::glyph::stage_word;
use crate::tui::theme::Role;

/// From this width on they stand side by side.
const COLUMNS: u16 = 110;
/// Cells for the names of values.
const NAMES: u16 = 26;

/// One attempt to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    pub title: String,
    pub number: u32,
    config: Value,
    output: Value,
    error: Value,
    tail: Vec<String>,
}

/// A row of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    Heading(&'static str),
    Pair(Pair),
}

impl Side {
    /// An attempt as the run knows it, with the last lines of its log.
    pub fn new(stage: &Stage, attempt: &Attempt, tail: &[LogLine], now: Timestamp) -> Self {
        let is_last = stage.attempts.last().is_some_and(|last| last.number == attempt.number);
        let error = attempt.error.as_ref().or(stage.error.as_ref().filter(|_| is_last));
        let output = if is_last && attempt.output.is_null() { &stage.output } else { &attempt.output };
        let took = format::duration(attempt.finished_at.unwrap_or(now).since(attempt.started_at));
        Self {
            title: format!("attempt {}: {} {took}", attempt.number, stage_word(attempt.status)),
            number: attempt.number,
            config: attempt.config.clone(),
            output: output.clone(),
            error: error.map_or(Value::Null, |error| serde_json::to_value(error).unwrap_or_default()),
            tail: tail.iter().map(|line| plain(&line.text)).collect(),
        }
    }
}

/// A line without its colours.
fn plain(text: &str) -> String {
    pieces(text).into_iter().map(|piece| &text[piece.range]).collect()
}

/// Everything of both, in sections; a section that neither has is left out.
pub fn rows(left: &Side, right: &Side) -> Vec<Row> {
    let sections = [
        ("config", pairs(&left.config, &right.config)),
        ("output", pairs(&left.output, &right.output)),
        ("error", pairs(&left.error, &right.error)),
        ("end of the log", tails(&left.tail, &right.tail)),
    ];
    let filled = sections.into_iter().filter(|(_, pairs)| !pairs.is_empty());
    filled.flat_map(|(name, pairs)| std::iter::once(Row::Heading(name)).chain(pairs.into_iter().map(Row::Pair))).collect()
}

/// The last lines beside each other, the very last ones on one row.
fn tails(left: &[String], right: &[String]) -> Vec<Pair> {
    let count = left.len().max(right.len());
    let at = |lines: &[String], row: usize| (row + lines.len()).checked_sub(count).and_then(|at| lines.get(at)).cloned();
    (0..count).map(|row| Pair { path: String::new(), left: at(left, row), right: at(right, row) }).collect()
}

/// Paints the rows from `top` on; gives how many fitted.
pub fn draw(paint: &mut Paint<'_>, area: Rect, sides: (&Side, &Side), rows: &[Row], top: usize, cursor: Option<usize>) {
    let wide = area.width >= COLUMNS;
    let mut line = 0;
    if wide {
        let (names, column) = columns(area);
        let title = paint.style(Role::Title);
        paint.row(area, 0).gap(names).column(column, &sides.0.title, title).gap(2).column(column, &sides.1.title, title);
        line = 1;
    } else {
        for side in [sides.0, sides.1] {
            paint.row(area, line).role(&format!("{} ", side.number), Role::Accent).role(&side.title, Role::Title);
            line += 1;
        }
    }
    for (at, row) in rows.iter().enumerate().skip(top) {
        if line >= area.height {
            return;
        }
        let first = line;
        line += match row {
            Row::Heading(name) => {
                paint.row(area, line).role(name, Role::Accent);
                1
            }
            Row::Pair(pair) if wide => draw_beside(paint, area, line, pair),
            Row::Pair(pair) => draw_above(paint, area, line, pair, sides),
        };
        if cursor == Some(at) {
            let style = paint.style(Role::Selection);
            paint.shade(Rect { y: area.y + first, height: (line - first).min(area.height - first), ..area }, style);
        }
    }
}

/// Width of the names with their sign, and of each of the two columns.
fn columns(area: Rect) -> (u16, u16) {
    (NAMES + 2, area.width.saturating_sub(NAMES + 4) / 2)
}

fn sign(paint: &Paint<'_>, pair: &Pair) -> (&'static str, Role) {
    if pair.left == pair.right { (" ", Role::Dim) } else { (paint.look.charset.differs(), Role::Warning) }
}

fn value(side: Option<&String>) -> (&str, bool) {
    side.map_or(("(none)", false), |text| (text.as_str(), true))
}

fn draw_beside(paint: &mut Paint<'_>, area: Rect, line: u16, pair: &Pair) -> u16 {
    let (_, column) = columns(area);
    let (sign, role) = sign(paint, pair);
    let (key, text, dim) = (paint.style(Role::JsonKey), paint.style(Role::Text), paint.style(Role::Dim));
    let mut row = paint.row(area, line);
    row.role(sign, role).gap(1).column(NAMES - 1, &pair.path, key).gap(1);
    for side in [&pair.left, &pair.right] {
        let (words, known) = value(side.as_ref());
        row.column(column, words, if known { text } else { dim }).gap(2);
    }
    1
}

fn draw_above(paint: &mut Paint<'_>, area: Rect, line: u16, pair: &Pair, sides: (&Side, &Side)) -> u16 {
    let (sign, role) = sign(paint, pair);
    if pair.left == pair.right {
        let (words, _) = value(pair.left.as_ref());
        paint.row(area, line).gap(4).role(&pair.path, Role::JsonKey).gap(1).role(words, Role::Text);
        return 1;
    }
    for (below, (side, number)) in (0..).zip([(&pair.left, sides.0.number), (&pair.right, sides.1.number)]) {
        let (words, known) = value(side.as_ref());
        let mut row = paint.row(area, line + below);
        row.role(sign, role).role(&number.to_string(), Role::Accent).gap(2).role(&pair.path, Role::JsonKey).gap(1);
        row.role(words, if known { Role::Text } else { Role::Dim });
    }
    2
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Row, Side, rows};

    fn side(number: u32, config: Value, tail: &[&str]) -> Side {
        let tail = tail.iter().map(|line| (*line).to_owned()).collect();
        Side { title: String::new(), number, config, output: Value::Null, error: json!({}), tail }
    }

    #[test]
    fn both_sides_are_listed_by_section_and_the_logs_end_on_one_row() {
        let rows = rows(&side(1, json!({"a": 1, "b": 2}), &["x", "end"]), &side(2, json!({"a": 1, "c": 3}), &["end"]));
        let shown: Vec<String> = rows
            .iter()
            .map(|row| match row {
                Row::Heading(name) => (*name).to_owned(),
                Row::Pair(pair) => format!("{} {:?} {:?}", pair.path, pair.left.as_deref(), pair.right.as_deref()),
            })
            .collect();
        let expected = [
            "config",
            "a Some(\"1\") Some(\"1\")",
            "b Some(\"2\") None",
            "c None Some(\"3\")",
            "end of the log",
            " Some(\"x\") None",
            " Some(\"end\") Some(\"end\")",
        ];
        assert_eq!(shown, expected);
    }
}
