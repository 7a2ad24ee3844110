//! Environment values and secrets of a run, in memory, and what hides them from everything that is kept or shown.

use serde_json::Value;

use crate::logs::mask::{MaskStream, Masker};
use crate::model::{Outcome, Shown, StageError, Values};
use crate::operators::{Question, Secrets};

/// Shortest environment value that is hidden; secrets are hidden at any length in what the engine keeps, and from
/// four bytes on in the output of processes.
const SHORTEST_ENVIRONMENT: usize = 4;
/// Words in the name of an environment value that make it a credential.
const CREDENTIAL_WORDS: &[&str] = &["TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL", "PRIVATE", "AUTH", "COOKIE", "DSN"];

/// The values of a run and their masker.
pub struct Masks {
    values: Values,
    /// What is hidden besides the values: keys of the engine itself, and offered values that were not taken.
    others: Vec<String>,
    masker: Masker,
}

impl Masks {
    pub fn new(values: Values, keys: Vec<String>) -> Self {
        let mut masks = Self { values, others: keys, masker: Masker::default() };
        masks.masker = Masker::new(&masks.hidden());
        masks
    }

    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Takes in what is missing. A run keeps the values it has; another one that is offered is only hidden from then on.
    pub fn add(&mut self, more: Values) {
        for (name, value) in more.0 {
            match self.values.0.get(&name) {
                Some(kept) if *kept == value => {}
                Some(_) if is_hidden(&name, &value) => self.others.push(value),
                Some(_) => {}
                None => drop(self.values.0.insert(name, value)),
            }
        }
        self.masker = Masker::new(&self.hidden());
    }

    /// What the runner has to hide in output.
    pub fn hidden(&self) -> Vec<String> {
        let values = self.values.0.iter().filter(|(name, value)| is_hidden(name, value)).map(|(_, value)| value);
        values.chain(&self.others).cloned().collect()
    }

    /// Hides in a text that comes in pieces.
    pub fn stream(&self) -> MaskStream {
        self.masker.stream()
    }

    pub fn mask_value(&self, value: Value) -> Value {
        if self.masker.is_empty() { value } else { self.masker.mask_value(&value) }
    }

    pub fn mask_text(&self, text: String) -> String {
        if self.masker.is_empty() { text } else { self.masker.mask_text(&text).to_string() }
    }

    pub fn mask_question(&self, question: Question) -> Question {
        let shown = |shown: Shown| Shown { name: self.mask_text(shown.name), value: self.mask_text(shown.value) };
        Question {
            message: question.message.map(|message| self.mask_text(message)),
            shown: question.shown.into_iter().map(shown).collect(),
            ..question
        }
    }

    pub fn mask_error(&self, error: StageError) -> StageError {
        StageError {
            message: self.mask_text(error.message),
            cause: error.cause.map(|cause| self.mask_text(cause)),
            details: self.mask_value(error.details),
            ..error
        }
    }

    pub fn mask_outcome(&self, outcome: Outcome) -> Outcome {
        Outcome {
            ending: outcome.ending,
            output: self.mask_value(outcome.output),
            error: outcome.error.map(|error| self.mask_error(error)),
        }
    }
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masks").field("masker", &self.masker).finish_non_exhaustive()
    }
}

impl Secrets for Masks {
    fn contains_secret(&self, text: &str) -> bool {
        self.values.0.iter().any(|(name, value)| is_hidden(name, value) && text.contains(value.as_str()))
    }

    fn hides(&self, value: &Value) -> bool {
        !self.masker.is_empty() && self.masker.mask_value(value) != *value
    }

    fn contains_credential(&self, text: &str) -> bool {
        self.values.0.iter().any(|(name, value)| is_credential(name) && !value.is_empty() && text.contains(value.as_str()))
    }
}

fn is_hidden(name: &str, value: &str) -> bool {
    let shortest = if is_credential(name) { 1 } else { SHORTEST_ENVIRONMENT };
    value.len() >= shortest
}

fn is_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    name.starts_with("secrets.") || CREDENTIAL_WORDS.iter().any(|word| upper.contains(word))
}
