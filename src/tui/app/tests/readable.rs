//! Every letter of whole sessions can be read: what is painted, with all the grounds that come to lie below it.

use std::collections::HashMap;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::driver::Driver;
use super::wire::SESSION;
use crate::tui::glyph::Charset;
use crate::tui::theme::contrast;

/// Searches in the inspector and in the log, whose hits lie under the cursor and in a marked selection.
const HITS: &str = "1 2 j enter i / e x i t enter n n j k z z i tab / o enter v k k k N n y v k j j : t h esc R esc e esc";

/// Letters of one screen whose colours are too near to each other. Lines, bars and dots are no text.
fn faint(buffer: &Buffer) -> HashMap<(Color, Color), String> {
    let is_text = |cell: &&Cell| cell.symbol().chars().any(|letter| letter.is_alphanumeric() || letter.is_ascii_punctuation());
    let mut faint = HashMap::new();
    for cell in buffer.content().iter().filter(is_text) {
        if let (Color::Rgb(r, g, b), Color::Rgb(x, y, z)) = (cell.fg, cell.bg) {
            assert!(!cell.modifier.contains(Modifier::DIM), "dimmed by the terminal, nobody knows how far");
            let ratio = contrast((r, g, b), (x, y, z));
            if ratio < 4.5 {
                faint.insert((cell.fg, cell.bg), format!("{:?} has contrast {ratio:.2}", cell.symbol()));
            }
        }
    }
    faint
}

#[test]
fn every_letter_of_a_session_can_be_read_in_every_theme_with_colours_of_its_own() {
    for (theme, place) in [("dark", "j"), ("light", "j j"), ("high-contrast", "j j j")] {
        let mut driver = Driver::new(200, 50, Charset::Unicode);
        driver.keys(&format!("ctrl-t {place} enter"));
        let ground = driver.buffer()[(0, 0)].bg;
        assert!(matches!(ground, Color::Rgb(..)), "{theme} is not worn: {ground:?}");
        for key in SESSION.split_whitespace().chain(HITS.split_whitespace()) {
            driver.keys(key);
            let faint = faint(&driver.buffer());
            assert!(faint.is_empty(), "{theme}, after {key}: {faint:#?}");
        }
    }
}
