//! What is fuzzed: functions from bytes that panic when a promise is broken.
//!
//! `cargo test --test fuzz` drives each of them with kept inputs and bounded mutations of these, cargo-fuzz without end.
//! Owns the promises and the words near each grammar. Must not know who makes the inputs.

mod answers;
mod documents;
mod expressions;
mod logs;
mod scope;
mod scripts;
mod wire;

use flowdeck::language::limits::{BYTES, YAML_BYTES, YAML_NODES};

/// One function that takes text from outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Also the name of its folder of kept inputs and of its cargo-fuzz binary.
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Tokens of its grammar.
    pub words: &'static [&'static str],
    /// Most bytes it may hold at once for an input of a few kilobytes.
    pub memory: usize,
}

/// Results held to be compared, and what a vector that doubles holds beside what it needs.
const COPIES: usize = 4;
/// Evaluation is accounted for, to its limit.
const RENDERED: usize = COPIES * BYTES as usize;
/// Aliases may blow a document up to its limits; a node takes less than this.
const NODE: usize = 256;
const DOCUMENT: usize = COPIES * (YAML_BYTES + YAML_NODES * NODE);
/// Everything else is linear in its input.
const LINEAR: usize = 16 * 1024 * 1024;

pub const TARGETS: &[Target] = &[
    Target { name: "expression", run: expressions::expression, words: expressions::WORDS, memory: RENDERED },
    Target { name: "condition", run: expressions::condition, words: expressions::WORDS, memory: RENDERED },
    Target { name: "template", run: expressions::template, words: expressions::WORDS, memory: RENDERED },
    Target { name: "json", run: documents::json, words: documents::WORDS, memory: LINEAR },
    Target { name: "yaml", run: documents::yaml, words: documents::WORDS, memory: DOCUMENT },
    Target { name: "workspace", run: documents::workspace, words: documents::TOML, memory: LINEAR },
    Target { name: "inputs", run: documents::inputs, words: documents::SCHEMA, memory: LINEAR },
    Target { name: "script", run: scripts::script, words: scripts::WORDS, memory: LINEAR },
    Target { name: "log", run: logs::line, words: logs::WORDS, memory: LINEAR },
    Target { name: "events", run: wire::events, words: wire::WORDS, memory: LINEAR },
    Target { name: "runner", run: wire::runner, words: wire::WORDS, memory: LINEAR },
    Target { name: "fence", run: answers::fence, words: answers::WORDS, memory: LINEAR },
];

/// Asserts that a place lies in a text and can be pointed at.
fn assert_place(text: &str, span: &std::ops::Range<usize>, what: &dyn std::fmt::Debug) {
    assert!(span.start <= span.end, "{what:?}");
    assert!(text.get(span.clone()).is_some(), "outside the text or inside a character: {what:?}");
}
