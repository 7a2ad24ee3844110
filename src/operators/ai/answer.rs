//! What a provider has answered so far.

use serde_json::Value;

use crate::model::{ErrorKind, StageError};

/// More text than this is no answer to anything a stage asks.
const MOST_TEXT: usize = 4 * 1024 * 1024;
/// So much of what a provider says about an error is passed on.
const EXCERPT: usize = 500;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) model: Option<String>,
    /// `stop`, `length`, or what the provider calls it.
    pub(super) finish_reason: Option<String>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    /// The provider has said that nothing more comes.
    pub(super) complete: bool,
}

impl Answer {
    /// Both ways together; unknown when the provider did not count.
    pub(super) fn tokens(&self) -> Option<u64> {
        match (self.input_tokens, self.output_tokens) {
            (None, None) => None,
            (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        }
    }

    /// Appends a piece of the text.
    pub(super) fn add(&mut self, piece: &str) -> Result<(), StageError> {
        if self.text.len() + piece.len() > MOST_TEXT {
            let message = format!("the answer is larger than {MOST_TEXT} bytes");
            return Err(StageError::new(ErrorKind::Execution, message));
        }
        self.text.push_str(piece);
        Ok(())
    }

    pub(super) fn set_model(&mut self, named: Option<&Value>) {
        if let Some(model) = named.and_then(Value::as_str) {
            self.model = Some(model.to_owned());
        }
    }

    /// Takes the reason in, in the words that all dialects share.
    pub(super) fn set_reason(&mut self, reason: Option<&Value>) {
        if let Some(reason) = reason.and_then(Value::as_str) {
            let shared = match reason {
                "end_turn" | "stop_sequence" => "stop",
                "max_tokens" => "length",
                other => other,
            };
            self.finish_reason = Some(shared.to_owned());
        }
    }
}

/// Something that is not what the API promises.
pub(super) fn nonsense(what: &str) -> StageError {
    StageError::new(ErrorKind::Validation, format!("the provider's answer makes no sense: {what}"))
}

/// An error that the provider reports inside an answer that had begun well.
pub(super) fn reported(error: &Value) -> StageError {
    let word = ["type", "code"].iter().find_map(|name| error.get(name)).map(crate::language::template::to_text);
    let word = word.unwrap_or_default();
    let said = said(error).unwrap_or_else(|| "no reason given".to_owned());
    let error = StageError::new(ErrorKind::Execution, "the provider broke the answer off").caused_by(said);
    let passing = ["overloaded", "rate_limit", "api_error", "server_error", "timeout", "unavailable"];
    let passes = word.starts_with('5') || word == "429" || passing.iter().any(|name| word.contains(name));
    if passes { error.recoverable() } else { error }
}

/// What an error object, or a body that holds one, says.
pub(super) fn said(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let text = error.as_str().or_else(|| error.get("message").and_then(Value::as_str));
    text.map(excerpt).filter(|text| !text.is_empty())
}

/// The beginning of a text, on one line.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
