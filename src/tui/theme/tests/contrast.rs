//! What is written can be read: contrast of every role on every ground it stands on, also in fewer colours.
//!
//! The ratio is that of WCAG 2, which asks for 4.5 for text. The values of 256 colours are known; those of 16 are the
//! terminal's own, so there our choice is judged by the usual ones.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::super::reduce::contrast;
use super::super::{Role, SHIPPED, Theme};
use crate::tui::terminal::{Abilities, Depth, Encoder};

type Rgb = (u8, u8, u8);

/// The colours that a terminal of this depth shows for a style: what the encoder really sends, read by a terminal.
fn on_terminal(style: Style, depth: Depth) -> (Option<Rgb>, Option<Rgb>) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
    buffer[(0, 0)].set_symbol("x").set_style(style);
    let one = std::num::NonZero::<u16>::MIN;
    let mut parser = vt100::Parser::new(one, one, 0);
    parser.process(&Encoder::new(Abilities { depth, ..Abilities::default() }).frame(buffer));
    let cell = parser.screen().cell(0, 0).expect("a cell");
    (value(cell.fgcolor()), value(cell.bgcolor()))
}

/// The value of a colour, as xterm has it.
fn value(colour: vt100::Color) -> Option<Rgb> {
    let cube = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Rgb(red, green, blue) => Some((red, green, blue)),
        vt100::Color::Idx(index @ 0..16) => Some(USUAL[usize::from(index)]),
        vt100::Color::Idx(index @ 16..232) => Some((cube((index - 16) / 36), cube((index - 16) / 6 % 6), cube((index - 16) % 6))),
        vt100::Color::Idx(index) => Some((8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232))),
    }
}

const USUAL: [Rgb; 16] = [
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

/// Every style that text is written in, with the name of its role: on its own ground, else on those of the screen, the
/// selection and the bars. Frames are no text; edges of the graph are never selected.
fn written(theme: &Theme) -> Vec<(&'static str, Style)> {
    let ground = theme.style(Role::Text).bg.expect("text says its ground");
    let selected = theme.style(Role::Selection).bg.unwrap_or(ground);
    let bar = theme.style(Role::Bar).bg.unwrap_or(ground);
    let mut styles = Vec::new();
    for (role, name) in Role::ALL {
        let style = theme.style(*role);
        let grounds = match (role, style.bg) {
            (Role::Border, _) => continue,
            (_, Some(own)) => vec![own],
            (Role::Edge | Role::EdgeHot, None) => vec![ground],
            (_, None) => vec![ground, selected, bar],
        };
        if style.fg.is_some() {
            styles.extend(grounds.into_iter().map(|ground| (*name, style.bg(ground))));
        }
    }
    styles
}

/// Themes that choose colours themselves.
fn true_colour() -> impl Iterator<Item = Theme> {
    let themes = SHIPPED.iter().map(|(name, _)| Theme::shipped(name).expect("shipped"));
    themes.filter(|theme| matches!(theme.style(Role::Text).bg, Some(Color::Rgb(..))))
}

fn judge(depth: Depth, least: f64) {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for theme in true_colour().map(|theme| theme.at(depth)) {
        for (role, style) in written(&theme) {
            let (Some(ink), Some(ground)) = on_terminal(style, depth) else { panic!("{}: {role} has no colour", theme.name) };
            let ratio = contrast(ink, ground);
            if ratio < least {
                wrong.push(format!("{}: {role} has contrast {ratio:.2}: {ink:?} on {ground:?}", theme.name));
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 120, "only {checked} pairs had colours to compare");
}

#[test]
fn everything_written_can_be_read() {
    judge(Depth::True, 4.5);
}

#[test]
fn everything_written_can_be_read_in_256_colours() {
    judge(Depth::Indexed, 4.5);
}

#[test]
fn everything_written_can_be_read_in_16_colours() {
    judge(Depth::Palette, 4.5);
}

#[test]
fn the_measure_of_contrast_is_the_usual_one() {
    assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.001);
    assert!((contrast((0x76, 0x76, 0x76), (255, 255, 255)) - 4.54).abs() < 0.01);
}

/// The palette's values are the terminal's business, so no ratio can be promised. What can: text stands on the default
/// ground in the default ink or in one of the palette's colours, never black or white that may be the ground itself, and
/// a ground of our own has black ink on a light colour.
#[test]
fn the_terminal_theme_never_puts_a_colour_on_itself() {
    let theme = Theme::shipped("terminal").expect("shipped");
    for (role, name) in Role::ALL {
        let style = theme.style(*role);
        match style.bg {
            None | Some(Color::Reset) => {
                let risky = [Color::Black, Color::Gray, Color::DarkGray, Color::White, Color::Blue];
                assert!(style.fg.is_none_or(|ink| !risky.contains(&ink)), "{name}");
            }
            Some(ground) => {
                assert!([Color::Yellow, Color::LightYellow].contains(&ground) && style.fg == Some(Color::Black), "{name}");
            }
        }
    }
}
