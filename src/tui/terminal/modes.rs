//! What a terminal is told besides frames: the modes that the console changes, each with what changes it back, and the
//! clipboard.

use super::abilities::{Abilities, Feature};

const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

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

/// Turns reports of the mouse on or off, where there are any.
pub fn mouse(abilities: &Abilities, on: bool) -> Option<&'static [u8]> {
    abilities.has(Feature::Mouse).then_some(if on { MOUSE_ON } else { MOUSE_OFF })
}

/// Sets the clipboard by OSC 52, which works through SSH, where the terminal takes it.
pub fn clipboard(abilities: &Abilities, text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    abilities.has(Feature::Clipboard).then(|| format!("\x1b]52;c;{encoded}\x07").into_bytes())
}
