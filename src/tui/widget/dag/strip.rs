//! A graph too large for its pane in one row: a shape for every stage, or for every layer, in the order of the layers.

use ratatui::layout::Rect;

use crate::model::{Run, StageStatus};
use crate::tui::layout::Layout;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;

/// Paints the row, with the selected stage (or its layer) marked.
pub fn draw(paint: &mut Paint<'_>, row: Rect, layout: &Layout, run: &Run, selected: usize) {
    // The right end is for the marks that say which ways the picture goes on.
    let room = usize::from(row.width.saturating_sub(7));
    let stages: usize = layout.layers.iter().map(|layer| layer.nodes.len()).sum();
    let status = |node: u32| run.stages.get_index(node as usize).map(|(_, stage)| stage.status);
    let at = layout.places.get(selected).map_or(0, |place| place.layer as usize);
    let edge = paint.style(Role::Edge);
    let mut x = row.x + 1;
    let mut put = |paint: &mut Paint<'_>, symbol, style| {
        paint.symbol(x, row.y, symbol, style);
        x += 1;
    };
    let shape = |paint: &Paint<'_>, status, marked| {
        let style = if marked { paint.style(Role::Selection) } else { paint.look.theme.stage(status) };
        (paint.look.charset.stage(status), style)
    };
    if stages + layout.layers.len() <= room {
        let last = layout.layers.len().saturating_sub(1);
        for (number, layer) in layout.layers.iter().enumerate() {
            for node in &layer.nodes {
                if let Some(status) = status(*node) {
                    let (symbol, style) = shape(paint, status, *node as usize == selected);
                    put(paint, symbol, style);
                }
            }
            if number < last {
                put(paint, paint.look.charset.horizontal(), edge);
            }
        }
        return;
    }
    let first = at.saturating_sub(room / 2).min(layout.layers.len().saturating_sub(room));
    for (number, layer) in layout.layers.iter().enumerate().skip(first).take(room) {
        if let Some(worst) = layer.nodes.iter().filter_map(|node| status(*node)).max_by_key(|status| weight(*status)) {
            let (symbol, style) = shape(paint, worst, number == at);
            put(paint, symbol, style);
        }
    }
}

/// Which of a layer's stages speaks for it: what went wrong first, then what goes on, then what is left to do.
fn weight(status: StageStatus) -> u8 {
    match status {
        StageStatus::Failed | StageStatus::TimedOut => 9,
        StageStatus::Unknown => 8,
        StageStatus::WaitingApproval => 7,
        StageStatus::Retrying => 6,
        StageStatus::Running => 5,
        StageStatus::Ready => 4,
        StageStatus::Pending => 3,
        StageStatus::Cancelled => 2,
        StageStatus::Succeeded => 1,
        StageStatus::Skipped => 0,
    }
}
