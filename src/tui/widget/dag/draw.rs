//! Paints the part of the graph that is in view.

use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{Dag, Level, strip};
use crate::model::{Run, Stage, StageStatus, Timestamp};
use crate::tui::glyph::{short_word, stage_word};
use crate::tui::layout::{Channel, Layout, Net, Sink};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::paint::Paint;

impl Dag {
    /// `most_rows` is what `level` was asked with.
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, most_rows: u16, run: &Run, now: Timestamp, focused: bool) {
        let level = self.level(area.width, most_rows);
        match (level, self.layout(level, area.width)) {
            (Level::List, _) => self.draw_list(paint, area, run, now, focused),
            (_, Some(layout)) => {
                let (area, below) = self.split(area, level);
                let terse = self.picture().is_some_and(|picture| std::ptr::eq(layout, &picture.narrow));
                let view = View { layout, scroll: self.scroll, area, terse };
                view.edges(paint, self.selected);
                view.nodes(paint, run, now, self.selected, focused);
                if let Some(below) = below {
                    strip::draw(paint, below, layout, run, self.selected);
                    view.hints(paint, below);
                }
            }
            (_, None) => {
                paint.row(area, 0).gap(1).role("drawing the graph", Role::Dim);
            }
        }
    }

    fn draw_list(&self, paint: &mut Paint<'_>, area: Rect, run: &Run, now: Timestamp, focused: bool) {
        let charset = paint.look.charset;
        let name = run.stages.values().map(|stage| stage.title().len()).max().unwrap_or(0).clamp(8, 32);
        let top = usize::try_from(self.scroll.1).unwrap_or(0);
        for (line, (at, stage)) in (0..area.height).zip(run.stages.values().enumerate().skip(top)) {
            let status = paint.look.theme.stage(stage.status);
            let (text, dim) = (paint.style(Role::Text), paint.style(Role::Dim));
            let mut row = paint.row(area, line);
            row.gap(1).put(charset.stage(stage.status), status).gap(1);
            row.column(u16::try_from(name).unwrap_or(20), stage.title(), text).gap(2);
            row.column(16, stage_word(stage.status), status).gap(1).number(6, &took(stage, now), text).gap(2);
            row.column(4, &tries(stage, charset.times()), dim).gap(1).column(16, &stage.component, dim).gap(1);
            let after = stage.depends_on.iter().map(crate::model::StageId::as_str).collect::<Vec<_>>().join(" ");
            if !after.is_empty() {
                row.role("after ", Role::Dim).role(&after, Role::Dim);
            }
            if at == self.selected {
                let style = paint.style(Role::Selection);
                let row = Rect { y: area.y + line, height: 1, ..area };
                if focused {
                    paint.shade(row, style);
                } else {
                    paint.symbol(area.x, row.y, charset.pointer(), paint.style(Role::Accent));
                }
            }
        }
    }
}

/// A window onto a layout.
struct View<'a> {
    layout: &'a Layout,
    scroll: (i32, i32),
    area: Rect,
    /// Short words for statuses: the boxes are narrow.
    terse: bool,
}

/// The sides that edges touch in each cell of the view, and whether the selected stage's edges are among them.
struct Cells {
    width: i32,
    height: i32,
    origin: (i32, i32),
    sides: Vec<u8>,
    hot: Vec<bool>,
}

const UP: u8 = 1;
const RIGHT: u8 = 2;
const DOWN: u8 = 4;
const LEFT: u8 = 8;
const ARROW: u8 = 16;

impl Cells {
    fn mark(&mut self, x: i32, y: i32, sides: u8, hot: bool) {
        let (x, y) = (x - self.origin.0, y - self.origin.1);
        if x < 0 || y < 0 || x >= self.width || y >= self.height {
            return;
        }
        if let Some(at) = usize::try_from(y * self.width + x).ok().filter(|at| *at < self.sides.len()) {
            self.sides[at] |= sides;
            self.hot[at] |= hot;
        }
    }

    fn across(&mut self, from: i32, to: i32, y: i32, hot: bool) {
        for x in from.max(self.origin.0)..to.min(self.origin.0 + self.width) {
            self.mark(x, y, LEFT | RIGHT, hot);
        }
    }

    fn down(&mut self, x: i32, from: i32, to: i32, hot: bool) {
        let (low, high) = (from.min(to), from.max(to));
        for y in low.max(self.origin.1)..=high.min(self.origin.1 + self.height - 1) {
            let sides = if y > low { UP } else { 0 } | if y < high { DOWN } else { 0 };
            self.mark(x, y, sides, hot);
        }
    }

    fn net(&mut self, channel: &Channel, net: &Net, sinks: &[Sink], hot: bool) {
        let end = channel.x + i32::from(channel.width);
        for sink in sinks {
            match net.track {
                Some(track) => {
                    self.across(channel.x, track, net.row, hot);
                    self.mark(track, net.row, LEFT, hot);
                    self.down(track, net.row, sink.row, hot);
                    self.mark(track, sink.row, RIGHT, hot);
                    self.across(track + 1, end, sink.row, hot);
                }
                None => self.across(channel.x, end, net.row, hot),
            }
            if sink.node.is_some() {
                self.mark(end - 1, sink.row, ARROW, hot);
            }
        }
    }
}

impl View<'_> {
    fn edges(&self, paint: &mut Paint<'_>, selected: usize) {
        let (width, height) = (i32::from(self.area.width), i32::from(self.area.height));
        let size = usize::from(self.area.width) * usize::from(self.area.height);
        let mut cells = Cells { width, height, origin: self.scroll, sides: vec![0; size], hot: vec![false; size] };
        let layers = self.layout.visible_layers(self.scroll.0, self.scroll.0 + width);
        for number in layers.clone() {
            let layer = &self.layout.layers[number];
            let hot = |owner: u32| owner as usize == selected;
            for (row, owner) in &layer.through {
                cells.across(layer.x, layer.x + i32::from(layer.width), *row, hot(*owner));
            }
            let Some(channel) = self.layout.channels.get(number) else { continue };
            for net in &channel.nets {
                cells.net(channel, net, &net.sinks, hot(net.source));
            }
        }
        self.incoming(&mut cells, selected);
        self.paint_edges(paint, &cells);
    }

    /// Marks the way from each predecessor to the selected stage, and only that.
    fn incoming(&self, cells: &mut Cells, selected: usize) {
        let layout = self.layout;
        let Some(place) = layout.places.get(selected) else { return };
        for &from in layout.predecessors(selected) {
            let mut row = layout.port_row(from as usize);
            let first = layout.places[from as usize].layer as usize;
            for number in first..place.layer as usize {
                let channel = &layout.channels[number];
                if number > first {
                    let layer = &layout.layers[number];
                    cells.across(layer.x, layer.x + i32::from(layer.width), row, true);
                }
                let last = number + 1 == place.layer as usize;
                let Some(net) = channel.nets.iter().find(|net| net.source == from && net.row == row) else { break };
                let leads = |sink: &&Sink| if last { sink.node == u32::try_from(selected).ok() } else { sink.node.is_none() };
                let Some(sink) = net.sinks.iter().find(leads) else { break };
                cells.net(channel, net, std::slice::from_ref(sink), true);
                row = sink.row;
            }
        }
    }

    fn paint_edges(&self, paint: &mut Paint<'_>, cells: &Cells) {
        let (plain, hot) = (paint.style(Role::Edge), paint.style(Role::EdgeHot));
        let charset = paint.look.charset;
        let mut at = 0;
        for y in self.area.top()..self.area.bottom() {
            for x in self.area.left()..self.area.right() {
                let sides = cells.sides[at];
                if sides != 0 {
                    let symbol = if sides & ARROW == 0 { charset.edge(sides) } else { charset.arrow() };
                    paint.symbol(x, y, symbol, if cells.hot[at] { hot } else { plain });
                }
                at += 1;
            }
        }
    }

    fn nodes(&self, paint: &mut Paint<'_>, run: &Run, now: Timestamp, selected: usize, focused: bool) {
        let (top, bottom) = (self.scroll.1, self.scroll.1 + i32::from(self.area.height));
        let height = i32::from(self.layout.node_height);
        for layer in &self.layout.layers[self.layout.visible_layers(self.scroll.0, self.scroll.0 + i32::from(self.area.width))] {
            let first = layer.nodes.partition_point(|node| self.layout.places[*node as usize].y + height <= top);
            for node in layer.nodes[first..].iter().map(|node| *node as usize) {
                let place = self.layout.places[node];
                if place.y >= bottom {
                    break;
                }
                let Some((_, stage)) = run.stages.get_index(node) else { continue };
                let mut clip = Clip::new(self, place.x, place.y, place.width, self.layout.node_height);
                let leads_on = !self.layout.successors(node).is_empty();
                let shown = Shown { stage, now, selected: node == selected, focused, leads_on, terse: self.terse };
                if height == 1 { clip.line(paint, &shown) } else { clip.boxed(paint, &shown) }
            }
        }
    }

    /// Marks at the end of the strip: which ways the picture goes on.
    fn hints(&self, paint: &mut Paint<'_>, below: Rect) {
        let [left, right, up, down] = paint.look.charset.more();
        let (width, height) = (i32::from(self.area.width), i32::from(self.area.height));
        let ways = [
            (left, self.scroll.0 > 0),
            (up, self.scroll.1 > 0),
            (down, self.scroll.1 + height < self.layout.height),
            (right, self.scroll.0 + width < self.layout.width),
        ];
        let marks: String = ways.iter().filter(|(_, open)| *open).map(|(mark, _)| *mark).collect();
        let style = paint.style(Role::Accent);
        paint.row(below, 0).right(&[(&marks, style), (" ", style)]);
    }
}

struct Shown<'a> {
    stage: &'a Stage,
    now: Timestamp,
    selected: bool,
    focused: bool,
    leads_on: bool,
    terse: bool,
}

/// A node that may stick out of the view: painted into a small buffer of its own, then the visible part is copied.
struct Clip {
    own: ratatui::buffer::Buffer,
    at: (i32, i32),
    area: Rect,
}

impl Clip {
    fn new(view: &View<'_>, x: i32, y: i32, width: u16, height: u16) -> Self {
        let at = (x - view.scroll.0, y - view.scroll.1);
        Self { own: ratatui::buffer::Buffer::empty(Rect::new(0, 0, width, height)), at, area: view.area }
    }

    fn boxed(&mut self, paint: &mut Paint<'_>, shown: &Shown<'_>) {
        let (look, area) = (paint.look, self.own.area);
        let charset = look.charset;
        let status = look.theme.stage(shown.stage.status);
        let mut own = Paint::new(&mut self.own, look);
        own.clear(area);
        let (frame, edge) = match (shown.selected, shown.focused) {
            (true, true) => (charset.heavy_frame(), look.style(Role::Accent)),
            (true, false) => (charset.heavy_frame(), look.style(Role::Text)),
            (false, _) => (charset.frame(), frame_style(look, shown.stage.status)),
        };
        own.frame(area, frame, edge);
        let inner = Rect { x: 2, width: area.width.saturating_sub(4), ..area };
        let name = if shown.stage.status == StageStatus::Skipped { Role::Dim } else { Role::Title };
        let title = own.text(3, 0, area.width.saturating_sub(6), shown.stage.title(), look.style(name));
        own.symbol(2, 0, " ", edge);
        own.symbol(3 + title, 0, " ", edge);
        let (time, tries) = (took(shown.stage, shown.now), tries(shown.stage, charset.times()));
        let mut row = own.row(inner, 1);
        let tries = if tries.is_empty() { tries } else { format!("{tries} ") };
        row.right(&[(&tries, look.style(Role::Warning)), (&time, look.style(Role::Text))]);
        row.put(charset.stage(shown.stage.status), status).gap(1);
        let word = if shown.terse { short_word(shown.stage.status) } else { stage_word(shown.stage.status) };
        // Beside many attempts and a long time only the shape has room.
        if !shown.terse || super::text::width(word, charset) <= row.room() {
            row.put(word, status);
        }
        self.copy(paint);
    }

    fn line(&mut self, paint: &mut Paint<'_>, shown: &Shown<'_>) {
        let (look, area) = (paint.look, self.own.area);
        let status = look.theme.stage(shown.stage.status);
        let mut own = Paint::new(&mut self.own, look);
        own.clear(area);
        let word = short_word(shown.stage.status);
        let name = if shown.stage.status == StageStatus::Skipped { Role::Dim } else { Role::Text };
        let mut row = own.row(area, 0);
        row.put(look.charset.stage(shown.stage.status), status).gap(1);
        let room = row.room().saturating_sub(6);
        let title = super::text::width(shown.stage.title(), look.charset).min(room);
        let name = look.style(name);
        row.column(title, shown.stage.title(), name).gap(1).put(word, status);
        let used = row.x();
        if shown.leads_on && used + 1 < area.width {
            row.gap(1).rule(look.style(Role::Edge));
        }
        if shown.selected {
            let style = if shown.focused { look.style(Role::Selection) } else { look.style(Role::Title) };
            own.shade(Rect { width: used, ..area }, style);
        }
        self.copy(paint);
    }

    fn copy(&self, paint: &mut Paint<'_>) {
        let area = self.own.area;
        for y in 0..area.height {
            for x in 0..area.width {
                let (to_x, to_y) = (self.at.0 + i32::from(x), self.at.1 + i32::from(y));
                let inside = to_x >= 0 && to_y >= 0 && to_x < i32::from(self.area.width) && to_y < i32::from(self.area.height);
                let (Ok(dx), Ok(dy), true) = (u16::try_from(to_x), u16::try_from(to_y), inside) else { continue };
                if let Some(cell) = paint.buffer.cell_mut((self.area.x + dx, self.area.y + dy)) {
                    *cell = self.own[(x, y)].clone();
                    if dx + 1 == self.area.width && cell.symbol().width() > 1 {
                        cell.set_symbol(" ");
                    }
                }
            }
        }
    }
}

/// Boxes of stages that need a look have coloured frames; the others stay quiet.
fn frame_style(look: &crate::tui::widget::paint::Look, status: StageStatus) -> Style {
    match status {
        StageStatus::Pending | StageStatus::Ready | StageStatus::Skipped | StageStatus::Succeeded | StageStatus::Cancelled => {
            look.style(Role::Edge)
        }
        StageStatus::WaitingApproval
        | StageStatus::Running
        | StageStatus::Retrying
        | StageStatus::Failed
        | StageStatus::TimedOut
        | StageStatus::Unknown => look.theme.stage(status),
    }
}

/// How long a stage took or has taken; `kept` when its result comes from an earlier run.
pub fn took(stage: &Stage, now: Timestamp) -> String {
    match (stage.elapsed(now), stage.finished_at) {
        _ if stage.reused => "kept".to_owned(),
        (Some(elapsed), Some(_)) => format::duration(elapsed),
        (Some(elapsed), None) => format::running(elapsed),
        (None, _) => String::new(),
    }
}

/// `×2` from the second attempt on.
fn tries(stage: &Stage, times: &str) -> String {
    match stage.attempts.last() {
        Some(attempt) if attempt.number > 1 => format!("{times}{}", attempt.number),
        _ => String::new(),
    }
}
