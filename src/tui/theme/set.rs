//! All themes there are: the shipped ones and the user's files, each sound or with what is wrong with it.

use std::path::PathBuf;

use super::Theme;
use crate::config::{ConfigError, Problem, suggest};
use crate::tui::terminal::Depth;

/// The shipped themes, the default first.
pub const SHIPPED: &[(&str, &str)] = &[
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// Where a theme comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Shipped,
    File(PathBuf),
}

/// A theme that can be named, whether or not it can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub origin: Origin,
    pub text: String,
    pub theme: Result<Theme, Vec<Problem>>,
}

/// Themes by name: the shipped ones first, then the user's in the order of their names. A file with the name of a shipped
/// theme stands in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Themes {
    entries: Vec<Entry>,
}

impl Default for Themes {
    fn default() -> Self {
        Self::with_files(Vec::new())
    }
}

impl Themes {
    /// The shipped themes and files of the user's, each with its text.
    pub fn with_files(mut files: Vec<(PathBuf, String)>) -> Self {
        files.sort();
        let shipped = SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), Origin::Shipped, (*text).to_owned()));
        let mut sources: Vec<(String, Origin, String)> = shipped.collect();
        for (path, text) in files {
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let source = (name.clone(), Origin::File(path), text);
            match sources.iter_mut().find(|(known, ..)| *known == name) {
                Some(known) => *known = source,
                None => sources.push(source),
            }
        }
        let read = |(name, origin, text): &(String, Origin, String)| Entry {
            name: name.clone(),
            origin: origin.clone(),
            text: text.clone(),
            theme: read(name, text, &sources, &[]),
        };
        Self { entries: sources.iter().map(read).collect() }
    }

    /// The themes for a terminal of this depth.
    #[must_use]
    pub fn at(mut self, depth: Depth) -> Self {
        for entry in &mut self.entries {
            entry.theme = entry.theme.clone().map(|theme| theme.at(depth));
        }
        self
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A theme that can be used.
    ///
    /// # Errors
    /// A sentence: there is none of this name, or its file is wrong.
    pub fn get(&self, name: &str) -> Result<&Theme, String> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            return Err(unknown(name, self.entries.iter().map(|entry| entry.name.as_str())));
        };
        entry.theme.as_ref().map_err(|_| entry.complaint().map(|error| error.to_string()).unwrap_or_default())
    }
}

impl Entry {
    /// What is wrong with its file.
    pub fn complaint(&self) -> Option<ConfigError> {
        let problems = self.theme.as_ref().err()?.clone();
        let path = match &self.origin {
            Origin::Shipped => PathBuf::from(format!("themes/{}.toml", self.name)),
            Origin::File(path) => path.clone(),
        };
        Some(ConfigError::Invalid { path, text: self.text.clone(), problems })
    }
}

/// Reads a theme and those it inherits from. `below` are the themes that are being read because of each other.
fn read(name: &str, text: &str, sources: &[(String, Origin, String)], below: &[&str]) -> Result<Theme, Vec<Problem>> {
    Theme::parse(name, text, |base| {
        let chain: Vec<&str> = below.iter().copied().chain([name]).collect();
        // A file that stands in for a shipped theme may build on the one it replaces.
        let original = SHIPPED.iter().find(|(known, _)| *known == base && base == name);
        if let Some((_, original)) = original {
            return Theme::parse(base, original, |_| Err(unknown(base, std::iter::empty()))).map_err(|_| unsound(base));
        }
        if chain.contains(&base) {
            return Err(format!("it inherits from itself: {} → {base}", chain.join(" → ")));
        }
        let Some((_, _, text)) = sources.iter().find(|(known, ..)| known == base) else {
            return Err(unknown(base, sources.iter().map(|(known, ..)| known.as_str())));
        };
        read(base, text, sources, &chain).map_err(|_| unsound(base))
    })
}

fn unsound(name: &str) -> String {
    format!("the theme `{name}` is not valid itself")
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match suggest(name, known.clone()) {
        Some(near) => format!("there is no theme `{name}`, did you mean `{near}`?"),
        None => format!("there is no theme `{name}`; there are {}", known.collect::<Vec<_>>().join(", ")),
    }
}
