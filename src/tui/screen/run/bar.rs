//! Paints where a replay is: state, speed, time, a bar with its marks, events.

use super::RunScreen;
use crate::model::Timestamp;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;

/// Cells that the numbers keep for themselves.
const NARROWEST: u16 = 8;

impl RunScreen {
    pub(super) fn draw_replay(&self, paint: &mut Paint<'_>) {
        let Some(player) = self.player.as_ref().filter(|_| self.parts.bar.height > 0) else { return };
        let charset = paint.look.charset;
        let tape = player.tape();
        let span = tape.end().since(tape.begin());
        let mut row = paint.row(self.parts.bar, 0);
        let events = format!("event {}/{}", tape.position(), tape.len());
        let (dim, text) = (row.style(Role::Dim), row.style(Role::Text));
        row.right(&[(&events, dim), (" ", text)]);
        let state = if player.is_playing() { "playing" } else { "paused" };
        row.gap(1).role(charset.player(player.is_playing()), Role::Accent).gap(1).role("replay", Role::Title);
        row.gap(1).role(state, Role::Accent).gap(1).role(&format!("{}x", player.speed()), Role::Text).gap(2);
        let at = player.time().since(tape.begin());
        row.role(&clock(at), Role::Text).role("/", Role::Dim).role(&clock(span), Role::Dim).gap(1);
        let width = row.room();
        if width < NARROWEST {
            return;
        }
        let place = |time: Timestamp| {
            let share = time.since(tape.begin()).as_millis() * u128::from(width - 1) / span.as_millis().max(1);
            u16::try_from(share).unwrap_or(width - 1).min(width - 1)
        };
        let (here, failure) = (place(player.time()), tape.first_failure().map(|position| place(tape.time_of(position))));
        let (done, ahead) = charset.track();
        let symbols = (0..width).map(|x| match x {
            x if x == here => (charset.knob(), Role::Accent),
            x if Some(x) == failure => (charset.stage(crate::model::StageStatus::Failed), Role::Failure),
            x if x < here => (done, Role::Accent),
            _ => (ahead, Role::Border),
        });
        for (symbol, role) in symbols {
            let style = row.style(role);
            row.put(symbol, style);
        }
    }
}

/// `0:07`, `12:40`, `3:02:40`
fn clock(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds % 3_600 / 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
