//! A mistake in a file of settings, with its place, and how it is shown.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One mistake. Lines and columns start at 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub line: usize,
    pub column: usize,
    /// Bytes of the text.
    pub span: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(text: &str, span: Range<usize>, message: impl Into<String>, help: Option<String>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            span: start..end,
            message: message.into(),
            help,
        }
    }
}

impl std::fmt::Display for Problem {
    /// One line, for where there is no room for the source: `4:7: unknown role `dmi`, did you mean `dim`?`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, ", {help}"))
    }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Every problem with its source line and a caret under the place.
pub fn report(problems: &[Problem], path: &Path, text: &str, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let path = path.display().to_string();
    let shown = problems.iter().map(|problem| {
        let snippet = Snippet::source(text).path(path.as_str()).annotation(AnnotationKind::Primary.span(problem.span.clone()));
        let group = Level::ERROR.primary_title(problem.message.as_str()).element(snippet);
        let group = match &problem.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        };
        renderer.render(&[group])
    });
    let mut out = shown.collect::<Vec<_>>().join("\n\n");
    out.push('\n');
    out
}
