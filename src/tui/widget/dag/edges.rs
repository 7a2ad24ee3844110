//! The edges in view: which sides they touch in each cell, and what they mean.
//!
//! A way that was not taken is dotted, one on the critical path is double, one that a failure cut ends in its mark.

use super::Dag;
use super::draw::View;
use super::facts::Scene;
use crate::model::StageStatus;
use crate::tui::glyph::{Charset, Stroke};
use crate::tui::layout::{Channel, Net, Sink};
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;

const UP: u8 = 1;
const RIGHT: u8 = 2;
const DOWN: u8 = 4;
const LEFT: u8 = 8;
const ARROW: u8 = 16;

/// An edge of the selected stage.
const HOT: u8 = 1;
const CRITICAL: u8 = 2;
/// An edge that was or may yet be taken.
const OPEN: u8 = 4;
/// An edge from a failed stage to one that was then not reached.
const CUT: u8 = 8;

/// The sides that edges touch in each cell of the view, and the marks of those edges.
struct Cells {
    width: i32,
    height: i32,
    origin: (i32, i32),
    sides: Vec<u8>,
    marks: Vec<u8>,
}

impl Cells {
    fn mark(&mut self, x: i32, y: i32, sides: u8, marks: u8) {
        let (x, y) = (x - self.origin.0, y - self.origin.1);
        if x < 0 || y < 0 || x >= self.width || y >= self.height {
            return;
        }
        if let Some(at) = usize::try_from(y * self.width + x).ok().filter(|at| *at < self.sides.len()) {
            self.sides[at] |= sides;
            self.marks[at] |= marks;
        }
    }

    fn across(&mut self, from: i32, to: i32, y: i32, marks: u8) {
        for x in from.max(self.origin.0)..to.min(self.origin.0 + self.width) {
            self.mark(x, y, LEFT | RIGHT, marks);
        }
    }

    fn down(&mut self, x: i32, from: i32, to: i32, marks: u8) {
        let (low, high) = (from.min(to), from.max(to));
        for y in low.max(self.origin.1)..=high.min(self.origin.1 + self.height - 1) {
            let sides = if y > low { UP } else { 0 } | if y < high { DOWN } else { 0 };
            self.mark(x, y, sides, marks);
        }
    }

    fn sink(&mut self, channel: &Channel, net: &Net, sink: &Sink, marks: u8) {
        let end = channel.x + i32::from(channel.width);
        match net.track {
            Some(track) => {
                self.across(channel.x, track, net.row, marks);
                self.mark(track, net.row, LEFT, marks);
                self.down(track, net.row, sink.row, marks);
                self.mark(track, sink.row, RIGHT, marks);
                self.across(track + 1, end, sink.row, marks);
            }
            None => self.across(channel.x, end, net.row, marks),
        }
        if sink.node.is_some() {
            self.mark(end - 1, sink.row, ARROW, marks);
        }
    }
}

impl View<'_> {
    pub(super) fn edges(&self, paint: &mut Paint<'_>, dag: &Dag, scene: &Scene<'_>) {
        let (width, height) = (i32::from(self.area.width), i32::from(self.area.height));
        let size = usize::from(self.area.width) * usize::from(self.area.height);
        let mut cells = Cells { width, height, origin: self.scroll, sides: vec![0; size], marks: vec![0; size] };
        let meaning = Meaning { view: self, dag, scene };
        for number in self.layout.visible_layers(self.scroll.0, self.scroll.0 + width) {
            let layer = &self.layout.layers[number];
            for (row, owner) in &layer.through {
                let marks = meaning.passing(*owner, number);
                cells.across(layer.x, layer.x + i32::from(layer.width), *row, marks);
            }
            let Some(channel) = self.layout.channels.get(number) else { continue };
            for net in &channel.nets {
                for sink in &net.sinks {
                    let marks = match sink.node {
                        Some(node) => meaning.marks(net.source, node),
                        None => meaning.passing(net.source, number + 1),
                    };
                    cells.sink(channel, net, sink, marks);
                }
            }
        }
        for &from in self.layout.predecessors(self.selected) {
            self.way(&mut cells, from as usize, self.selected, HOT);
        }
        for (from, to) in dag.critical().into_iter().flat_map(super::Critical::edges) {
            self.way(&mut cells, from, to, CRITICAL);
        }
        self.paint_edges(paint, &cells);
    }

    /// How the edges that leave a stage begin.
    pub(super) fn way_out(&self, dag: &Dag, scene: &Scene<'_>, node: usize) -> Option<Stroke> {
        let from = u32::try_from(node).ok().filter(|_| !self.layout.successors(node).is_empty())?;
        if dag.critical().is_some_and(|critical| critical.edges().any(|(before, _)| before == node)) {
            return Some(Stroke::Double);
        }
        let marks = Meaning { view: self, dag, scene }.passing(from, 0);
        Some(if marks & OPEN == 0 { Stroke::Dotted } else { Stroke::Plain })
    }

    /// Marks the way from one stage to another along their edge, and only that.
    fn way(&self, cells: &mut Cells, from: usize, to: usize, marks: u8) {
        let layout = self.layout;
        let (source, target) = (u32::try_from(from).ok(), u32::try_from(to).ok());
        if !layout.successors(from).iter().any(|next| Some(*next) == target) {
            return;
        }
        let mut row = layout.port_row(from);
        let (first, end) = (layout.places[from].layer as usize, layout.places[to].layer as usize);
        for number in first..end {
            let channel = &layout.channels[number];
            if number > first {
                let layer = &layout.layers[number];
                cells.across(layer.x, layer.x + i32::from(layer.width), row, marks);
            }
            let Some(net) = channel.nets.iter().find(|net| Some(net.source) == source && net.row == row) else { break };
            let wanted = if number + 1 == end { target } else { None };
            let Some(sink) = net.sinks.iter().find(|sink| sink.node == wanted) else { break };
            cells.sink(channel, net, sink, marks);
            row = sink.row;
        }
    }

    fn paint_edges(&self, paint: &mut Paint<'_>, cells: &Cells) {
        let charset = paint.look.charset;
        let mut at = 0;
        for y in self.area.top()..self.area.bottom() {
            for x in self.area.left()..self.area.right() {
                let (sides, marks) = (cells.sides[at], cells.marks[at]);
                if sides != 0 {
                    let style = paint.style(role(marks));
                    paint.symbol(x, y, symbol(charset, sides, marks), style);
                }
                at += 1;
            }
        }
    }
}

fn symbol(charset: Charset, sides: u8, marks: u8) -> &'static str {
    match sides & ARROW != 0 {
        true if marks & CUT != 0 => charset.stage(StageStatus::Failed),
        true => charset.arrow(),
        false if marks & CRITICAL != 0 => charset.edge(sides, Stroke::Double),
        false if marks & OPEN == 0 => charset.edge(sides, Stroke::Dotted),
        false => charset.edge(sides, Stroke::Plain),
    }
}

fn role(marks: u8) -> Role {
    match marks {
        marks if marks & HOT != 0 => Role::EdgeHot,
        marks if marks & CRITICAL != 0 => Role::Title,
        marks if marks & CUT != 0 => Role::Failure,
        marks if marks & OPEN != 0 => Role::Edge,
        _ => Role::Dim,
    }
}

/// What an edge means by the statuses at its ends.
struct Meaning<'a> {
    view: &'a View<'a>,
    dag: &'a Dag,
    scene: &'a Scene<'a>,
}

impl Meaning<'_> {
    fn marks(&self, from: u32, to: u32) -> u8 {
        let status = |node: u32| self.dag.board.status(self.scene.run, node as usize);
        let (before, after) = (status(from), status(to));
        let skipped = |status| status == StageStatus::Skipped;
        let hot = if from as usize == self.view.selected { HOT } else { 0 };
        hot | match (skipped(before) || skipped(after), before.is_failure() && skipped(after)) {
            (_, true) => CUT,
            (true, false) => 0,
            (false, false) => OPEN,
        }
    }

    /// The marks of all edges of a stage that pass a layer.
    fn passing(&self, from: u32, layer: usize) -> u8 {
        let places = &self.view.layout.places;
        let beyond = self.view.layout.successors(from as usize).iter().filter(|to| places[**to as usize].layer as usize > layer);
        beyond.fold(0, |marks, to| marks | self.marks(from, *to))
    }
}
