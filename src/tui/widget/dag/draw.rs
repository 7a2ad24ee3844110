//! Paints the part of the graph that is in view.

use ratatui::layout::Rect;

use super::facts::Scene;
use super::node::{Clip, Shown};
use super::{Dag, Level};
use crate::tui::layout::Layout;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;

/// A window onto a layout.
pub(super) struct View<'a> {
    pub layout: &'a Layout,
    pub scroll: (i32, i32),
    pub area: Rect,
    /// The node of the selected stage.
    pub selected: usize,
    /// Short words for statuses: the boxes are narrow.
    terse: bool,
}

impl Dag {
    /// `most_rows` is what `level` was asked with.
    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, most_rows: u16, scene: &Scene<'_>) {
        let level = self.level(area.width, most_rows);
        match (level, self.layout(level, area.width)) {
            (Level::List, _) => self.draw_list(paint, area, scene),
            (_, Some(layout)) => {
                let split = self.split(area, level);
                let terse = self.picture().is_some_and(|picture| std::ptr::eq(layout, &picture.narrow));
                let selected = self.board.node(scene.run, self.selected);
                let view = View { layout, scroll: self.scroll, area: split.graph, selected, terse };
                view.edges(paint, self, scene);
                self.draw_nodes(paint, &view, scene);
                if let Some(strip) = split.strip {
                    view.draw_strip(paint, strip, &|node| self.board.status(scene.run, node));
                }
                if let Some(side) = split.side {
                    view.draw_side(paint, side, &|node| self.board.status(scene.run, node));
                }
            }
            (_, None) => {
                paint.row(area, 0).gap(1).role("drawing the graph", Role::Dim);
            }
        }
    }

    fn draw_nodes(&self, paint: &mut Paint<'_>, view: &View<'_>, scene: &Scene<'_>) {
        let layout = view.layout;
        let (top, bottom) = (view.scroll.1, view.scroll.1 + i32::from(view.area.height));
        let height = i32::from(layout.node_height);
        for layer in &layout.layers[layout.visible_layers(view.scroll.0, view.scroll.0 + i32::from(view.area.width))] {
            let first = layer.nodes.partition_point(|node| layout.places[*node as usize].y + height <= top);
            for node in layer.nodes[first..].iter().map(|node| *node as usize) {
                let place = layout.places[node];
                if place.y >= bottom {
                    break;
                }
                let Some((_, stage)) = scene.run.stages.get_index(node) else { continue };
                let selected = node == view.selected;
                let instance = scene.run.stages.get_index(self.selected).filter(|_| selected && self.selected != node);
                let shown = Shown {
                    stage,
                    facts: self.facts(scene, node),
                    selected,
                    instance: instance.map(|(id, _)| id.places()),
                    focused: scene.focused,
                    leads_on: view.way_out(self, scene, node),
                    terse: view.terse,
                };
                let mut clip = Clip::new(view, place.x, place.y, place.width, layout.node_height);
                if height == 1 { clip.line(paint, &shown) } else { clip.boxed(paint, &shown) }
            }
        }
    }
}
