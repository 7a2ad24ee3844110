//! The colours to choose from. The selected ones are worn at once, over the whole screen; backing out puts the former
//! ones on again.

use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::tui::action::Action;
use crate::tui::theme::{Entry, Origin, Role, Theme, Themes};
use crate::tui::widget::paint::Paint;

#[derive(Debug, Clone)]
pub struct ThemeList {
    entries: Vec<Entry>,
    before: Theme,
    selected: usize,
}

impl ThemeList {
    /// All themes, with the one that is worn selected.
    pub fn new(themes: &Themes, worn: &Theme) -> Self {
        let entries = themes.entries().to_vec();
        let selected = entries.iter().position(|entry| entry.name == worn.name).unwrap_or(0);
        Self { entries, before: worn.clone(), selected }
    }

    pub fn act(&mut self, action: Option<Action>) -> Outcome {
        let last = self.entries.len().saturating_sub(1);
        self.selected = match action {
            Some(Action::Accept) => return self.accept(),
            Some(Action::ListDown | Action::Other) => (self.selected + 1).min(last),
            Some(Action::ListUp) => self.selected.saturating_sub(1),
            Some(Action::ListTop | Action::ListPageUp) => 0,
            Some(Action::ListEnd | Action::ListPageDown) => last,
            _ => return Outcome::Stay,
        };
        match self.entries.get(self.selected).map(|entry| &entry.theme) {
            Some(Ok(theme)) => Outcome::Wear { theme: Box::new(theme.clone()), closes: false },
            // Nothing to show of a theme that is wrong: the screen stays readable.
            Some(Err(_)) | None => Outcome::Wear { theme: Box::new(self.before.clone()), closes: false },
        }
    }

    fn accept(&self) -> Outcome {
        match self.entries.get(self.selected) {
            Some(Entry { name, theme: Ok(_), .. }) => Outcome::SetTheme(name.clone()),
            _ => Outcome::Stay,
        }
    }

    /// Everything as it was.
    pub fn back_out(&self) -> Outcome {
        Outcome::Wear { theme: Box::new(self.before.clone()), closes: true }
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let rows = u16::try_from(self.entries.len() + 4).unwrap_or(u16::MAX);
        let inside = window(paint, centred(area, 64, rows), "Colours");
        let height = usize::from(inside.height.saturating_sub(2));
        let top = (self.selected + 1).saturating_sub(height);
        for (line, (at, entry)) in (0..inside.height.saturating_sub(2)).zip(self.entries.iter().enumerate().skip(top)) {
            let charset = paint.look.charset;
            let pointer = if at == self.selected { charset.arrow() } else { " " };
            let (text, dim, bad) = (paint.style(Role::Text), paint.style(Role::Dim), paint.style(Role::Failure));
            let (about, style) = about(entry);
            let style = if style { dim } else { bad };
            paint.row(inside, line).role(pointer, Role::Accent).gap(1).column(18, &entry.name, text).gap(1).put(&about, style);
            if at == self.selected {
                let style = paint.style(Role::Selection);
                paint.shade(Rect { y: inside.y + line, height: 1, ..inside }, style);
            }
        }
        let mut row = paint.row(inside, inside.height.saturating_sub(1));
        for (word, role) in SAMPLE {
            row.role(word, *role).gap(2);
        }
    }
}

/// Every status once, in its colour.
const SAMPLE: &[(&str, Role)] = &[
    ("succeeded", Role::Success),
    ("running", Role::Running),
    ("failed", Role::Failure),
    ("retrying", Role::Warning),
    ("waiting", Role::Waiting),
    ("skipped", Role::Dim),
];

/// Where a theme comes from or why it cannot be used, and whether it can.
fn about(entry: &Entry) -> (String, bool) {
    match (&entry.theme, &entry.origin) {
        (Err(problems), _) => (problems.first().map(|problem| format!("line {problem}")).unwrap_or_default(), false),
        (Ok(_), Origin::Shipped) => ("shipped".to_owned(), true),
        (Ok(_), Origin::File(path)) => (path.display().to_string(), true),
    }
}
