//! A terminal's screen as a picture.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use vt100::{Cell, Color, Screen};

/// Size of a cell in the picture's units, and where letters stand in it.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 17.0;
const BASELINE: f32 = 13.0;
const MARGIN: f32 = 12.0;

const GROUND: &str = "#14161a";
const TEXT: &str = "#d4d7dc";
/// The sixteen colours a terminal has names for.
const PALETTE: [&str; 16] = [
    "#2a2e35", "#e0626a", "#86c06c", "#e0b353", "#6aa5e6", "#b78fd8", "#5fc2bb", "#d4d7dc", "#7a808a", "#ff8088", "#a6e08a",
    "#ffd479", "#8fc1ff", "#d3b0ee", "#84e0d9", "#ffffff",
];

/// How letters look.
#[derive(PartialEq)]
struct Ink {
    colour: String,
    bold: bool,
    dim: bool,
    underline: bool,
}

/// Cells of one ground beside and below each other.
#[derive(Clone)]
struct Block {
    rows: Range<u16>,
    columns: Range<u16>,
    ground: String,
}

/// The whole screen as one SVG document.
pub fn of(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (f32::from(columns) * WIDTH + 2.0 * MARGIN, f32::from(rows) * HEIGHT + 2.0 * MARGIN);
    let base = commonest(screen, rows, columns);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{base}\"/>\n"
    );
    // Edges on whole pixels: smoothed ones of two neighbours let what is below shine through as a seam.
    svg.push_str("<g shape-rendering=\"crispEdges\">\n");
    for block in blocks(screen, rows, columns).iter().filter(|block| block.ground != base) {
        rectangle(&mut svg, block);
    }
    svg.push_str("</g>\n");
    for row in 0..rows {
        for (columns, ink, text) in stretches(screen, row) {
            letters(&mut svg, row, columns, &text, &ink);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The ground of most cells: that of the picture.
fn commonest(screen: &Screen, rows: u16, columns: u16) -> String {
    let mut counts = BTreeMap::new();
    for cell in (0..rows).flat_map(|row| (0..columns).filter_map(move |column| screen.cell(row, column))) {
        *counts.entry(colours(cell).1).or_insert(0) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or_else(|| GROUND.to_owned(), |(ground, _)| ground)
}

/// The screen as blocks: neighbours in a row are one, and so are equal ones in rows below each other.
fn blocks(screen: &Screen, rows: u16, columns: u16) -> Vec<Block> {
    let mut done = Vec::new();
    let mut open: Vec<Block> = Vec::new();
    for row in 0..rows {
        let mut line: Vec<Block> = Vec::new();
        for (column, cell) in (0..columns).filter_map(|column| Some((column, screen.cell(row, column)?))) {
            let ground = colours(cell).1;
            match line.last_mut() {
                Some(last) if last.ground == ground => last.columns.end = column + 1,
                _ => line.push(Block { rows: row..row + 1, columns: column..column + 1, ground }),
            }
        }
        for block in &mut line {
            let above = open.iter().position(|above| (&above.columns, &above.ground) == (&block.columns, &block.ground));
            if let Some(at) = above {
                block.rows.start = open.swap_remove(at).rows.start;
            }
        }
        done.append(&mut open);
        open = line;
    }
    done.append(&mut open);
    done.sort_by_key(|block| (block.rows.start, block.columns.start));
    done
}

/// Runs of cells of a row whose letters look alike. A blank goes with what is before it: its ink, which nobody sees, is
/// whatever the terminal wore last.
fn stretches(screen: &Screen, row: u16) -> Vec<(Range<u16>, Ink, String)> {
    let mut stretches: Vec<(Range<u16>, Ink, String)> = Vec::new();
    for (column, cell) in (0..).map_while(|column| Some((column, screen.cell(row, column)?))) {
        let contents = if cell.has_contents() { cell.contents() } else { " " };
        let contents = if cell.is_wide_continuation() { "" } else { contents };
        let ink = ink(cell);
        match stretches.last_mut() {
            Some((columns, last, text)) if *last == ink || (contents.trim().is_empty() && !ink.underline) => {
                columns.end = column + 1;
                text.push_str(contents);
            }
            _ => stretches.push((column..column + 1, ink, contents.to_owned())),
        }
    }
    stretches
}

fn ink(cell: &Cell) -> Ink {
    Ink { colour: colours(cell).0, bold: cell.bold(), dim: cell.dim(), underline: cell.underline() }
}

/// The colours of a cell's letters and of its ground.
fn colours(cell: &Cell) -> (String, String) {
    let text = colour(cell.fgcolor()).unwrap_or_else(|| TEXT.to_owned());
    let ground = colour(cell.bgcolor()).unwrap_or_else(|| GROUND.to_owned());
    if cell.inverse() { (ground, text) } else { (text, ground) }
}

fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Default => None,
        Color::Idx(index @ 0..16) => Some(PALETTE[usize::from(index)].to_owned()),
        Color::Idx(index @ 16..232) => {
            let part = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            Some(format!("#{:02x}{:02x}{:02x}", part(index / 36), part(index / 6 % 6), part(index % 6)))
        }
        Color::Idx(index) => Some(format!("#{0:02x}{0:02x}{0:02x}", 8 + 10 * (index - 232))),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

fn rectangle(svg: &mut String, block: &Block) {
    let (x, y) = (MARGIN + f32::from(block.columns.start) * WIDTH, MARGIN + f32::from(block.rows.start) * HEIGHT);
    let width = f32::from(block.columns.end - block.columns.start) * WIDTH;
    let height = f32::from(block.rows.end - block.rows.start) * HEIGHT;
    let ground = &block.ground;
    let _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.0}\" fill=\"{ground}\"/>");
}

fn letters(svg: &mut String, row: u16, columns: Range<u16>, text: &str, ink: &Ink) {
    let (x, y) = (MARGIN + f32::from(columns.start) * WIDTH, MARGIN + f32::from(row) * HEIGHT + BASELINE);
    let width = f32::from(columns.end - columns.start) * WIDTH;
    // Blanks at the ends are left out: not every viewer keeps them.
    let shown = text.trim();
    if shown.is_empty() {
        return;
    }
    let before = text.len() - text.trim_start().len();
    let after = text.len() - text.trim_end().len();
    let cells = |count: usize| u16::try_from(count).map_or(0.0, f32::from) * WIDTH;
    let (x, width, text) = (x + cells(before), width - cells(before + after), shown);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}");
    let bold = if ink.bold { " font-weight=\"bold\"" } else { "" };
    let dim = if ink.dim { " opacity=\"0.6\"" } else { "" };
    let underline = if ink.underline { " text-decoration=\"underline\"" } else { "" };
    let fill = &ink.colour;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\"{bold}{dim}{underline}>{text}</text>"
    );
}
