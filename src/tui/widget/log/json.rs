//! Lines that are JSON objects as columns: time, level and message first, then the fields most of them have.

use serde_json::{Map, Value};

use super::line::{Ink, Line, Text};
use crate::tui::glyph::Charset;
use crate::tui::theme::Role;
use crate::tui::widget::text::width;

const TIME: &[&str] = &["time", "timestamp", "@timestamp", "ts", "t", "datetime"];
const LEVEL: &[&str] = &["level", "lvl", "severity", "log.level", "loglevel"];
const MESSAGE: &[&str] = &["msg", "message", "event", "text"];
/// Cells of one column at most.
const WIDEST: u16 = 40;
const WIDEST_MESSAGE: u16 = 60;
/// Fields that get a column of their own besides the first three.
const MOST_FIELDS: usize = 4;

type Object = Map<String, Value>;

/// Shows the lines that are objects as columns, aligned with each other. The others stay as they are.
pub(super) fn align<'l>(lines: impl Iterator<Item = &'l mut Line>, charset: Charset) {
    let mut rows: Vec<(&mut Line, Object)> = lines.filter_map(|line| object(&line.raw).map(|object| (line, object))).collect();
    let objects: Vec<&Object> = rows.iter().map(|(_, object)| object).collect();
    let columns = Columns::of(&objects, charset);
    for (line, object) in &mut rows {
        line.show(columns.text(object, charset));
    }
}

fn object(raw: &str) -> Option<Object> {
    raw.trim_start().starts_with('{').then(|| serde_json::from_str(raw).ok()).flatten()
}

/// The columns and how wide each is.
struct Columns(Vec<(String, Kind, u16)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Level,
    Message,
    Other,
}

impl Columns {
    fn of(objects: &[&Object], charset: Charset) -> Self {
        let has = |key: &str| objects.iter().filter(|object| object.contains_key(key)).count();
        let best =
            |names: &[&str]| names.iter().copied().filter(|name| has(name) > 0).max_by_key(|name| has(name)).map(str::to_owned);
        let mut columns: Vec<(String, Kind, u16)> = Vec::new();
        for (names, kind) in [(TIME, Kind::Time), (LEVEL, Kind::Level), (MESSAGE, Kind::Message)] {
            columns.extend(best(names).map(|name| (name, kind, 0)));
        }
        let common = |key: &&String| has(key) * 2 > objects.len() && !columns.iter().any(|(name, ..)| name == *key);
        let others: Vec<String> = objects.iter().flat_map(|object| object.keys()).fold(Vec::new(), |mut seen, key| {
            if seen.len() < MOST_FIELDS && !seen.contains(key) && common(&key) {
                seen.push(key.clone());
            }
            seen
        });
        columns.extend(others.into_iter().map(|name| (name, Kind::Other, 0)));
        for (name, kind, wide) in &mut columns {
            let most = if *kind == Kind::Message { WIDEST_MESSAGE } else { WIDEST };
            let cells = objects
                .iter()
                .filter_map(|object| object.get(name))
                .map(|value| width(&shown(value), charset) + label(*kind, name));
            *wide = cells.max().unwrap_or(0).min(most);
        }
        Self(columns)
    }

    fn text(&self, object: &Object, charset: Charset) -> Text {
        let mut text = Text::default();
        let plain = Ink::Role(Role::Text);
        for (name, kind, wide) in &self.0 {
            let value = object.get(name).map(shown).unwrap_or_default();
            let ink = match kind {
                Kind::Time => Ink::Role(Role::Dim),
                Kind::Level => Ink::Role(level(&value)),
                Kind::Message => plain,
                Kind::Other => Ink::Role(Role::JsonString),
            };
            let mut used = width(&value, charset);
            if *kind == Kind::Other && object.contains_key(name) {
                text.push(&format!("{name}="), Ink::Role(Role::JsonKey));
                used += label(*kind, name);
            }
            text.push(&value, ink);
            text.push(&" ".repeat(usize::from(wide.saturating_sub(used)) + 1), plain);
        }
        for (name, value) in object.iter().filter(|(name, _)| !self.0.iter().any(|(column, ..)| column == *name)) {
            text.push(&format!("{name}="), Ink::Role(Role::JsonKey));
            text.push(&shown(value), Ink::Role(Role::JsonString));
            text.push(" ", plain);
        }
        text.finished()
    }
}

/// Cells that the name of a field takes before its value.
fn label(kind: Kind, name: &str) -> u16 {
    if kind == Kind::Other { u16::try_from(name.chars().count() + 1).unwrap_or(u16::MAX) } else { 0 }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a level means, by its name or by the numbers of bunyan and pino.
fn level(value: &str) -> Role {
    match value.to_ascii_lowercase().as_str() {
        "fatal" | "panic" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "error" | "err" | "e" | "60" | "50" => {
            Role::Failure
        }
        "warning" | "warn" | "w" | "40" => Role::Warning,
        "info" | "notice" | "i" | "30" => Role::Success,
        "debug" | "trace" | "verbose" | "d" | "20" | "10" => Role::Dim,
        _ => Role::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::{align, level};
    use crate::model::{Stream, Timestamp, ViewLine};
    use crate::tui::glyph::Charset;
    use crate::tui::theme::Role;
    use crate::tui::widget::log::line::Line;

    fn shown(raw: &[&str]) -> Vec<String> {
        let line = |(number, text): (u64, &&str)| {
            let text = (*text).to_owned();
            Line::new(ViewLine { number, of: None, at: Timestamp(0), stream: Stream::Stdout, text, cut: 0, partial: false })
        };
        let mut lines: Vec<Line> = (0..).zip(raw).map(line).collect();
        align(lines.iter_mut(), Charset::Unicode);
        lines.into_iter().map(|line| line.shown.text.trim_end().to_owned()).collect()
    }

    #[test]
    fn fields_stand_in_columns_and_other_lines_stay_as_they_are() {
        let lines = shown(&[
            r#"{"level":"info","ts":"10:00:01","msg":"started","port":80}"#,
            "not json",
            r#"{"msg":"größe 日本","ts":"10:00:02","level":"warning","port":8080,"peer":{"ip":"::1"}}"#,
            r#"{"broken": "#,
            "[1,2]",
        ]);
        assert_eq!(
            lines,
            [
                "10:00:01 info    started    port=80",
                "not json",
                r#"10:00:02 warning größe 日本 port=8080 peer={"ip":"::1"}"#,
                r#"{"broken":"#,
                "[1,2]",
            ]
        );
    }

    #[test]
    fn a_level_has_the_colour_of_what_it_means() {
        assert_eq!(
            ["ERROR", "Warn", "info", "30", "20", "odd"].map(level),
            [Role::Failure, Role::Warning, Role::Success, Role::Success, Role::Dim, Role::Text]
        );
    }
}
