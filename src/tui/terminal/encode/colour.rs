//! Colours as the terminal has them: true, 256, 16 or none.

use std::io::Write;

use ratatui::style::Color;

use crate::tui::terminal::abilities::Depth;

/// Writes `;code` for a colour, at the depth the terminal has.
pub fn write(codes: &mut Vec<u8>, colour: Color, ground: bool, depth: Depth) {
    if depth == Depth::Mono {
        return;
    }
    let base = if ground { 40 } else { 30 };
    let mut say = |text: std::fmt::Arguments<'_>| {
        let _ = codes.write_fmt(text);
    };
    match (colour, depth) {
        (Color::Reset, _) => say(format_args!(";{}", base + 9)),
        (Color::Rgb(red, green, blue), Depth::True) => say(format_args!(";{};2;{red};{green};{blue}", base + 8)),
        (Color::Rgb(red, green, blue), Depth::Palette) => palette(&mut say, base, nearest_of_sixteen(red, green, blue)),
        (Color::Rgb(red, green, blue), _) => say(format_args!(";{};5;{}", base + 8, nearest_of_cube(red, green, blue))),
        (Color::Indexed(number), Depth::Palette) if number >= 16 => {
            let (red, green, blue) = cube_colour(number);
            palette(&mut say, base, nearest_of_sixteen(red, green, blue));
        }
        (Color::Indexed(number), _) => say(format_args!(";{};5;{number}", base + 8)),
        (named, _) => palette(&mut say, base, number_of(named)),
    }
}

fn palette(say: &mut impl FnMut(std::fmt::Arguments<'_>), base: u16, number: u16) {
    let code = if number < 8 { base + number } else { base + 60 + number - 8 };
    say(format_args!(";{code}"));
}

fn number_of(colour: Color) -> u16 {
    match colour {
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Black | Color::Reset | Color::Rgb(..) | Color::Indexed(_) => 0,
    }
}

/// The nearest of the 6×6×6 cube and the greys.
fn nearest_of_cube(red: u8, green: u8, blue: u8) -> u8 {
    let target = (red, green, blue);
    (16..=255).min_by_key(|number| distance(cube_colour(*number), target)).unwrap_or(15)
}

fn cube_colour(number: u8) -> (u8, u8, u8) {
    match number {
        0..=15 => SIXTEEN[usize::from(number)],
        232..=255 => {
            let grey = 8 + (number - 232) * 10;
            (grey, grey, grey)
        }
        16..=231 => {
            let part = |index: u8| if index == 0 { 0 } else { 55 + index * 40 };
            let number = number - 16;
            (part(number / 36), part(number / 6 % 6), part(number % 6))
        }
    }
}

/// The usual colours of the palette; the real ones are the terminal's business.
pub const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

fn nearest_of_sixteen(red: u8, green: u8, blue: u8) -> u16 {
    let found = (0u16..).zip(SIXTEEN).min_by_key(|(_, known)| distance(*known, (red, green, blue)));
    found.map_or(7, |(number, _)| number)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    [(a.0, b.0), (a.1, b.1), (a.2, b.2)].iter().map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}
