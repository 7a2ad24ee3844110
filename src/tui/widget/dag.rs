//! The run's graph on screen: zoom, scroll, selection. Only the cells in view are painted.

mod draw;
mod strip;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::layout::Rect;

use super::text;
use crate::model::{Run, StageStatus};
use crate::tui::glyph::Charset;
use crate::tui::layout::{Graph, Layout, Step};
use crate::tui::message::LayoutJob;

/// A graph laid out at every zoom level, with the key of the job it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub key: u64,
    pub boxes: Layout,
    pub narrow: Layout,
    pub lines: Layout,
}

impl Picture {
    /// Does the work of a job. Call it off the loop.
    pub fn of(job: &LayoutJob) -> Self {
        let [boxes, narrow, lines] = [&job.boxes, &job.narrow, &job.lines].map(Layout::of);
        Self { key: job.key, boxes, narrow, lines }
    }

    /// Boxes with room for whole words where all of them fit beside each other, narrow ones else.
    fn boxes(&self, width: u16) -> &Layout {
        if self.boxes.width <= i32::from(width) { &self.boxes } else { &self.narrow }
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

/// The graph pane's own state. Stages are meant by their index in the run.
#[derive(Debug, Clone, Default)]
pub struct Dag {
    picture: Option<Box<Picture>>,
    key: u64,
    pub zoom: Zoom,
    selected: usize,
    /// Select whatever runs, until the user selects something.
    pub following: bool,
    scroll: (i32, i32),
    /// Bring the selected stage into view at the next fit.
    reveal: bool,
    area: Rect,
}

/// The least and the most cells of a box.
const BOX_WIDTH: (u16, u16) = (22, 32);
const NARROW_WIDTH: (u16, u16) = (14, 28);
const LINE_WIDTH: u16 = 34;

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

    fn show(&mut self, stage: usize) {
        self.reveal |= stage != self.selected;
        self.selected = stage;
    }

    /// Takes note of the run as it is now; returns the layout to be made when its graph is a new one.
    pub fn update(&mut self, run: &Run, charset: Charset) -> Option<LayoutJob> {
        if self.following {
            self.show(busy(run).unwrap_or(self.selected));
        }
        self.show(self.selected.min(run.stages.len().saturating_sub(1)));
        let mut hasher = DefaultHasher::new();
        for stage in run.stages.values() {
            (&stage.id, stage.title(), &stage.depends_on).hash(&mut hasher);
        }
        let key = hasher.finish();
        if key == self.key {
            return None;
        }
        self.key = key;
        self.reveal = true;
        Some(job(run, key, charset))
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
            Level::Lines => Some(&picture.lines),
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
                if fits(boxes) || !fits(&picture.lines) && boxes.height <= i32::from(most_rows) {
                    Level::Boxes
                } else {
                    Level::Lines
                }
            }
        }
    }

    /// Rows the graph would like to have, up to `most`.
    pub fn rows(&self, width: u16, most: u16, stages: usize) -> u16 {
        let level = self.level(width, most);
        let wanted = match (level, self.layout(level, width)) {
            (Level::List, _) => stages,
            // One row more for the strip when the graph goes on to the side.
            (_, Some(layout)) => usize::try_from(layout.height + i32::from(layout.width > i32::from(width))).unwrap_or(0),
            (_, None) => 3,
        };
        u16::try_from(wanted).unwrap_or(u16::MAX).clamp(1, most.max(1))
    }

    /// The graph's part of the pane, and the row below it that shows a graph which does not fit as a strip.
    fn split(&self, area: Rect, level: Level) -> (Rect, Option<Rect>) {
        let fits = |layout: &Layout| layout.width <= i32::from(area.width) && layout.height <= i32::from(area.height);
        if area.height < 2 || self.layout(level, area.width).is_none_or(fits) {
            return (area, None);
        }
        (Rect { height: area.height - 1, ..area }, Some(Rect { y: area.bottom() - 1, height: 1, ..area }))
    }

    /// Keeps scroll and selection consistent with the pane's size.
    pub fn fit(&mut self, area: Rect, most_rows: u16, run: &Run) {
        self.reveal |= area != self.area;
        self.area = area;
        let level = self.level(area.width, most_rows);
        let (area, _) = self.split(area, level);
        let (width, height) = (i32::from(area.width), i32::from(area.height));
        let Some(layout) = self.layout(level, area.width) else {
            let rows = i32::try_from(run.stages.len()).unwrap_or(i32::MAX);
            let at = i32::try_from(self.selected).unwrap_or(0);
            self.scroll = (0, near(self.scroll.1, at, at + 1, height, 0).min(rows - height).max(0));
            return;
        };
        let mut scroll = self.scroll;
        if self.reveal
            && let Some(place) = layout.places.get(self.selected)
        {
            let (right, bottom) = (place.x + i32::from(place.width), place.y + i32::from(layout.node_height));
            scroll = (near(scroll.0, place.x, right, width, 8), near(scroll.1, place.y, bottom, height, 0));
        }
        let (most_x, most_y) = ((layout.width - width).max(0), (layout.height - height).max(0));
        self.scroll = (scroll.0.clamp(0, most_x), scroll.1.clamp(0, most_y));
        self.reveal = false;
    }

    /// Walks one step. In a list, left and right still go along edges.
    pub fn walk(&mut self, step: Step, run: &Run) {
        let level = self.level(self.area.width, self.area.height);
        let vertical = matches!(step, Step::Up | Step::Down);
        let target = match (level, self.picture()) {
            (Level::List, _) | (_, None) if vertical => match step {
                Step::Up => self.selected.checked_sub(1),
                _ => Some(self.selected + 1),
            },
            (_, Some(picture)) => picture.lines.step(self.selected, step),
            (_, None) => None,
        };
        self.select(target.filter(|stage| *stage < run.stages.len()).unwrap_or(self.selected));
    }

    /// The next failed stage in the order of the document, going round.
    pub fn next_failed(&mut self, run: &Run, backwards: bool) -> bool {
        let failed: Vec<usize> =
            run.stages.values().enumerate().filter(|(_, stage)| stage.status.is_failure()).map(|(at, _)| at).collect();
        let found = if backwards {
            failed.iter().rev().find(|at| **at < self.selected).or(failed.last())
        } else {
            failed.iter().find(|at| **at > self.selected).or(failed.first())
        };
        if let Some(at) = found {
            self.select(*at);
        }
        found.is_some()
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

/// The stage that matters now: the one that started last of those running, else the failure, else the last to end.
fn busy(run: &Run) -> Option<usize> {
    let stages = || run.stages.values().enumerate();
    let active =
        |status: StageStatus| matches!(status, StageStatus::Running | StageStatus::Retrying | StageStatus::WaitingApproval);
    let running = stages()
        .filter(|(_, stage)| active(stage.status))
        .max_by_key(|(_, stage)| (stage.attempts.last().map(|attempt| attempt.started_at), stage.started_at));
    let failed = || run.first_failure().and_then(|failed| run.stages.get_index_of(&failed.id));
    let last = || stages().filter(|(_, stage)| !stage.attempts.is_empty()).max_by_key(|(_, stage)| stage.finished_at);
    running.map(|(at, _)| at).or_else(failed).or_else(|| last().map(|(at, _)| at))
}

fn job(run: &Run, key: u64, charset: Charset) -> LayoutJob {
    let index = |id| run.stages.get_index_of(id).and_then(|at| u32::try_from(at).ok());
    let mut edges = Vec::new();
    for (to, stage) in (0u32..).zip(run.stages.values()) {
        edges.extend(stage.depends_on.iter().filter_map(index).map(|from| (from, to)));
    }
    let titles: Vec<u16> = run.stages.values().map(|stage| text::width(stage.title(), charset)).collect();
    let wide = |(least, most): (u16, u16)| titles.iter().map(|title| title.saturating_add(6).clamp(least, most)).collect();
    let graph = |widths, height| Graph { widths, edges: edges.clone(), height, gap: 0 };
    let lines = titles.iter().map(|title| title.saturating_add(9).min(LINE_WIDTH)).collect();
    LayoutJob { key, boxes: graph(wide(BOX_WIDTH), 3), narrow: graph(wide(NARROW_WIDTH), 3), lines: graph(lines, 1) }
}
