//! Text from outside, made harmless for a terminal: escape sequences go, other control characters are shown, and what
//! would reorder or overprint the lines around it does not come through.

use std::borrow::Cow;

use crate::model::text::tamed;

/// The text without anything that could drive a terminal. Of what was written over after a carriage return only the last
/// state is left.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() && c != '\t') {
        return tamed(text);
    }
    let mut plain = Plain::default();
    let mut parser = vte::Parser::new();
    parser.advance(&mut plain, text.as_bytes());
    Cow::Owned(tamed(&plain.text).into_owned())
}

#[derive(Default)]
struct Plain {
    text: String,
    /// What comes next is written over the text.
    returned: bool,
}

impl vte::Perform for Plain {
    fn print(&mut self, c: char) {
        if c.is_control() { self.execute_char(c) } else { self.put(c) }
    }

    fn execute(&mut self, byte: u8) {
        if byte == b'\t' { self.put('\t') } else { self.execute_char(char::from(byte)) }
    }
}

impl Plain {
    fn put(&mut self, c: char) {
        if std::mem::take(&mut self.returned) {
            self.text.clear();
        }
        self.text.push(c);
    }

    /// Shows a control character as a symbol.
    fn execute_char(&mut self, c: char) {
        match u32::from(c) {
            0x0d => self.returned = true,
            code @ 0..0x20 => self.put(char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER)),
            0x7f => self.put('\u{2421}'),
            _ => self.put(char::REPLACEMENT_CHARACTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn nothing_that_drives_a_terminal_comes_through() {
        assert_eq!(line("plain \ttext"), "plain \ttext");
        assert_eq!(line("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}bell\u{7}"), "red bell␇");
        assert_eq!(line("\u{1b}[2J\u{9b}31mx"), line("\u{9b}31mx"));
        assert!(!line("\u{1b}Pq\u{1b}\\ \u{85} \u{7f}").chars().any(char::is_control));
    }

    #[test]
    fn what_was_written_over_is_shown_as_it_was_last() {
        assert_eq!(line("progress 10%\rprogress 50%"), "progress 50%");
        assert_eq!(line("dos line\r"), "dos line");
    }

    #[test]
    fn nothing_reorders_or_overprints_what_stands_around_it() {
        assert_eq!(line("user\u{202e}gpj.exe \u{2066}x"), "user·gpj.exe ·x");
        let pile = format!("e{} and e\u{301}", "\u{301}".repeat(120));
        assert_eq!(line(&pile), "e and e\u{301}");
        assert_eq!(line("\u{1b}[1ma\u{202e}b"), "a·b");
    }
}
