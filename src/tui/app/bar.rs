//! The top line (where one is, the engine) and the bottom line (what keys do here, or the last remark).

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::App;
use crate::model::RunStatus;
use crate::tui::action::{ALL, Action, Context, Facts};
use crate::tui::screen::{Screen, TABS};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::paint::Paint;
use crate::tui::world::Link;

/// From this width on the top line says more.
const WIDE: u16 = 100;

impl App {
    pub(super) fn draw_top(&self, paint: &mut Paint<'_>, line: Rect) {
        self.write_top(paint, line);
        shade(paint, line);
    }

    pub(super) fn draw_bottom(&self, paint: &mut Paint<'_>, line: Rect) {
        self.write_bottom(paint, line);
        shade(paint, line);
    }

    fn write_top(&self, paint: &mut Paint<'_>, line: Rect) {
        let current = self.shown().map_or(0, Screen::number);
        let mut row = paint.row(line, 0);
        let (good, bad, dim, text) =
            (row.style(Role::Success), row.style(Role::Failure), row.style(Role::Dim), row.style(Role::Text));
        let read_only = if self.world.read_only { "read-only  " } else { "" };
        let (state, style) = match &self.world.link {
            Link::Connecting => ("connecting", dim),
            Link::Connected(_) => ("connected", good),
            Link::Lost(_) => ("disconnected", bad),
        };
        let place = if self.world.workspace.is_empty() { String::new() } else { format!("{}  ", self.world.workspace) };
        let gates = self.gates();
        let (waiting, glass) = (row.style(Role::Waiting), self.glass());
        row.right(&[(read_only, dim), (&glass, bad), (&gates, waiting), (&place, text), (state, style), (" ", text)]);
        row.gap(1).role("flowdeck", Role::Title).gap(2);
        let wanted: usize = TABS.iter().map(|tab| self.world.key(tab.action).chars().count() + tab.title.len() + 3).sum();
        let named = wanted <= usize::from(row.room());
        for tab in TABS {
            let key = self.world.key(tab.action);
            let name = if named || tab.number == current { tab.title } else { "" };
            if tab.number == current {
                let style = row.style(Role::Accent).add_modifier(Modifier::UNDERLINED);
                row.role(&key, Role::Accent).gap(1).put(name, style);
            } else {
                row.role(&key, Role::Key).gap(u16::from(named)).role(name, Role::Dim);
            }
            row.gap(1 + u16::from(named));
        }
        let arrow = self.world.look.charset.arrow();
        for (at, crumb) in self.crumbs().iter().enumerate() {
            if at > 0 {
                row.gap(1).role(arrow, Role::Dim);
            }
            row.gap(1).role(crumb, Role::Text);
        }
    }

    /// Where the glass was broken and nobody has reviewed that: everybody is to see it.
    fn glass(&self) -> String {
        let broken: Vec<&str> = self.world.deployments.glass().collect();
        match broken.as_slice() {
            [] => String::new(),
            [one] => format!("GLASS BROKEN in {one}  "),
            several => format!("GLASS BROKEN in {} places  ", several.len()),
        }
    }

    /// What waits for people, short.
    fn gates(&self) -> String {
        let glyph = self.world.look.charset.run(RunStatus::Waiting);
        match self.world.gates.waiting() {
            (0, _) => String::new(),
            (count, 0) => format!("{glyph} {}  ", format::plural(count, "gate", "gates")),
            (_, mine) if self.size.0 < WIDE => format!("{glyph} {mine} for you  "),
            (count, mine) => format!("{glyph} {}, {mine} for you  ", format::plural(count, "gate", "gates")),
        }
    }

    /// Keys that would only be answered with "not now" are not offered.
    fn is_of_use(&self, action: Action) -> bool {
        !self.popups.is_empty()
            || match (self.shown(), action) {
                (_, Action::Back) => self.stack.len() > 1,
                (Some(screen), Action::FirstError) => {
                    self.world.failed_run().is_some() || screen.as_run().is_some() && screen.view().is_of_use(action)
                }
                (Some(screen), _) => screen.view().is_of_use(action),
                (None, _) => true,
            }
    }

    fn write_bottom(&self, paint: &mut Paint<'_>, line: Rect) {
        if let Some((tone, text)) = self.messages.current() {
            paint.row(line, 0).gap(1).role(text, tone.role());
            return;
        }
        if let Link::Lost(why) = &self.world.link {
            let mut row = paint.row(line, 0);
            row.gap(1).role("the engine does not answer, trying again: ", Role::Failure).role(why, Role::Text);
            return;
        }
        let hints: Vec<&Facts> = match self.popups.last() {
            Some(popup) => popup.hints().iter().map(|action| action.facts()).collect(),
            None => {
                let contexts = self.contexts();
                let known = |context: &Context| ALL.iter().filter(|facts| facts.contexts.contains(context)).collect::<Vec<_>>();
                let first = self.shown().and_then(|screen| screen.view().offers_first(&self.world));
                first.map(Action::facts).into_iter().chain(contexts.iter().flat_map(known)).collect()
            }
        };
        let mut row = paint.row(line, 0);
        let mut said = Vec::new();
        if self.popups.is_empty() {
            // The way out and the help are named at every width.
            let ways = [Action::Help, Action::Quit];
            let named = ways.map(|action| (self.world.key(action), format!(" {}  ", action.facts().hint)));
            let (key, dim) = (row.style(Role::Key), row.style(Role::Dim));
            let pieces: Vec<(&str, Style)> =
                named.iter().flat_map(|(name, hint)| [(name.as_str(), key), (hint.as_str(), dim)]).collect();
            row.right(&pieces);
            said.extend(ways.into_iter().filter_map(|action| self.world.keys.keys(action).first().copied()));
        }
        row.gap(1);
        for facts in hints.into_iter().filter(|facts| !facts.hint.is_empty() && self.is_of_use(facts.action)) {
            let Some(key) = self.world.keys.keys(facts.action).first() else { continue };
            if said.contains(key) {
                continue;
            }
            said.push(*key);
            let key = key.to_string();
            let wanted = key.chars().count() + 1 + facts.hint.chars().count();
            if usize::from(row.room()) < wanted {
                break;
            }
            row.role(&key, Role::Key).gap(1).role(facts.hint, Role::Dim).gap(2);
        }
    }
}

/// Lays the bar's ground under what is written.
fn shade(paint: &mut Paint<'_>, line: Rect) {
    if let Some(ground) = paint.style(Role::Bar).bg {
        paint.shade(line, Style::new().bg(ground));
    }
}
