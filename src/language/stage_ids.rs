//! The stage ids of a pipeline, found as prefixes of expression text.

use std::collections::HashSet;

use crate::model::StageId;

/// Ids contain hyphens, which are minus signs to an expression: the longest known id wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageIds {
    ids: HashSet<StageId>,
    longest: usize,
}

impl StageIds {
    pub fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(StageId::as_str)
    }

    /// The longest known id that `text` starts with, whatever follows it; an id that ends where a word ends is preferred.
    pub fn longest_prefix(&self, text: &str) -> Option<&str> {
        let run = text.bytes().take_while(|byte| is_id_byte(*byte)).count();
        let bounds = (1..=run.min(self.longest)).rev();
        let mut found = None;
        for end in bounds {
            if let Some(id) = self.ids.get(&text[..end]) {
                if ends_word(text, end) {
                    return Some(id.as_str());
                }
                found = found.or(Some(id.as_str()));
            }
        }
        found
    }
}

impl FromIterator<StageId> for StageIds {
    fn from_iter<I: IntoIterator<Item = StageId>>(ids: I) -> Self {
        let ids: HashSet<StageId> = ids.into_iter().collect();
        let longest = ids.iter().map(|id| id.as_str().len()).max().unwrap_or(0);
        Self { ids, longest }
    }
}

/// `^[A-Za-z0-9_-]+$`
pub fn is_valid_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_id_byte)
}

pub(super) fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// True when the word that `text[..end]` ends with does not go on.
pub(super) fn ends_word(text: &str, end: usize) -> bool {
    !text[end..].chars().next().is_some_and(|next| next.is_alphanumeric() || next == '_')
}
