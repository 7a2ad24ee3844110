//! YAML text to nodes, from parser events: no recursion, bounded depth, bounded expansion of aliases.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

use super::limits::{DOCUMENT_DEPTH, YAML_BYTES, YAML_NODES};
use super::node::{Data, Entry, Node, repeated_key};
use super::problem::Problem;

/// Parses the one document in `text`; the first error ends it, repeated keys are all collected in `problems`.
pub fn parse<'t>(text: &'t str, problems: &mut Vec<Problem>) -> Option<Node<'t>> {
    let base = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[base..];
    let mut builder = Builder {
        places: Places::new(body, base),
        stack: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        nodes: 0,
        bytes: 0,
        problems,
    };
    match builder.read(Parser::new_from_str(body)) {
        Ok(()) => {}
        Err(problem) => {
            builder.problems.push(problem);
            return None;
        }
    }
    let root = builder.root.take();
    if root.is_none() {
        problems.push(Problem::error("syntax", 0..text.len().min(1), "the document is empty"));
    }
    root
}

/// Character indices to bytes: a mark every 128 characters, the rest is counted.
struct Places<'t> {
    text: &'t str,
    base: usize,
    marks: Vec<usize>,
}

const STRIDE: usize = 128;

impl<'t> Places<'t> {
    fn new(text: &'t str, base: usize) -> Self {
        let marks = if text.is_ascii() { Vec::new() } else { text.char_indices().step_by(STRIDE).map(|(at, _)| at).collect() };
        Self { text, base, marks }
    }

    fn byte(&self, marker: Marker) -> usize {
        let index = marker.index();
        if self.marks.is_empty() {
            return index.min(self.text.len()) + self.base;
        }
        let Some(&mark) = self.marks.get(index / STRIDE) else { return self.text.len() + self.base };
        let rest = &self.text[mark..];
        mark + rest.char_indices().nth(index % STRIDE).map_or(rest.len(), |(at, _)| at) + self.base
    }

    /// The character at a byte; the last one when that is the end.
    fn character(&self, at: usize) -> Range<usize> {
        let at = at - self.base;
        let last = self.text.char_indices().next_back().map_or(0, |(last, _)| last);
        let start = at.min(last);
        let wide = self.text[start..].chars().next().map_or(0, char::len_utf8);
        start + self.base..start + self.base + wide
    }

    /// The bytes of a span, without the blanks that parsers add behind a value.
    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start);
        let end = self.byte(span.end).max(start);
        let text = &self.text[start - self.base..end - self.base];
        start..start + text.trim_end().len()
    }
}

struct Frame<'t> {
    start: usize,
    anchor: usize,
    kind: FrameKind<'t>,
}

enum FrameKind<'t> {
    List(Vec<Node<'t>>),
    Map { entries: Vec<Entry<'t>>, key: Option<(Cow<'t, str>, Range<usize>)> },
}

struct Builder<'t, 'p> {
    places: Places<'t>,
    stack: Vec<Frame<'t>>,
    root: Option<Node<'t>>,
    /// Finished values by anchor, with their number of nodes, bytes and depth.
    anchors: HashMap<usize, (Node<'t>, Weight)>,
    /// What anchors and aliases have added to the text itself.
    nodes: usize,
    bytes: usize,
    problems: &'p mut Vec<Problem>,
}

#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

impl<'t> Builder<'t, '_> {
    fn read(&mut self, mut parser: Parser<'t, StrInput<'t>>) -> Result<(), Problem> {
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                let at = self.places.byte(*error.marker());
                Problem::error("syntax", self.places.character(at), error.info().to_owned())
            })?;
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                if documents == 2 {
                    let range = self.places.range(span);
                    return Err(Problem::error("syntax", range, "a pipeline file holds one document")
                        .helped("move what follows `---` into a file of its own"));
                }
            }
            self.event(event, span)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'t>, span: Span) -> Result<(), Problem> {
        let range = self.places.range(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let data = scalar(text, style, tag.as_ref(), &range)?;
                self.add(Node::new(range, data), anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(range, anchor, FrameKind::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.open(range, anchor, FrameKind::Map { entries: Vec::new(), key: None }),
            Event::SequenceEnd | Event::MappingEnd => self.close(&range),
            Event::Alias(anchor) => self.alias(anchor, range),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, range: &Range<usize>, nodes: usize, bytes: usize) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.nodes > YAML_NODES || self.bytes > YAML_BYTES {
            return Err(Problem::error("too-large", range.clone(), "the document is too large once its aliases are expanded"));
        }
        Ok(())
    }

    fn open(&mut self, range: Range<usize>, anchor: usize, kind: FrameKind<'t>) -> Result<(), Problem> {
        self.check_depth(&range, 1)?;
        self.stack.push(Frame { start: range.start, anchor, kind });
        Ok(())
    }

    fn check_depth(&self, range: &Range<usize>, more: usize) -> Result<(), Problem> {
        if self.stack.len() + more > DOCUMENT_DEPTH {
            return Err(Problem::error("too-deep", range.clone(), format!("nested deeper than {DOCUMENT_DEPTH} levels")));
        }
        Ok(())
    }

    fn close(&mut self, range: &Range<usize>) -> Result<(), Problem> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let data = match frame.kind {
            FrameKind::List(items) => Data::List(items),
            FrameKind::Map { entries, .. } => {
                if let Some(at) = repeated_key(&entries) {
                    let entry = &entries[at];
                    let message = format!("the key `{}` appears twice", entry.key);
                    self.problems.push(Problem::error("duplicate-key", entry.key_span.clone(), message));
                }
                Data::Map(merged(entries))
            }
        };
        let inner = match &data {
            Data::List(items) => items.last().map(|item| item.span.end),
            Data::Map(entries) => entries.last().map(|entry| entry.value.span.end),
            _ => None,
        };
        // The end mark of a block collection lies at the next token, possibly lines below.
        let end = if range.is_empty() { inner.unwrap_or(range.end) } else { range.end };
        self.add(Node::new(frame.start..end.max(frame.start), data), frame.anchor)
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), Problem> {
        let Some((node, weight)) = self.anchors.get(&anchor) else {
            return Err(Problem::error("syntax", range, "an alias inside the value it names"));
        };
        let weight = *weight;
        if self.nodes + weight.nodes > YAML_NODES {
            return self.count(&range, weight.nodes, weight.bytes);
        }
        self.check_depth(&range, weight.depth)?;
        let mut node = node.clone();
        node.span = range.clone();
        self.count(&range, weight.nodes, weight.bytes)?;
        self.add(node, 0)
    }

    fn add(&mut self, node: Node<'t>, anchor: usize) -> Result<(), Problem> {
        if anchor != 0 {
            let weight = weigh(&node);
            // The kept copy counts as well, so that many large anchors cost what they are.
            self.count(&node.span, weight.nodes, weight.bytes)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        match self.stack.last_mut().map(|frame| &mut frame.kind) {
            None => self.root = Some(node),
            Some(FrameKind::List(items)) => items.push(node),
            Some(FrameKind::Map { entries, key }) => match key.take() {
                Some((name, key_span)) => entries.push(Entry { key: name, key_span, value: node }),
                None => *key = Some((key_text(&node)?, node.span)),
            },
        }
        Ok(())
    }
}

fn weigh(node: &Node<'_>) -> Weight {
    let mut weight = Weight { nodes: 1, bytes: 0, depth: 0 };
    let mut include = |child: &Node<'_>, key: usize| {
        let inner = weigh(child);
        weight.nodes += inner.nodes;
        weight.bytes += inner.bytes + key;
        weight.depth = weight.depth.max(inner.depth + 1);
    };
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| include(item, 0)),
        Data::Map(entries) => entries.iter().for_each(|entry| include(&entry.value, entry.key.len())),
        Data::Text(text) => weight.bytes = text.len(),
        Data::Null | Data::Bool(_) | Data::Number(_) => {}
    }
    weight
}

/// YAML 1.1 merge keys: `<<: *base` adds what the map does not have itself.
fn merged(entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    if !entries.iter().any(|entry| entry.key == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == "<<");
    let mut names: std::collections::HashSet<String> = own.iter().map(|entry| entry.key.to_string()).collect();
    for merge in merges {
        let sources = match merge.value.data {
            Data::List(items) => items,
            data => vec![Node::new(merge.value.span, data)],
        };
        for source in sources {
            if let Data::Map(entries) = source.data {
                own.extend(entries.into_iter().filter(|entry| names.insert(entry.key.to_string())));
            }
        }
    }
    own
}

fn key_text<'t>(node: &Node<'t>) -> Result<Cow<'t, str>, Problem> {
    match &node.data {
        Data::Text(text) => Ok(text.clone()),
        Data::Null => Ok("null".into()),
        Data::Bool(value) => Ok(value.to_string().into()),
        Data::Number(number) => Ok(number.to_string().into()),
        Data::List(_) | Data::Map(_) => Err(Problem::error("syntax", node.span.clone(), "a key must be a plain text")
            .helped("a value that begins with `{{` needs quotes: \"{{ input.x }}\"")),
    }
}

fn scalar<'t>(
    text: Cow<'t, str>,
    style: ScalarStyle,
    tag: Option<&Cow<'t, Tag>>,
    span: &Range<usize>,
) -> Result<Data<'t>, Problem> {
    if style == ScalarStyle::Plain
        && tag.is_none()
        && let Ok(large) = text.parse::<u64>()
    {
        return Ok(Data::Number(large.into()));
    }
    let bad = |message: &str| Problem::error("syntax", span.clone(), message.to_owned());
    match Scalar::parse_from_cow_and_metadata(text, style, tag) {
        Some(Scalar::Null) => Ok(Data::Null),
        Some(Scalar::Boolean(value)) => Ok(Data::Bool(value)),
        Some(Scalar::Integer(value)) => Ok(Data::Number(value.into())),
        Some(Scalar::FloatingPoint(value)) => {
            let number = serde_json::Number::from_f64(value.into_inner());
            number.map(Data::Number).ok_or_else(|| bad("numbers are finite here; quote it if it is text"))
        }
        Some(Scalar::String(text)) => Ok(Data::Text(text)),
        None => Err(bad("this value does not fit its tag")),
    }
}
