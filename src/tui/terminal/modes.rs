//! The modes of a terminal that the console changes, each with what changes it back.

use super::abilities::{Abilities, Feature};

pub const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
pub const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// What turns a mode on and off, in the order of turning on. What is turned on later, if at all, has nothing here for
/// that.
const MODES: &[(Feature, &[u8], &[u8])] = &[
    (Feature::Title, b"\x1b[22;0t\x1b]2;flowdeck\x07", b"\x1b[23;0t"),
    (Feature::Alternate, b"\x1b[?1049h", b"\x1b[?1049l"),
    (Feature::Cursor, b"\x1b[?25l", b"\x1b[?25h"),
    (Feature::Paste, b"\x1b[?2004h", b"\x1b[?2004l"),
    (Feature::Mouse, b"", MOUSE_OFF),
    // A frame may have been cut off between these.
    (Feature::Scroll, b"", b"\x1b[r"),
    (Feature::Sync, b"", b"\x1b[?2026l"),
];

/// Turns on what the terminal has.
pub fn enter(abilities: &Abilities) -> Vec<u8> {
    MODES.iter().filter(|(feature, ..)| abilities.has(*feature)).flat_map(|(_, on, _)| on.iter().copied()).collect()
}

/// Turns all of it off again, the last first. Without a second screen the picture is wiped off the only one.
pub fn leave(abilities: &Abilities) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !abilities.attributes.is_empty() {
        bytes.extend_from_slice(b"\x1b[m");
    }
    let held = MODES.iter().rev().filter(|(feature, ..)| abilities.has(*feature));
    bytes.extend(held.flat_map(|(_, _, off)| off.iter().copied()));
    if !abilities.has(Feature::Alternate) {
        bytes.extend_from_slice(b"\x1b[H\x1b[2J");
    }
    bytes
}
