//! A very long line comes in parts: which of the lines that are held belong together, and the matches across their borders.

use std::ops::Range;

use super::LogPane;
use super::line::Line;

/// Bytes of the parts around a part in which a match of it may begin or end.
const EDGE: usize = 4 * 1024;
/// Lines of other streams and logs between two parts, at most.
const BETWEEN: usize = 50;

impl LogPane {
    /// The part that this line continues, when it is held.
    pub(super) fn part_before(&self, line: &Line) -> Option<&Line> {
        let before = self.held.lines.range(..self.held.position(line.number)).rev().take(BETWEEN);
        before.into_iter().find(|before| is_beside(before, line)).filter(|before| before.partial)
    }

    /// The part that continues this line, when it is held.
    fn part_after(&self, line: &Line) -> Option<&Line> {
        let after = self.held.lines.range(self.held.position(line.number.saturating_add(1))..).take(BETWEEN);
        after.into_iter().find(|after| is_beside(line, after)).filter(|_| line.partial)
    }

    /// Where the text of a line matches what is searched for, also when the match begins or ends in another part.
    pub(super) fn marks(&self, line: &Line) -> Vec<Range<usize>> {
        let Some(search) = &self.search else { return Vec::new() };
        let text = line.shown.text.as_str();
        let before = self.part_before(line).filter(|before| before.cut == 0).map_or("", |before| &before.shown.text);
        let after = self.part_after(line).filter(|_| line.cut == 0).map_or("", |after| &after.shown.text);
        if before.is_empty() && after.is_empty() {
            return search.ranges(text);
        }
        let before = &before[before.ceil_char_boundary(before.len().saturating_sub(EDGE))..];
        let after = &after[..after.floor_char_boundary(EDGE)];
        let (from, to) = (before.len(), before.len() + text.len());
        let found = search.ranges(&format!("{before}{text}{after}")).into_iter();
        let inside = found.filter(|hit| hit.start < to && hit.end > from);
        inside.map(|hit| hit.start.max(from) - from..hit.end.min(to) - from).collect()
    }
}

/// Both are of the same stream of the same log.
fn is_beside(a: &Line, b: &Line) -> bool {
    let log = |line: &Line| line.of.as_ref().map(|(stage, _)| stage.clone());
    a.stream == b.stream && log(a) == log(b)
}
