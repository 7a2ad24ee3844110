//! Which line of a log says what went wrong.
//!
//! Pure: judges lines by their words alone. Must not know where lines come from or how they are shown.

use std::sync::LazyLock;

use regex::Regex;

use super::widget::ansi;
use crate::model::{Stream, ViewLine};

/// Every line that may be one; what is found with it is judged by `Verdict::of`.
pub const CANDIDATE: &str = r"(?i)error|err!|exception|fail|fatal|panic|traceback|critical|segmentation fault|core dumped|abort|denied|refused|timed? ?out|cannot|can't|not found|no such|undefined|unexpected|\*\*\*";

/// Speaks of an error in the form that compilers, test runners, shells and runtimes give it.
const CLEAR: &str = r#"(?x)
    (?i: \b (?: error | fatal | fatal\ error | panic ) (?: \[ \w+ \] )? : (?: \s | $ ) )
  | (?i: \b (?: error | fatal ) \[ \w+ \] )
  | \b panicked \s at \b
  | \b Traceback \s \( most \s recent
  | \b [A-Z] \w* (?: Error | Exception ) \b
  | \b (?: FAILED | FAILURE | FAIL | ERROR | FATAL | CRITICAL | PANIC ) \b
  | \b npm \s ERR!
  | \*\*\* \s .* (?: Error | Stop )
  | (?i: segmentation \s fault | core \s dumped )
  | (?i: \b level "? \s* [:=] \s* "? (?: error | fatal | critical | panic ) )
"#;

/// Words that a line about something else may have, too.
const VAGUE: &str = r"(?i)\b(?:errors?|err!|exceptions?|fail(?:ed|ure|ures|s|ing)?|fatal|panic(?:ked)?|traceback|critical|abort(?:ed|ing)?|denied|refused|timed? ?out|cannot|can't|not found|no such|undefined|unexpected)\b";

/// Says that there is none: `0 failed`, `no errors`, `failures: 0`.
const NONE: &str = r"(?i)\b(?:0|no|without|without any|zero) (?:errors?|exceptions?|fail(?:ed|ures?|s)?)\b|\b(?:errors?|fail(?:ed|ures?|s)?)\s*[:=]\s*0\b";

/// Lines that are about success or only warn.
const HARMLESS: &str = r"(?i)^\s*(?:warn(?:ing)?\b|note:|help:|info\b|debug\b)|\.\.\. ok\s*$|\b(?:PASS|PASSED)\b";

static RULES: LazyLock<Option<[Regex; 4]>> =
    LazyLock::new(|| Some([CLEAR, VAGUE, NONE, HARMLESS].map(Regex::new).map(Result::ok)).and_then(all));

fn all(rules: [Option<Regex>; 4]) -> Option<[Regex; 4]> {
    let [a, b, c, d] = rules;
    Some([a?, b?, c?, d?])
}

/// How much a line looks like the one that says what went wrong; the greater the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It has a word for it.
    Vague,
    /// The same, on the stream for errors.
    VagueOnErrors,
    /// It has the form of an error.
    Clear,
}

impl Verdict {
    /// Judges one line; `None` is none.
    pub fn of(text: &str, stream: Stream) -> Option<Self> {
        let [clear, vague, none, harmless] = RULES.as_ref()?;
        let plain: String = ansi::pieces(text).into_iter().map(|piece| &text[piece.range]).collect();
        if harmless.is_match(&plain) {
            return None;
        }
        let said = none.replace_all(&plain, "");
        match stream {
            _ if clear.is_match(&said) => Some(Self::Clear),
            Stream::Stderr if vague.is_match(&said) => Some(Self::VagueOnErrors),
            _ => vague.is_match(&said).then_some(Self::Vague),
        }
    }
}

/// The best line of a log, gathered from its candidates in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Culprit(Option<(Verdict, u64)>);

impl Culprit {
    /// Looks at further lines; of equal ones the first stays.
    pub fn look_at(&mut self, lines: &[ViewLine]) {
        for line in lines {
            let found = Verdict::of(&line.text, line.stream);
            if let Some(verdict) = found.filter(|verdict| self.0.is_none_or(|(best, _)| *verdict > best)) {
                self.0 = Some((verdict, line.number));
            }
        }
    }

    /// No later line can be better.
    pub fn is_certain(&self) -> bool {
        self.0.is_some_and(|(verdict, _)| verdict == Verdict::Clear)
    }

    /// Its number.
    pub fn line(&self) -> Option<u64> {
        self.0.map(|(_, line)| line)
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::{CANDIDATE, Culprit, RULES, Verdict};
    use crate::model::{Stream, Timestamp, ViewLine};

    const CLEAR: &[&str] = &[
        "error[E0308]: mismatched types",
        "error: could not compile `shop`",
        "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: linking failed",
        "src/main.c:14:3: error: expected ';'",
        "thread 'main' panicked at src/main.rs:4:5:",
        "panic: runtime error: index out of range",
        "test orders::total ... FAILED",
        "--- FAIL: TestTotal (0.00s)",
        "Traceback (most recent call last):",
        "ValueError: invalid literal",
        "Exception in thread \"main\" java.lang.NullPointerException: null",
        "fatal: not a git repository",
        "npm ERR! code ELIFECYCLE",
        "make: *** [Makefile:3: test] Error 2",
        "{\"level\":\"error\",\"msg\":\"no route\"}",
        "2026-11-21 10:00:00 ERROR the database is gone",
        "Segmentation fault (core dumped)",
    ];

    const VAGUE: &[&str] =
        &["the request failed", "cat: /x: No such file or directory", "connection refused", "permission denied"];

    const NONE: &[&str] = &[
        "test result: ok. 12 passed; 0 failed; 0 ignored",
        "finished without errors",
        "errors: 0, warnings: 3",
        "test parse::error ... ok",
        "   Compiling thiserror v1.0.2",
        "warning: unused `Result` that may hold an error",
        "PASS src/error.test.js",
        "INFO no failure so far, error budget left: 99%",
        "everything is fine",
    ];

    #[test]
    fn a_line_is_judged_by_its_words() {
        assert!(RULES.is_some(), "the patterns are valid");
        for line in CLEAR {
            assert_eq!(Verdict::of(line, Stream::Stdout), Some(Verdict::Clear), "{line}");
        }
        for line in VAGUE {
            assert_eq!(Verdict::of(line, Stream::Stdout), Some(Verdict::Vague), "{line}");
            assert_eq!(Verdict::of(line, Stream::Stderr), Some(Verdict::VagueOnErrors), "{line}");
        }
        for line in NONE {
            assert_eq!(Verdict::of(line, Stream::Stderr), None, "{line}");
        }
    }

    #[test]
    fn every_line_that_is_judged_to_be_one_is_asked_for() {
        let candidate = Regex::new(CANDIDATE).expect("a pattern");
        for line in CLEAR.iter().chain(VAGUE) {
            let plain = line.replace("\u{1b}[1m", "").replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
            assert!(candidate.is_match(&plain), "{line}");
        }
    }

    fn line(number: u64, stream: Stream, text: &str) -> ViewLine {
        ViewLine { number, of: None, at: Timestamp(0), stream, text: text.to_owned(), cut: 0, partial: false }
    }

    #[test]
    fn the_first_clear_line_wins_then_the_stream_for_errors_then_the_first() {
        let mut culprit = Culprit::default();
        culprit.look_at(&[line(3, Stream::Stdout, "one step failed, going on")]);
        assert_eq!((culprit.line(), culprit.is_certain()), (Some(3), false));
        culprit.look_at(&[line(5, Stream::Stderr, "cannot open x"), line(6, Stream::Stderr, "cannot open y")]);
        assert_eq!((culprit.line(), culprit.is_certain()), (Some(5), false));
        culprit.look_at(&[line(8, Stream::Stdout, "error: no x"), line(9, Stream::Stderr, "error: no y")]);
        assert_eq!((culprit.line(), culprit.is_certain()), (Some(8), true));
        let mut none = Culprit::default();
        none.look_at(&[line(1, Stream::Stdout, "0 errors")]);
        assert_eq!(none.line(), None);
    }
}
