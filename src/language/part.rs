//! A stage's config as a piece of its document that is edited by itself, the rest staying as it was written.
//!
//! Owns the way there and back: the bytes, and the indentation that the piece has only because of where it stands.

use std::ops::Range;

use super::format::Format;
use super::load::parse;
use super::node::{Data, Node};
use super::problem::floor;

/// Where the piece stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    span: Range<usize>,
    /// Blanks before every line of it but the first.
    indent: usize,
    /// The whole stage, because its config is not written where it stands.
    pub is_stage: bool,
}

impl Part {
    /// The config of a stage; the stage itself where it has no config of its own. `None` when there is no such stage.
    pub fn of_config(text: &str, format: Format, stage: &str) -> Option<Self> {
        let root = parse(text, format, &mut Vec::new())?;
        let Data::List(stages) = &root.get("stages")?.value.data else { return None };
        let is_it = |node: &&Node<'_>| node.get("id").is_some_and(|id| text_of(&id.value).as_deref() == Some(stage));
        let node = stages.iter().find(is_it)?;
        let inside = |span: &Range<usize>| node.span.start < span.start && span.end <= node.span.end;
        let own = |config: &Node<'_>| matches!(config.data, Data::Map(_)) && inside(&config.span);
        let config = node.get("config").map(|entry| &entry.value).filter(|config| own(config));
        let span = config.unwrap_or(node).span.clone();
        let span = span.start..span.start + text.get(span.clone())?.trim_end().len();
        Some(Self { indent: indent(text, &span), span, is_stage: config.is_none() })
    }

    /// The piece, without the indentation of its place.
    pub fn cut(&self, document: &str) -> String {
        let piece = document.get(self.span.clone()).unwrap_or_default();
        let shift = |line: &str| line[blanks(line).min(self.indent)..].to_owned();
        let lines = piece.split('\n').enumerate();
        lines.map(|(at, line)| if at == 0 { line.to_owned() } else { shift(line) }).collect::<Vec<_>>().join("\n")
    }

    /// The document with another text in this place.
    pub fn put(&self, document: &str, piece: &str) -> String {
        format!("{}{}{}", &document[..self.span.start], self.set(piece), &document[self.span.end..])
    }

    /// A text as it stands in this place.
    fn set(&self, piece: &str) -> String {
        let indent = " ".repeat(self.indent);
        let set = |(at, line): (usize, &str)| {
            if at == 0 || line.trim().is_empty() { line.to_owned() } else { format!("{indent}{line}") }
        };
        piece.trim_end().split('\n').enumerate().map(set).collect::<Vec<_>>().join("\n")
    }

    /// Line and column inside the piece (from 1) of a byte of a document that `put` made; `None` when it is elsewhere.
    pub fn place(&self, document: &str, piece: &str, at: usize) -> Option<(usize, usize)> {
        let at = floor(document, at);
        if !(self.span.start..=self.span.start + self.set(piece).len()).contains(&at) {
            return None;
        }
        let before = &document[self.span.start..at];
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        Some((line + 1, if line == 0 { column } else { column.saturating_sub(self.indent) } + 1))
    }
}

fn text_of(node: &Node<'_>) -> Option<String> {
    match &node.data {
        Data::Text(text) => Some(text.to_string()),
        Data::Number(number) => Some(number.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        Data::Null | Data::List(_) | Data::Map(_) => None,
    }
}

fn blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A block begins every line where its first one begins; in brackets the least indented line says it.
fn indent(text: &str, span: &Range<usize>) -> usize {
    let piece = &text[span.clone()];
    let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    if !piece.starts_with(['{', '[']) {
        return span.start - line;
    }
    let least = piece.split('\n').skip(1).filter(|line| !line.trim().is_empty()).map(blanks).min();
    least.unwrap_or_else(|| blanks(&text[line..]))
}

#[cfg(test)]
mod tests {
    use super::Part;
    use crate::language::{Format, load};

    const YAML: &str = "# how we ship\nid: ship\nstages:\n  - id: build\n    type: shell\n    config:\n      # careful\n      run: |\n        make\n          deep\n\n        done\n      timeout_seconds: 5   # enough\n  - {id: flow, type: shell, config: {run: echo hi}}\n  - id: bare\n    type: logger\n    input_mapping: {message: hello}\n";

    fn part(text: &str, format: Format, stage: &str) -> Part {
        Part::of_config(text, format, stage).unwrap_or_else(|| panic!("no part for {stage}"))
    }

    #[test]
    fn a_block_is_edited_without_its_indentation_and_nothing_else_changes() {
        let build = part(YAML, Format::Yaml, "build");
        let piece = build.cut(YAML);
        assert_eq!(piece, "run: |\n  make\n    deep\n\n  done\ntimeout_seconds: 5");
        assert_eq!(build.put(YAML, &piece), YAML);
        let edited = build.put(YAML, &piece.replace("5", "7\nworking_dir: out"));
        assert_eq!(edited, YAML.replace("timeout_seconds: 5 ", "timeout_seconds: 7\n      working_dir: out "));
        assert!(load(&edited, Format::Yaml).pipeline.is_some());
    }

    #[test]
    fn flow_style_and_json_are_pieces_too() {
        let flow = part(YAML, Format::Yaml, "flow");
        assert_eq!(flow.cut(YAML), "{run: echo hi}");
        assert_eq!(flow.put(YAML, "{run: echo\n  there}").lines().nth(14), Some("    there}}"));
        let json = "{\n  \"id\": \"x\",\n  \"stages\": [\n    {\n      \"id\": \"a\", \"type\": \"shell\",\n      \"config\": {\n        \"run\": \"echo\"\n      }\n    }\n  ]\n}\n";
        let config = part(json, Format::Json, "a");
        assert_eq!(config.cut(json), "{\n  \"run\": \"echo\"\n}");
        assert_eq!(config.put(json, &config.cut(json)), json);
    }

    #[test]
    fn a_stage_without_a_config_is_edited_whole() {
        let bare = part(YAML, Format::Yaml, "bare");
        assert!(bare.is_stage);
        assert_eq!(bare.cut(YAML), "id: bare\ntype: logger\ninput_mapping: {message: hello}");
        let merged = "x-base: &base\n  config: {run: echo}\nid: m\nstages:\n  - id: a\n    type: shell\n    <<: *base\n";
        let whole = part(merged, Format::Yaml, "a");
        assert!(whole.is_stage, "a shared config is not this stage's own");
        assert_eq!(Part::of_config(YAML, Format::Yaml, "nobody"), None);
    }

    #[test]
    fn a_problem_is_placed_where_it_is_typed() {
        let build = part(YAML, Format::Yaml, "build");
        let piece = "run: echo\nretries:\n  often: maybe";
        let document = build.put(YAML, piece);
        let at = document.find("often").expect("there");
        assert_eq!(build.place(&document, piece, at), Some((3, 3)));
        assert_eq!(build.place(&document, piece, document.find("echo").expect("there")), Some((1, 6)));
        assert_eq!(build.place(&document, piece, 3), None);
        assert_eq!(build.place(&document, piece, document.find("flow").expect("there")), None);
    }
}
