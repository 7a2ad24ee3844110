//! Text from outside, made harmless for a terminal: escape sequences go, other control characters are shown.

use std::borrow::Cow;

/// The text without anything that could drive a terminal.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut plain = Plain::default();
    let mut parser = vte::Parser::new();
    parser.advance(&mut plain, text.as_bytes());
    Cow::Owned(plain.text)
}

#[derive(Default)]
struct Plain {
    text: String,
}

impl vte::Perform for Plain {
    fn print(&mut self, c: char) {
        if c.is_control() { self.execute_char(c) } else { self.text.push(c) }
    }

    fn execute(&mut self, byte: u8) {
        if byte == b'\t' { self.text.push('\t') } else { self.execute_char(char::from(byte)) }
    }
}

impl Plain {
    /// Shows a control character as a symbol; a carriage return only separates.
    fn execute_char(&mut self, c: char) {
        match u32::from(c) {
            0x0d => {}
            code @ 0..0x20 => self.text.extend(char::from_u32(0x2400 + code)),
            0x7f => self.text.push('\u{2421}'),
            _ => self.text.push('\u{fffd}'),
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
}
