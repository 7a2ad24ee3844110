//! Aligned columns for listings.

use unicode_width::UnicodeWidthStr;

use super::inert;

/// Prints rows under a header, every column as wide as its widest cell.
pub fn print(header: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = header.iter().map(|name| name.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    for row in std::iter::once(&header).chain(rows) {
        let padded =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))));
        let line = padded.collect::<Vec<_>>().join("  ");
        outln!("{}", inert::line(line.trim_end()));
    }
}
