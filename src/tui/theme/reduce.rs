//! A theme on a terminal of sixteen colours. The encoder takes the nearest colour one by one; here ink and ground are
//! chosen together, so that what is written can be read where the sixteen are the usual ones.

use ratatui::style::Color;

use super::read::PALETTE;
use super::{Role, Theme};
use crate::tui::terminal::{Depth, SIXTEEN};

type Rgb = (u8, u8, u8);

/// What WCAG 2 asks for.
const LEAST: f64 = 4.5;

impl Theme {
    /// The theme for a terminal of this depth.
    #[must_use]
    pub fn at(mut self, depth: Depth) -> Self {
        if depth != Depth::Palette {
            return self;
        }
        for style in &mut self.styles {
            style.bg = style.bg.map(|colour| chosen(colour).map_or(colour, |rgb| named(nearest(rgb))));
        }
        let ground = |role: Role| self.style(role).bg;
        let (screen, selected) = (ground(Role::Text), ground(Role::Selection));
        for style in &mut self.styles {
            let grounds: Vec<Rgb> = match style.bg {
                Some(own) => [Some(own), None],
                None => [screen, selected.or(screen)],
            }
            .into_iter()
            .flatten()
            .filter_map(usual)
            .collect();
            style.fg = style.fg.map(|ink| chosen(ink).map_or(ink, |rgb| named(readable(rgb, &grounds))));
        }
        self
    }
}

/// The palette's number of the nearest colour that can be read on these grounds, or of the one that can best.
fn readable(wanted: Rgb, grounds: &[Rgb]) -> usize {
    let worst = |colour: Rgb| grounds.iter().map(|ground| contrast(colour, *ground)).fold(f64::INFINITY, f64::min);
    let fits = |(_, colour): &(usize, Rgb)| worst(*colour) >= LEAST;
    let found = SIXTEEN.into_iter().enumerate().filter(fits).min_by_key(|(_, colour)| distance(*colour, wanted));
    let best = || SIXTEEN.into_iter().enumerate().max_by(|(_, a), (_, b)| worst(*a).total_cmp(&worst(*b)));
    found.or_else(best).map_or(7, |(number, _)| number)
}

fn nearest(wanted: Rgb) -> usize {
    readable(wanted, &[])
}

/// A colour of the theme's own; one of the palette, or the terminal's default, is the terminal's business.
fn chosen(colour: Color) -> Option<Rgb> {
    if let Color::Rgb(red, green, blue) = colour { Some((red, green, blue)) } else { None }
}

/// The usual value of one of the palette.
fn usual(colour: Color) -> Option<Rgb> {
    let number = names().position(|known| known == colour)?;
    SIXTEEN.get(number).copied()
}

fn named(number: usize) -> Color {
    names().nth(number).unwrap_or(Color::Reset)
}

/// The palette in the order of its numbers.
fn names() -> impl Iterator<Item = Color> {
    PALETTE.iter().map(|(_, colour)| *colour).filter(|colour| *colour != Color::Reset)
}

/// The ratio of WCAG 2, 1 to 21.
pub(in crate::tui) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((red, green, blue): Rgb) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    [(a.0, b.0), (a.1, b.1), (a.2, b.2)].iter().map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}
