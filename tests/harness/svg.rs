//! A terminal's screen as a picture.

use std::fmt::Write;

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

/// How one run of cells looks.
#[derive(PartialEq)]
struct Style {
    text: String,
    ground: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
}

/// The whole screen as one SVG document.
pub fn of(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (f32::from(columns) * WIDTH + 2.0 * MARGIN, f32::from(rows) * HEIGHT + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some(first) = screen.cell(row, column) else { break };
            let style = style(first);
            let (from, mut text) = (column, String::new());
            while let Some(cell) = screen.cell(row, column).filter(|cell| self::style(cell) == style) {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                column += 1;
            }
            run(&mut svg, row, from..column, &text, &style);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn style(cell: &Cell) -> Style {
    let (text, ground) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    let (text, ground) = if cell.inverse() {
        (ground.unwrap_or_else(|| GROUND.to_owned()), Some(text.unwrap_or_else(|| TEXT.to_owned())))
    } else {
        (text.unwrap_or_else(|| TEXT.to_owned()), ground)
    };
    Style { text, ground, bold: cell.bold(), dim: cell.dim(), underline: cell.underline() }
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

fn run(svg: &mut String, row: u16, columns: std::ops::Range<u16>, text: &str, style: &Style) {
    let (x, y) = (MARGIN + f32::from(columns.start) * WIDTH, MARGIN + f32::from(row) * HEIGHT);
    let width = f32::from(columns.end - columns.start) * WIDTH;
    if let Some(ground) = &style.ground {
        let _ = writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{ground}\"/>");
    }
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
    let bold = if style.bold { " font-weight=\"bold\"" } else { "" };
    let dim = if style.dim { " opacity=\"0.6\"" } else { "" };
    let underline = if style.underline { " text-decoration=\"underline\"" } else { "" };
    let y = y + BASELINE;
    let fill = &style.text;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\"{bold}{dim}{underline}>{text}</text>"
    );
}
