//! What opens over a screen and takes the keys: one at a time on a stack, closed by `esc`.

pub mod choose;
pub mod confirm;
pub mod edit;
pub mod help;
pub mod page;
pub mod palette;
pub mod review;
pub mod rollback;
pub mod start;
pub mod themes;

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use super::action::{Action, Context};
use super::keymap::Key;
use super::screen::Intent;
use super::theme::{Role, Theme};
use super::widget::input::Input;
use super::widget::paint::Paint;
use super::world::World;
use crate::model::Timestamp;

#[derive(Debug, Clone)]
pub enum Popup {
    Help(help::Help),
    Page(page::Page),
    Choose(choose::Choose),
    Palette(palette::Palette),
    Themes(themes::ThemeList),
    Edit(Box<edit::Edit>),
    Review(Box<review::Review>),
    Confirm(Box<confirm::Confirm>),
    RollBack(Box<rollback::Panel>),
    Prompt(Prompt),
}

/// What typed text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Shown at once while typing.
    Filter,
    /// A regular expression, searched for when accepted.
    Search,
    /// A regular expression: lines of a log that match are kept, or left out.
    Keep,
    Leave,
    /// The same in the inspector's tree.
    Find,
}

/// One line of text at the bottom of the screen.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub purpose: Purpose,
    input: Input,
    error: Option<String>,
}

/// What a popup did with a key.
#[derive(Debug)]
pub enum Outcome {
    Stay,
    /// Stay, and do this.
    Do(Vec<Intent>),
    Close,
    /// Close, then do this.
    Then(Vec<Intent>),
    /// Close, then act as if the action's key had been pressed.
    Act(Action),
    SetTheme(String),
    /// Show these colours; what was chosen is told by `SetTheme`.
    Wear {
        theme: Box<Theme>,
        closes: bool,
    },
    /// Text for the screen below; the popup closes when it is accepted.
    Typed {
        purpose: Purpose,
        text: String,
        accepted: bool,
    },
}

impl Popup {
    pub fn prompt(purpose: Purpose, text: &str) -> Self {
        Self::Prompt(Prompt { purpose, input: Input { text: text.to_owned() }, error: None })
    }

    pub fn contexts(&self) -> &'static [Context] {
        match self {
            Self::Help(help) if help.is_typing() => &[Context::Text],
            Self::Help(_) | Self::Page(_) | Self::Choose(_) | Self::Themes(_) | Self::Review(_) | Self::RollBack(_) => {
                &[Context::Dialog, Context::List]
            }
            Self::Palette(_) | Self::Edit(_) | Self::Confirm(_) | Self::Prompt(_) => &[Context::Text],
        }
    }

    /// What the bottom line says.
    pub fn hints(&self) -> &'static [Action] {
        match self {
            Self::Help(help) if help.is_typing() => &[Action::Accept, Action::Back],
            Self::Help(_) => &[Action::ListDown, Action::Search, Action::ListPageDown, Action::Back],
            Self::Page(_) => &[Action::ListDown, Action::ListPageDown, Action::Back],
            Self::Choose(_) | Self::Review(_) | Self::RollBack(_) => &[Action::Other, Action::Accept, Action::Back],
            Self::Themes(_) => &[Action::ListDown, Action::Accept, Action::Back],
            Self::Palette(_) | Self::Prompt(_) => &[Action::Accept, Action::Back],
            Self::Edit(_) => &[Action::Save, Action::Back],
            Self::Confirm(_) => &[Action::Back],
        }
    }

    pub fn key(&mut self, key: &KeyEvent, world: &World) -> Outcome {
        let pressed = Key::of(key);
        let typing = self.contexts() == [Context::Text];
        let action = world.keys.find(pressed, self.contexts()).filter(|_| !(typing && pressed.writes()));
        if action == Some(Action::Back) {
            return self.close();
        }
        match self {
            Self::Help(help) => help.key(key, action, world),
            Self::Page(page) => page.act(action),
            Self::Choose(choose) => choose.act(action),
            Self::Themes(themes) => themes.act(action),
            Self::Review(review) => review.act(action),
            Self::Palette(palette) => palette.key(key, action),
            Self::Edit(edit) => edit.key(key, action),
            Self::Confirm(confirm) => confirm.key(key, action, world),
            Self::RollBack(panel) => panel.act(action, world),
            Self::Prompt(prompt) => prompt.key(key, action),
        }
    }

    pub fn paste(&mut self, text: &str) -> Outcome {
        match self {
            Self::Palette(palette) => palette.paste(text),
            Self::Edit(edit) => edit.paste(text),
            Self::Confirm(confirm) => confirm.refuse_paste(),
            Self::Prompt(prompt) => {
                prompt.input.paste(text);
                prompt.changed(false)
            }
            Self::Help(help) => help.paste(text),
            Self::Page(_) | Self::Choose(_) | Self::Themes(_) | Self::Review(_) | Self::RollBack(_) => Outcome::Stay,
        }
    }

    fn close(&mut self) -> Outcome {
        match self {
            Self::Prompt(Prompt { purpose: Purpose::Filter, .. }) => {
                Outcome::Typed { purpose: Purpose::Filter, text: String::new(), accepted: true }
            }
            Self::Themes(themes) => themes.back_out(),
            Self::Help(help) => help.back(),
            Self::Page(_)
            | Self::Choose(_)
            | Self::Review(_)
            | Self::Palette(_)
            | Self::Edit(_)
            | Self::Confirm(_)
            | Self::RollBack(_)
            | Self::Prompt(_) => Outcome::Close,
        }
    }

    /// Takes the answer about a text that is being edited.
    pub fn checked(&mut self, checked: edit::check::Checked) -> Outcome {
        match self {
            Self::Edit(edit) => edit.take(checked),
            Self::Help(_)
            | Self::Page(_)
            | Self::Choose(_)
            | Self::Themes(_)
            | Self::Review(_)
            | Self::Palette(_)
            | Self::Confirm(_)
            | Self::RollBack(_)
            | Self::Prompt(_) => Outcome::Stay,
        }
    }

    /// The terminal has shown all of it.
    pub fn seen(&mut self, now: Timestamp) {
        if let Self::Confirm(confirm) = self {
            confirm.seen(now);
        }
    }

    /// What the terminal shows is not known any more.
    pub fn unsee(&mut self) {
        if let Self::Confirm(confirm) = self {
            confirm.unsee();
        }
    }

    /// Whether it takes no keys before it was seen.
    pub fn is_unseen(&self) -> bool {
        matches!(self, Self::Confirm(confirm) if confirm.is_unseen())
    }

    /// Why it makes no sense any more.
    pub fn obsolete(&self, world: &World) -> Option<String> {
        match self {
            Self::Confirm(confirm) => confirm.obsolete(world),
            Self::RollBack(panel) => panel.obsolete(world),
            Self::Choose(choose) => choose.obsolete(world),
            Self::Help(_)
            | Self::Page(_)
            | Self::Themes(_)
            | Self::Review(_)
            | Self::Palette(_)
            | Self::Edit(_)
            | Self::Prompt(_) => None,
        }
    }

    pub fn fit(&mut self, area: Rect, world: &World) {
        match self {
            Self::Help(help) => help.fit(area, world),
            Self::Page(page) => page.fit(area),
            Self::RollBack(panel) => panel.fit(world),
            _ => {}
        }
    }

    /// `area` is the screen between the top and the bottom line; a prompt takes its last row.
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        match self {
            Self::Help(help) => help.draw(paint, area, world),
            Self::Page(page) => page.draw(paint, area),
            Self::Choose(choose) => choose.draw(paint, area),
            Self::Themes(themes) => themes.draw(paint, area),
            Self::Review(review) => review.draw(paint, area),
            Self::Palette(palette) => palette.draw(paint, area, world),
            Self::Edit(edit) => edit.draw(paint, area),
            Self::Confirm(confirm) => confirm.draw(paint, area),
            Self::RollBack(panel) => panel.draw(paint, area, world),
            Self::Prompt(prompt) => prompt.draw(paint, area),
        }
    }
}

impl Prompt {
    fn key(&mut self, key: &KeyEvent, action: Option<Action>) -> Outcome {
        if action == Some(Action::Accept) {
            return if self.error.is_none() { self.changed(true) } else { Outcome::Stay };
        }
        if self.input.key(key) { self.changed(false) } else { Outcome::Stay }
    }

    fn changed(&mut self, accepted: bool) -> Outcome {
        if self.purpose != Purpose::Filter {
            let problem = regex::Regex::new(&self.input.text).err();
            self.error = problem.map(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned());
        }
        Outcome::Typed { purpose: self.purpose, text: self.input.text.clone(), accepted }
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let Some(last) = area.height.checked_sub(1) else { return };
        let line = Rect { y: area.y + last, height: 1, ..area };
        paint.clear(line);
        let error = self.error.clone().unwrap_or_default();
        let mut row = paint.row(line, 0);
        let bad = row.style(Role::Failure);
        let label = match self.purpose {
            Purpose::Filter => "filter ",
            Purpose::Search | Purpose::Find => "search ",
            Purpose::Keep => "only lines with ",
            Purpose::Leave => "only lines without ",
        };
        row.gap(1).role(label, Role::Accent);
        if !error.is_empty() {
            row.right(&[(&error, bad), (" ", bad)]);
        }
        self.input.draw(&mut row);
    }
}

/// An area of this size in the middle, as far as there is room.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Blanks an area, frames it and writes a title into the frame; returns the inside, one cell off the frame.
pub fn window(paint: &mut Paint<'_>, area: Rect, title: &str) -> Rect {
    paint.clear(area);
    let (shape, border, name) = (paint.look.charset.frame(), paint.style(Role::Accent), paint.style(Role::Title));
    let border = border.remove_modifier(ratatui::style::Modifier::BOLD);
    paint.frame(area, shape, border);
    if area.width > 6 {
        let used = paint.text(area.x + 3, area.y, area.width - 6, title, name);
        paint.symbol(area.x + 2, area.y, " ", border);
        paint.symbol(area.x + 3 + used, area.y, " ", border);
    }
    Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}
