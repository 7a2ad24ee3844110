//! Judges from all that a terminal was sent whether every mode that was set has been unset, the last first.

/// Panics when a mode is left over, or is unset in another order than the reverse.
pub fn assert_balanced(bytes: &[u8]) {
    let mut modes = Modes::default();
    vte::Parser::new().advance(&mut modes, bytes);
    assert_eq!(modes.wrong, Vec::<String>::new());
    assert_eq!(modes.set, Vec::<String>::new(), "left over");
    assert!(modes.seen > 0, "nothing was ever set");
}

#[derive(Default)]
struct Modes {
    set: Vec<String>,
    seen: usize,
    wrong: Vec<String>,
}

impl Modes {
    fn set(&mut self, mode: String) {
        self.seen += 1;
        if self.set.contains(&mode) {
            self.wrong.push(format!("{mode} is set twice"));
        }
        self.set.push(mode);
    }

    /// Unsetting what is not set is harmless.
    fn unset(&mut self, mode: &str) {
        if let Some(at) = self.set.iter().position(|set| set == mode) {
            if at + 1 != self.set.len() {
                self.wrong.push(format!("{mode} is unset before {:?}", &self.set[at + 1..]));
            }
            self.set.remove(at);
        }
    }
}

impl vte::Perform for Modes {
    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        let values: Vec<u16> = params.iter().map(|param| param[0]).collect();
        let first = values.first().copied().unwrap_or(0);
        match (intermediates, action, first) {
            // The cursor is there unless it is hidden.
            (b"?", 'l', 25) => self.set("hidden cursor".to_owned()),
            (b"?", 'h', 25) => self.unset("hidden cursor"),
            (b"?", 'h', mode) => self.set(mode.to_string()),
            (b"?", 'l', mode) => self.unset(&mode.to_string()),
            ([], 't', 22) => self.set("title".to_owned()),
            ([], 't', 23) => self.unset("title"),
            ([], 'r', _) if values.len() > 1 => self.set("margins".to_owned()),
            ([], 'r', _) => self.unset("margins"),
            ([], 'm', _) if values != [0] && !self.set.iter().any(|set| set == "style") => self.set.push("style".to_owned()),
            ([], 'm', 0) if values == [0] => self.set.retain(|set| set != "style"),
            _ => {}
        }
    }
}
