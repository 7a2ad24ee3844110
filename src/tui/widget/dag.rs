//! The run's graph on screen: zoom, scroll, selection. Only the cells in view are painted.

mod board;
mod critical;
mod draw;
mod edges;
mod facts;
mod list;
mod node;
mod strip;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::layout::Rect;

use super::text;
use crate::model::{Part, Run, Stage, Timestamp};
use crate::tui::glyph::Charset;
use crate::tui::layout::{Graph, Layout};
use crate::tui::message::LayoutJob;
use board::Board;
pub use critical::Critical;
pub use facts::{Facts, Scene};
pub use walk::wants_attention;

/// A graph laid out at every zoom level, with the key of the job it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub key: u64,
    pub boxes: Layout,
    pub narrow: Layout,
    /// Lines that tell times too.
    pub long: Layout,
    pub lines: Layout,
}

impl Picture {
    /// Does the work of a job. Call it off the loop.
    pub fn of(job: &LayoutJob) -> Self {
        let [boxes, narrow, long, lines] = [&job.boxes, &job.narrow, &job.long, &job.lines].map(Layout::of);
        Self { key: job.key, boxes, narrow, long, lines }
    }

    /// Boxes with room for whole words where all of them fit beside each other, narrow ones else.
    fn boxes(&self, width: u16) -> &Layout {
        if self.boxes.width <= i32::from(width) { &self.boxes } else { &self.narrow }
    }

    /// Lines with room for all facts where all of them fit beside each other, short ones else.
    fn lines(&self, width: u16) -> &Layout {
        if self.long.width <= i32::from(width) { &self.long } else { &self.lines }
    }
}

/// How the graph is shown. `Auto` takes boxes when all of them fit, lines otherwise; it does not depend on statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zoom {
    #[default]
    Auto,
    Boxes,
    Lines,
    List,
}

/// What is on screen after `Auto` has been decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Boxes,
    Lines,
    List,
}

/// The graph pane's own state. Stages are meant by their index in the run; the selected one may be an instance, which is
/// drawn in the box of its stage as written.
#[derive(Debug, Clone, Default)]
pub struct Dag {
    picture: Option<Box<Picture>>,
    key: u64,
    pub zoom: Zoom,
    board: Board,
    selected: usize,
    /// Stages whose instances are listed.
    unfolded: BTreeSet<usize>,
    /// The critical path while it is shown; made anew when the pane is fitted.
    critical: Option<Critical>,
    /// Select whatever runs, until the user selects something.
    pub following: bool,
    scroll: (i32, i32),
    /// What the zoom was last chosen with.
    most_rows: u16,
    /// Bring the selected stage into view at the next fit.
    reveal: bool,
    area: Rect,
}

/// The least and the most cells of a box.
const BOX_WIDTH: (u16, u16) = (22, 32);
const NARROW_WIDTH: (u16, u16) = (17, 28);
/// The least of a narrow box that also tells how far its work is.
const REMARK_WIDTH: u16 = 20;
const LINE_WIDTH: u16 = 34;
/// What a line needs more to tell its time and its attempts, and how far its work is.
const TIME: u16 = 9;
const REMARK: u16 = 6;

impl Dag {
    pub fn new() -> Self {
        Self { following: true, reveal: true, ..Self::default() }
    }

    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Selects a stage on the user's word: the running one is not followed any more.
    pub fn select(&mut self, stage: usize) {
        self.following = false;
        self.show(stage);
    }

    /// Selects what matters now, and goes on doing so.
    pub fn follow(&mut self, run: &Run) {
        self.following = true;
        self.show(walk::busy(run, self.selected).unwrap_or(self.selected));
    }

    fn show(&mut self, stage: usize) {
        self.reveal |= stage != self.selected;
        self.selected = stage;
    }

    /// Takes note of the run as it is now; returns the layout to be made when its graph is a new one.
    pub fn update(&mut self, run: &Run, charset: Charset) -> Option<LayoutJob> {
        self.board = Board::of(run);
        if self.following {
            self.follow(run);
        }
        self.show(self.selected.min(run.stages.len().saturating_sub(1)));
        // Of the structure only: neither a status nor an instance may move anything.
        let mut hasher = DefaultHasher::new();
        for stage in run.stages.values().take(self.board.written()) {
            let enclosure = stage.enclosure.as_ref().map(|enclosure| (&enclosure.stage, enclosure.part, enclosure.position));
            (&stage.id, stage.title(), &stage.depends_on, enclosure).hash(&mut hasher);
        }
        let key = hasher.finish();
        if key == self.key {
            return None;
        }
        self.key = key;
        self.reveal = true;
        Some(job(run, &self.board, key, charset))
    }

    /// Takes a finished layout, if it is the one waited for.
    pub fn accept(&mut self, picture: Box<Picture>) {
        if picture.key == self.key {
            self.picture = Some(picture);
            self.reveal = true;
        }
    }

    /// The picture that belongs to the present graph.
    fn picture(&self) -> Option<&Picture> {
        self.picture.as_deref().filter(|picture| picture.key == self.key)
    }

    fn layout(&self, level: Level, width: u16) -> Option<&Layout> {
        let picture = self.picture()?;
        match level {
            Level::Boxes => Some(picture.boxes(width)),
            Level::Lines => Some(picture.lines(width)),
            Level::List => None,
        }
    }

    /// What a pane of this size shows.
    pub fn level(&self, width: u16, most_rows: u16) -> Level {
        match (self.zoom, self.picture()) {
            (Zoom::Boxes, _) => Level::Boxes,
            (Zoom::Lines, _) => Level::Lines,
            (Zoom::List, _) => Level::List,
            (Zoom::Auto, None) => Level::Boxes,
            (Zoom::Auto, Some(picture)) => {
                let fits = |layout: &Layout| layout.width <= i32::from(width) && layout.height <= i32::from(most_rows);
                let boxes = picture.boxes(width);
                if fits(boxes) || !fits(picture.lines(width)) && boxes.height <= i32::from(most_rows) {
                    Level::Boxes
                } else {
                    Level::Lines
                }
            }
        }
    }

    /// Shows the critical path, or does not any more.
    pub fn toggle_critical(&mut self) {
        self.critical = if self.critical.is_some() { None } else { Some(Critical::default()) };
    }

    /// The critical path while it is shown.
    pub fn critical(&self) -> Option<&Critical> {
        self.critical.as_ref()
    }

    /// Rows the graph would like to have, up to `room`; the zoom is chosen for `most`, so that it does not change with the
    /// room.
    pub fn rows(&self, width: u16, most: u16, room: u16) -> u16 {
        let level = self.level(width, most);
        let wanted = match (level, self.layout(level, width)) {
            (Level::List, _) => self.listed().len(),
            // One row more for the strip when the graph goes on to the side.
            (_, Some(layout)) => usize::try_from(layout.height + i32::from(layout.width > i32::from(width))).unwrap_or(0),
            (_, None) => 3,
        };
        u16::try_from(wanted).unwrap_or(u16::MAX).clamp(1, room.max(1))
    }

    /// Where in the pane the graph goes, and what shows the rest of one that does not fit.
    fn split(&self, area: Rect, level: Level) -> Split {
        let whole = Split { graph: area, strip: None, side: None };
        let Some(layout) = self.layout(level, area.width).filter(|_| area.height > 1 && area.width > 1) else { return whole };
        let (wide, high) = (layout.width > i32::from(area.width), layout.height > i32::from(area.height));
        if !wide && !high {
            return whole;
        }
        let graph = Rect { height: area.height - 1, ..area };
        let strip = Some(Rect { y: area.bottom() - 1, height: 1, ..area });
        if layout.height <= i32::from(graph.height) {
            return Split { graph, strip, side: None };
        }
        let side = Some(Rect { x: area.right() - 1, width: 1, ..graph });
        Split { graph: Rect { width: graph.width - 1, ..graph }, strip, side }
    }

    /// Keeps scroll and selection consistent with the pane's size, and the critical path with the time.
    pub fn fit(&mut self, area: Rect, most_rows: u16, run: &Run, now: Timestamp) {
        if self.critical.is_some() {
            self.critical = Some(Critical::of(run, &self.board, now));
        }
        self.reveal |= area != self.area;
        (self.area, self.most_rows) = (area, most_rows);
        let level = self.level(area.width, most_rows);
        let graph = self.split(area, level).graph;
        let (width, height) = (i32::from(graph.width), i32::from(graph.height));
        let Some(layout) = self.layout(level, area.width) else {
            self.scroll = (0, self.fit_list(height));
            return;
        };
        let mut scroll = self.scroll;
        if self.reveal
            && let Some(place) = layout.places.get(self.board.node(run, self.selected))
        {
            let (right, bottom) = (place.x + i32::from(place.width), place.y + i32::from(layout.node_height));
            scroll = (near(scroll.0, place.x, right, width, 8), near(scroll.1, place.y, bottom, height, 0));
        }
        let (most_x, most_y) = ((layout.width - width).max(0), (layout.height - height).max(0));
        self.scroll = (scroll.0.clamp(0, most_x), scroll.1.clamp(0, most_y));
        self.reveal = false;
    }

    /// The row of the list to begin with. A selected instance is always listed.
    fn fit_list(&mut self, height: i32) -> i32 {
        if self.selected >= self.board.written()
            && let Some(node) = (0..self.board.written()).find(|node| self.board.instances(*node).contains(&self.selected))
        {
            self.unfolded.insert(node);
        }
        let rows = self.listed();
        let number = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
        let at = number(rows.iter().position(|row| *row == self.selected).unwrap_or(0));
        // What has just been unfolded is brought into view with its stage.
        let below = if self.reveal && self.unfolded.contains(&self.selected) { self.board.instances(self.selected) } else { &[] };
        self.reveal = false;
        near(self.scroll.1, at, at + 1 + number(below.len()), height, 0).min(number(rows.len()) - height).max(0)
    }

    /// The last stage of the document.
    pub fn last(&self) -> usize {
        self.board.written().saturating_sub(1)
    }

    pub fn cycle_zoom(&mut self, width: u16, most_rows: u16) {
        self.zoom = match self.level(width, most_rows) {
            Level::Boxes => Zoom::Lines,
            Level::Lines => Zoom::List,
            Level::List => Zoom::Boxes,
        };
        self.reveal = true;
    }
}

/// The scroll nearest to `scroll` that shows `from..to` in a view of `size`, with some air where there is room.
fn near(scroll: i32, from: i32, to: i32, size: i32, air: i32) -> i32 {
    let air = air.min(((size - (to - from)) / 2).max(0));
    let low = to + air - size;
    let high = from - air;
    if low > high { from } else { scroll.clamp(low, high) }
}

/// The parts of the pane.
struct Split {
    graph: Rect,
    /// A row for a graph that goes on to the side.
    strip: Option<Rect>,
    /// A column for one that goes on below.
    side: Option<Rect>,
}

fn job(run: &Run, board: &Board, key: u64, charset: Charset) -> LayoutJob {
    let edges = board.edges(run);
    let stages = || run.stages.values().take(board.written());
    let titles: Vec<u16> = stages().map(|stage| text::width(stage.title(), charset)).collect();
    let boxes = titles.iter().map(|title| title.saturating_add(6).clamp(BOX_WIDTH.0, BOX_WIDTH.1)).collect();
    let narrow = titles.iter().zip(stages()).map(|(title, stage)| {
        let least = if remarks(stage) { REMARK_WIDTH } else { NARROW_WIDTH.0 };
        title.saturating_add(6).clamp(least, NARROW_WIDTH.1)
    });
    let narrow = narrow.collect();
    let graph = |widths, height| Graph { widths, edges: edges.clone(), height, gap: 0 };
    let needs = |(title, stage): (&u16, &Stage)| title.saturating_add(9 + 2 * u16::from(stage.enclosure.is_some()));
    let lines = titles.iter().zip(stages()).map(needs);
    let more = |stage| if remarks(stage) { TIME + REMARK } else { TIME };
    let long = lines.clone().zip(stages()).map(|(line, stage)| line.min(LINE_WIDTH) + more(stage)).collect();
    let lines = lines.map(|line| line.min(LINE_WIDTH)).collect();
    LayoutJob { key, boxes: graph(boxes, 3), narrow: graph(narrow, 3), long: graph(long, 1), lines: graph(lines, 1) }
}

/// Whether a stage is of a kind that goes on in parts, items or another run.
fn remarks(stage: &Stage) -> bool {
    let looped = stage.enclosure.as_ref().is_some_and(|enclosure| enclosure.part == Part::Loop);
    looped || matches!(&*stage.component, "foreach" | "trycatch" | "subpipeline")
}
