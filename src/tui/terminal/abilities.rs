//! What a terminal can do, by the names it goes by in the environment: nothing is asked of it.

use ratatui::style::Modifier;

use crate::tui::glyph::Charset;

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    Mono,
    Palette,
    #[default]
    Indexed,
    True,
}

/// A group of sequences that a terminal either has, or must never be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// A second screen, so that leaving shows what was there before.
    Alternate,
    /// Hiding the cursor.
    Cursor,
    /// A window title on a stack of titles.
    Title,
    /// Bracketed paste.
    Paste,
    Mouse,
    /// Setting the clipboard with OSC 52.
    Clipboard,
    /// Frames that are shown at once (DEC 2026). A terminal that does not know the mode ignores it.
    Sync,
    /// Scroll regions.
    Scroll,
    /// Going to a column of the same row.
    Column,
    /// Taking off one attribute and leaving the others.
    Undo,
}

/// What may be sent to one terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    pub depth: Depth,
    pub attributes: Modifier,
    pub features: &'static [Feature],
    /// It sits at the end of an SSH connection, whose buffers hide how slow the line is.
    pub remote: bool,
}

/// Terminals that can do the same, by how their names begin.
struct Kind {
    names: &'static [&'static str],
    depth: Depth,
    attributes: Modifier,
    features: &'static [Feature],
}

const ALL: &[Feature] = &[
    Feature::Title,
    Feature::Alternate,
    Feature::Cursor,
    Feature::Paste,
    Feature::Mouse,
    Feature::Clipboard,
    Feature::Sync,
    Feature::Scroll,
    Feature::Column,
    Feature::Undo,
];
const PLAIN: Modifier = Modifier::BOLD.union(Modifier::UNDERLINED).union(Modifier::REVERSED);
const RICH: Modifier = PLAIN.union(Modifier::DIM).union(Modifier::ITALIC).union(Modifier::CROSSED_OUT);

/// The emulators that follow xterm.
const MODERN: Kind = Kind {
    names: &[
        "xterm",
        "tmux",
        "rxvt",
        "alacritty",
        "foot",
        "kitty",
        "wezterm",
        "konsole",
        "gnome",
        "vte",
        "st-",
        "putty",
        "iterm",
        "contour",
        "mintty",
        "ghostty",
        "mlterm",
    ],
    depth: Depth::Palette,
    attributes: RICH,
    features: ALL,
};
/// What nobody has told us about gets the sequences that nearly everything knows.
const UNKNOWN: Kind =
    Kind { names: &[""], depth: Depth::Palette, attributes: PLAIN, features: &[Feature::Alternate, Feature::Cursor] };

/// The first kind with a fitting name counts.
const KINDS: &[Kind] = &[
    Kind { names: &["dumb"], depth: Depth::Mono, attributes: Modifier::empty(), features: &[] },
    Kind { names: &["vt1"], depth: Depth::Mono, attributes: PLAIN, features: &[Feature::Scroll] },
    Kind {
        names: &["vt2", "vt3", "vt4", "vt5"],
        depth: Depth::Mono,
        attributes: PLAIN,
        features: &[Feature::Cursor, Feature::Scroll, Feature::Undo],
    },
    Kind {
        names: &["linux"],
        depth: Depth::Palette,
        attributes: PLAIN.union(Modifier::DIM),
        features: &[Feature::Cursor, Feature::Scroll, Feature::Column, Feature::Undo],
    },
    // It shows italics as reversed, cannot put a title back, and keeps OSC 52 to itself.
    Kind {
        names: &["screen"],
        depth: Depth::Palette,
        attributes: PLAIN.union(Modifier::DIM),
        features: &[
            Feature::Alternate,
            Feature::Cursor,
            Feature::Paste,
            Feature::Mouse,
            Feature::Scroll,
            Feature::Column,
            Feature::Undo,
        ],
    },
    MODERN,
    UNKNOWN,
];

impl Default for Abilities {
    fn default() -> Self {
        Self { depth: Depth::default(), attributes: RICH, features: ALL, remote: false }
    }
}

impl Abilities {
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}

/// How a terminal says what it can, without being asked: `TERM`, `COLORTERM`, `NO_COLOR`, `TMUX`, `SSH_CONNECTION`,
/// `SSH_TTY`, `LC_ALL`, `LC_CTYPE`, `LANG`.
pub fn capabilities(variable: impl Fn(&str) -> Option<String>) -> (Abilities, Charset) {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    // tmux answers to screen's name too, and can do everything.
    let known = if set("TMUX").is_some() && term.starts_with("screen") { "tmux" } else { &term };
    let kind = KINDS.iter().find(|kind| kind.names.iter().any(|name| known.starts_with(name))).unwrap_or(&UNKNOWN);
    let depth = if set("NO_COLOR").is_some() || kind.depth == Depth::Mono || term.ends_with("-m") || term.ends_with("-mono") {
        Depth::Mono
    } else if matches!(set("COLORTERM").as_deref(), Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256") {
        Depth::Indexed
    } else {
        kind.depth
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    let unicode = locale.contains("utf-8") || locale.contains("utf8");
    // The fonts of these have no shapes beyond letters.
    let letters = term == "dumb" || term.starts_with("linux") || term.starts_with("vt1");
    let charset = if unicode && !letters { Charset::Unicode } else { Charset::Ascii };
    let remote = set("SSH_CONNECTION").is_some() || set("SSH_TTY").is_some();
    (Abilities { depth, attributes: kind.attributes, features: kind.features, remote }, charset)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use super::{Abilities, Depth, Feature, capabilities};
    use crate::tui::glyph::Charset;

    fn all(variables: &[(&str, &str)]) -> (Abilities, Charset) {
        capabilities(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn of(variables: &[(&str, &str)]) -> (Depth, Charset) {
        let (abilities, charset) = all(variables);
        (abilities.depth, charset)
    }

    #[test]
    fn the_environment_says_what_the_terminal_can() {
        assert_eq!(of(&[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]), (Depth::Indexed, Charset::Unicode));
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "truecolor"), ("LANG", "de_DE.utf8")]), (Depth::True, Charset::Unicode));
        assert_eq!(of(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("LANG", "C")]), (Depth::Mono, Charset::Ascii));
        assert_eq!(of(&[("TERM", "linux"), ("LC_ALL", "C"), ("LANG", "C.UTF-8")]), (Depth::Palette, Charset::Ascii));
        assert_eq!(of(&[("TERM", "linux"), ("LANG", "C.UTF-8")]), (Depth::Palette, Charset::Ascii));
        assert_eq!(of(&[("TERM", "dumb"), ("LANG", "C.UTF-8")]), (Depth::Mono, Charset::Ascii));
        assert_eq!(of(&[("TERM", "vt100"), ("COLORTERM", "truecolor")]), (Depth::Mono, Charset::Ascii));
    }

    #[test]
    fn tmux_is_known_behind_the_name_of_screen() {
        let (screen, _) = all(&[("TERM", "screen-256color")]);
        assert!(!screen.has(Feature::Clipboard) && !screen.attributes.contains(Modifier::ITALIC));
        let (tmux, _) = all(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux-0/default,1,0")]);
        assert!(tmux.has(Feature::Clipboard) && tmux.attributes.contains(Modifier::ITALIC));
    }

    #[test]
    fn an_unknown_terminal_gets_no_strings_and_no_modes_that_it_might_print() {
        for term in ["", "ansi", "mystery-9000"] {
            let (abilities, _) = all(&[("TERM", term)]);
            for feature in [Feature::Title, Feature::Clipboard, Feature::Sync, Feature::Paste, Feature::Mouse] {
                assert!(!abilities.has(feature), "{term}: {feature:?}");
            }
        }
    }

    #[test]
    fn a_line_through_ssh_is_known() {
        assert!(all(&[("TERM", "xterm"), ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]).0.remote);
        assert!(!all(&[("TERM", "xterm")]).0.remote);
    }
}
