//! What the console has said: the last remark in the bottom line, and those before it.

use std::collections::VecDeque;

use crate::model::Timestamp;
use crate::tui::glyph::Charset;
use crate::tui::popup::page::Page;
use crate::tui::screen::Tone;
use crate::tui::theme::Role;
use crate::tui::widget::format;

/// Messages kept.
const KEPT: usize = 100;

#[derive(Debug, Clone)]
struct Said {
    at: Timestamp,
    tone: Tone,
    text: String,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Messages {
    kept: VecDeque<Said>,
    /// The last one is still in the bottom line.
    shown: bool,
}

impl Messages {
    pub fn say(&mut self, at: Timestamp, tone: Tone, text: &str) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Said { at, tone, text: text.to_owned() });
        self.shown = true;
    }

    /// A key was pressed: what stands in the bottom line has been seen.
    pub fn heed(&mut self) {
        self.shown = false;
    }

    /// What the bottom line says now.
    pub fn current(&self) -> Option<(Tone, &str)> {
        self.kept.back().filter(|_| self.shown).map(|said| (said.tone, said.text.as_str()))
    }

    /// All of them, the last one first.
    pub fn page(&self, charset: Charset) -> Page {
        let line = |said: &Said| (said.tone.role(), format!("{} UTC {} {}", clock(said.at), charset.dot(), said.text));
        let lines: Vec<_> = self.kept.iter().rev().map(line).collect();
        let nothing = || vec![(Role::Dim, "nothing was said yet".to_owned())];
        Page::new("Messages, the last one first", if lines.is_empty() { nothing() } else { lines })
    }
}

/// `14:03:07`
fn clock(at: Timestamp) -> String {
    format::time_of_day(at).chars().take(8).collect()
}
