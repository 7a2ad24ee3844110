//! What a client needs to show a run as it was: its events, in pages.

use super::{Engine, EngineError};
use crate::model::Event;

/// Events of a page at most.
const MOST_EVENTS: usize = 2_000;

impl Engine {
    /// A run's events after a sequence number, oldest first; an empty page is the end.
    ///
    /// # Errors
    /// A run that is not there, or a store that does not answer.
    pub async fn events(&self, text: &str, after: u64, limit: usize) -> Result<Vec<Event>, EngineError> {
        let id = self.find(text).await?;
        Ok(self.shared.store.events_after(after, Some(&id), limit.min(MOST_EVENTS)).await?)
    }
}
