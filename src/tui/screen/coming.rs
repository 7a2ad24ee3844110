//! Screen 7 is a place kept free: it says what will be there and what does the work until then.

use ratatui::layout::Rect;

use super::View;
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

macro_rules! coming {
    ($($name:ident $title:literal $what:literal $until:literal;)*) => {
        $(
            #[derive(Debug, Clone, Default)]
            pub struct $name;

            impl View for $name {
                fn open(_world: &World) -> Result<Self, &'static str> {
                    Ok(Self)
                }

                fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
                    draw(paint, area, world, $title, [$what, $until]);
                }
            }
        )*
    };
}

coming! {
    Incidents "Incidents" "Alerts that fire, what happened when, and the runbook."
        "Until then failed runs are in the list of runs, and services under Health.";
}

fn draw(paint: &mut Paint<'_>, area: Rect, world: &World, title: &str, lines: [&str; 2]) {
    paint.row(area, 0).gap(1).role(title, Role::Title).gap(2).role("not in this version", Role::Warning);
    for (line, text) in (2..).zip(lines) {
        paint.row(area, line).gap(3).role(text, Role::Text);
    }
    let keys = [(Action::GoRuns, "all runs"), (Action::GoHealth, "the services"), (Action::Palette, "anything by name")];
    for (line, (action, words)) in (5..).zip(keys) {
        let key = paint.style(Role::Key);
        paint.row(area, line).gap(3).column(6, &world.key(action), key).role(words, Role::Dim);
    }
}
