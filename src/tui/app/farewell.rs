//! What stays on the terminal after the console has gone: at most fifteen plain lines.

use super::App;
use crate::model::{Run, StageStatus};
use crate::tui::glyph::{Charset, stage_word};
use crate::tui::screen::Screen;
use crate::tui::widget::format;
use crate::tui::widget::text::plain;

/// The most lines printed.
pub const MOST_LINES: usize = 15;

/// The lines to print after exit, already safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Farewell {
    pub lines: Vec<String>,
    /// The terminal went away; nobody has left the console.
    pub lost: bool,
}

impl App {
    /// Verdict, failed stages, last error lines and how to come back, of the run looked at last; nothing without one.
    pub fn farewell(&self) -> Farewell {
        let screen = self.stack.iter().rev().find_map(Screen::as_run);
        let Some((screen, run)) = screen.and_then(|screen| screen.run.as_deref().map(|run| (screen, run))) else {
            return Farewell::default();
        };
        let mut lines = vec![self.verdict(run)];
        let failed: Vec<_> = run.stages.values().filter(|stage| stage.status.is_failure()).collect();
        for stage in failed.iter().take(4) {
            let error = stage.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
            lines.push(format!("  {} {}{error}", stage.title(), stage_word(stage.status)));
        }
        if failed.len() > 4 {
            lines.push(format!("  and {} more", failed.len() - 4));
        }
        let shown = screen.log.source().and_then(|(stage, _)| run.stages.get(stage));
        if shown.is_some_and(|stage| matches!(stage.status, StageStatus::Failed | StageStatus::TimedOut)) {
            lines.extend(screen.log.tail(6).into_iter().map(|line| format!("    {line}")));
        }
        let look = if run.status.is_final() { "look again" } else { "the run goes on; come back" };
        lines.push(format!("{look}: flowdeck   details: flowdeck runs show {}", run.id));
        debug_assert!(lines.len() <= MOST_LINES, "{lines:?}");
        let safe = |line: &String| plain(line, self.world.look.charset).chars().take(200).collect();
        Farewell { lines: lines.iter().map(safe).collect(), lost: false }
    }

    fn verdict(&self, run: &Run) -> String {
        let glyph = self.world.look.charset.run(run.status);
        let tally = run.tally();
        let took = match (run.started_at, run.finished_at) {
            (Some(start), Some(end)) => format!(" after {}", format::duration(end.since(start))),
            (Some(start), None) => format!(" for {}", format::running(self.world.now.since(start))),
            (None, _) => String::new(),
        };
        let dash = if self.world.look.charset == Charset::Ascii { "-" } else { "·" };
        format!("{glyph} {} {} {}{took} {dash} {}/{} stages", run.pipeline.name, run.id, run.status, tally.ended(), tally.total)
    }
}
