//! Paints the first line of the run screen. What matters most is there at every width: how the run stands and how many of
//! its stages went wrong, then what it waits for; names are shortened before anything of that goes.

use std::time::Duration;

use ratatui::style::Style;

use super::RunScreen;
use super::ask::GRACE_SECONDS;
use crate::model::{Run, RunStatus, Tally};
use crate::tui::theme::Role;
use crate::tui::widget::paint::{Look, Paint};
use crate::tui::widget::{format, text};
use crate::tui::world::World;

/// Cells that a long name keeps while there is something to say beside it.
const SHORT_NAME: u16 = 16;

/// Less than this is no waiting.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// How soon a piece goes when there is no room; the status never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Status,
    Trouble,
    Wait,
    Took,
    Count,
    Critical,
    Id,
    /// From here on a piece goes before the name is shortened.
    Origin,
    Detail,
}

/// Words that are said together or not at all.
struct Piece {
    rank: Rank,
    words: Vec<(String, Style)>,
    gap: u16,
}

impl Piece {
    fn new(rank: Rank, words: Vec<(String, Style)>) -> Self {
        Self { rank, words, gap: 2 }
    }

    fn after(self, gap: u16) -> Self {
        Self { gap, ..self }
    }

    fn width(&self, look: &Look) -> u16 {
        self.gap + self.words.iter().map(|(words, _)| text::width(words, look.charset)).sum::<u16>()
    }
}

impl RunScreen {
    pub(super) fn draw_heading(&self, paint: &mut Paint<'_>, run: &Run, world: &World) {
        let look = paint.look;
        let mut row = paint.row(self.parts.heading, 0);
        row.gap(1);
        let name = text::width(&run.pipeline.name, look.charset);
        let mut pieces = self.pieces(look, run, world);
        let wanted = |pieces: &[Piece]| pieces.iter().map(|piece| piece.width(look)).sum::<u16>();
        while let Some(last) = pieces.iter().map(|piece| piece.rank).max().filter(|last| *last > Rank::Status) {
            let least = if last >= Rank::Origin { name } else { name.min(SHORT_NAME) };
            if wanted(&pieces) + least <= row.room() {
                break;
            }
            let at = pieces.iter().rposition(|piece| piece.rank == last);
            at.map(|at| pieces.remove(at));
        }
        let most = row.room().saturating_sub(wanted(&pieces));
        row.column(name.min(most), &run.pipeline.name, look.style(Role::Title));
        for piece in &pieces {
            row.gap(piece.gap);
            piece.words.iter().for_each(|(words, style)| {
                row.put(words, *style);
            });
        }
        row.gap(2);
        let (dim, text) = (look.style(Role::Dim), look.style(Role::Text));
        let (what, when) = self.when(run, world);
        let room = row.room();
        row.right(&[("by ", dim), (&run.actor.name, text), (what, dim), (&when, text), (" ", text)]);
        if row.room() == room {
            row.right(&[(what.trim_start(), dim), (&when, text), (" ", text)]);
        }
    }

    /// When it began or ended. What stands still on screen is told by the clock; only what goes on is told by its age.
    fn when(&self, run: &Run, world: &World) -> (&'static str, String) {
        match run.finished_at {
            Some(end) => ("  ended ", world.clock(end)),
            None if self.player.is_none() && self.is_going() => ("  started ", format::ago(run.created_at, world.now)),
            None => ("  started ", world.clock(run.created_at)),
        }
    }

    fn pieces(&self, look: &Look, run: &Run, world: &World) -> Vec<Piece> {
        let status = look.theme.run(run.status);
        let said = |words: &str, role: Role| (words.to_owned(), look.style(role));
        let tally = run.tally();
        let id = Piece::new(Rank::Id, vec![said(self.id.as_str(), Role::Dim)]).after(1);
        let standing = format!("{} {}", look.charset.run(run.status), run.status.name());
        let mut pieces = vec![id, Piece::new(Rank::Status, vec![(standing, status)])];
        if let Some(started) = run.started_at {
            let took = match run.finished_at {
                Some(end) => format::duration(end.since(started)),
                None => format::running(self.now(world).since(started)),
            };
            pieces.push(Piece::new(Rank::Took, vec![said(&took, Role::Text)]).after(1));
        }
        let count = format!("{}/{}", tally.ended(), tally.total);
        pieces.push(Piece::new(Rank::Count, vec![said(&count, Role::Text), said(" stages", Role::Dim)]));
        for (rank, number, word, role) in parts(tally).into_iter().filter(|(_, number, ..)| *number > 0) {
            pieces.push(Piece::new(rank, vec![said(&format!("{number} {word}"), role)]));
        }
        if let (RunStatus::Cancelling, Some(at)) = (run.status, self.cancel_at) {
            let left = GRACE_SECONDS.saturating_sub(self.now(world).since(at).as_secs());
            pieces.push(Piece::new(Rank::Wait, vec![said(&format!("kill in {left}s"), Role::Warning)]));
        }
        if !run.needs.is_empty() {
            pieces.push(Piece::new(Rank::Wait, vec![said("needs ", Role::Waiting), said(&run.needs.join(", "), Role::Text)]));
        }
        if let Some(earlier) = &run.rerun_of {
            let words = match &run.pipeline.edited_from {
                Some(hash) => {
                    let short = hash.get(..8).unwrap_or(hash);
                    vec![said("edited from ", Role::Warning), said(short, Role::Text), said(" of ", Role::Dim)]
                }
                None => vec![said("again from ", Role::Dim)],
            };
            let words = words.into_iter().chain([said(earlier.as_str(), Role::Text)]).collect();
            pieces.push(Piece::new(Rank::Origin, words));
            if run.pipeline.renewed_from.is_some() {
                let words = vec![said("with ", Role::Dim), said("the file read anew", Role::Warning)];
                pieces.push(Piece::new(Rank::Origin, words).after(1));
            }
        }
        if let Some(critical) = self.dag.critical() {
            let (took, steps) = (format::duration(critical.took), format::plural(critical.stages.len(), "stage", "stages"));
            pieces.push(Piece::new(Rank::Critical, vec![said("critical ", Role::Title), said(&took, Role::Text)]));
            pieces.push(Piece::new(Rank::Detail, vec![said(&format!("in {steps}"), Role::Dim)]).after(1));
            let waited = if run.status.is_final() { format::duration } else { format::running }(critical.waited);
            if critical.waited >= WORTH_SAYING {
                let words = vec![said(&format!("+{waited}"), Role::Text), said(" waiting", Role::Dim)];
                pieces.push(Piece::new(Rank::Critical, words).after(1));
            }
        }
        pieces
    }
}

/// What became of the stages that did not simply succeed.
fn parts(tally: Tally) -> [(Rank, usize, &'static str, Role); 6] {
    [
        (Rank::Trouble, tally.failed, "failed", Role::Failure),
        (Rank::Trouble, tally.timed_out, "timed out", Role::Failure),
        (Rank::Trouble, tally.unknown, "unknown", Role::Warning),
        (Rank::Detail, tally.cancelled, "cancelled", Role::Dim),
        (Rank::Detail, tally.skipped, "skipped", Role::Dim),
        (Rank::Detail, tally.not_reached, "not reached", Role::Dim),
    ]
}
