//! Problems as a person reads them: place, source line, caret, help.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::problem::{Problem, Severity, floor};

/// Source bytes shown around the place when a line is longer than that (a minified document is one line).
const WINDOW: usize = 120;
/// Lines of one problem that are shown.
const LINES: usize = 3;

/// Renders `problems` one below the other, in the style of a compiler, ended by a newline; empty without problems.
pub fn report(problems: &[Problem], file: &str, text: &str, colour: bool) -> String {
    let starts: Vec<usize> = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for problem in problems {
        out.push_str(&renderer.render(&[group(problem, file, text, &starts)]));
        out.push_str("\n\n");
    }
    out.pop();
    out
}

fn group<'a>(problem: &'a Problem, file: &'a str, text: &'a str, starts: &[usize]) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let start = floor(text, problem.span.start);
    let line = starts.partition_point(|begin| *begin <= start).saturating_sub(1);
    let column = text[starts[line]..start].chars().count();
    let shown = window(text, starts, line, start, problem.span.end);
    let inner = start - shown.start..floor(text, problem.span.end.clamp(start, shown.end)) - shown.start;
    let cut = shown.start != starts[line];
    let snippet = Snippet::source(&text[shown])
        .line_start(line + 1)
        .path((!cut).then_some(file))
        .annotation(AnnotationKind::Primary.span(inner).label(problem.label.as_deref()));
    let title = level.primary_title(problem.message.as_str()).id(problem.code);
    // A snippet that begins inside its line would count the column from there.
    let origin = Origin::path(file).line(line + 1).char_column(column + 1);
    let group = if cut { title.element(origin).element(snippet) } else { title.element(snippet) };
    match &problem.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The bytes to show: the lines of the problem (three at most), or a window when the first line is long.
fn window(text: &str, starts: &[usize], line: usize, start: usize, end: usize) -> Range<usize> {
    let line_end = |line: usize| {
        let next = starts.get(line + 1).map_or(text.len(), |next| next - 1);
        if text[..next].ends_with('\r') { next - 1 } else { next }
    };
    let first = starts[line]..line_end(line).max(starts[line]);
    if first.len() > 3 * WINDOW {
        let from = floor(text, start.saturating_sub(WINDOW)).max(first.start);
        let to = floor(text, end.clamp(start, start + WINDOW) + WINDOW).min(first.end).max(start);
        return from..to;
    }
    let last = starts.partition_point(|begin| *begin < end).saturating_sub(1).clamp(line, line + LINES - 1);
    let stop = line_end(last);
    let end = if stop.saturating_sub(first.start) > 6 * WINDOW { first.end } else { stop.max(first.end) };
    // A place may lie in the line break itself.
    first.start..end.max(start)
}
