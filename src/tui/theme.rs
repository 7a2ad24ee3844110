//! Colours by meaning. Themes are data in `themes/*.toml`; code names a role, never a colour.

use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::action::unknown;
use super::keymap::FileError;
use crate::model::{RunStatus, StageStatus};

macro_rules! roles {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role { $($variant),* }

        impl Role {
            /// Every role with its name in theme files.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $name)),*];
        }
    };
}

roles! {
    Text "text",
    Dim "dim",
    Border "border",
    Title "title",
    Accent "accent",
    Selection "selection",
    Key "key",
    Bar "bar",
    Success "success",
    Running "running",
    Failure "failure",
    Warning "warning",
    Waiting "waiting",
    Edge "edge",
    EdgeHot "edge-hot",
    Match "match",
    MatchCurrent "match-current",
    JsonKey "json-key",
    JsonString "json-string",
    JsonNumber "json-number",
    JsonWord "json-word",
}

/// A checked theme: every role has a style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    styles: Vec<Style>,
}

/// The shipped themes, the default first.
pub const SHIPPED: &[(&str, &str)] = &[
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

impl Default for Theme {
    fn default() -> Self {
        Self { name: "plain".to_owned(), styles: vec![Style::new(); Role::ALL.len()] }
    }
}

impl Theme {
    /// A shipped theme by name.
    ///
    /// # Errors
    /// Says that there is none of this name, with the nearest one.
    pub fn shipped(name: &str) -> Result<Self, String> {
        let Some((file, text)) = SHIPPED.iter().find(|(known, _)| *known == name) else {
            return Err(unknown("theme", name, SHIPPED.iter().map(|(known, _)| *known)));
        };
        Self::parse(&format!("themes/{file}.toml"), text)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    /// Reads `name = "…"` and a `[styles]` table with a line per role, such as `failure = "#e06c75 bold"` or
    /// `selection = "on #2c323c"`. A colour is `#rrggbb`, a palette name (`red`, `bright-red`, `default`) or 0 to 255.
    ///
    /// # Errors
    /// All that is wrong, in the order of the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<FileError>> {
        let table = DeTable::parse(text)
            .map_err(|error| vec![FileError::at(file, text, error.span().map_or(0, |span| span.start), error.message())])?;
        let mut errors = Vec::new();
        let mut fail = |offset: usize, message: String| errors.push(FileError::at(file, text, offset, message));
        let mut styles = vec![None; Role::ALL.len()];
        let mut theme_name = None;
        for (key, value) in table.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", DeValue::String(name)) => theme_name = Some(name.to_string()),
                ("styles", DeValue::Table(entries)) => {
                    for (role, style) in entries {
                        let Some((role, _)) = Role::ALL.iter().find(|(_, name)| name == role.get_ref()) else {
                            let names = Role::ALL.iter().map(|(_, name)| *name);
                            fail(role.span().start, unknown("role", role.get_ref(), names));
                            continue;
                        };
                        match style.get_ref() {
                            DeValue::String(words) => match parse_style(words) {
                                Ok(style) => styles[*role as usize] = Some(style),
                                Err(message) => fail(style.span().start, message),
                            },
                            _ => fail(style.span().start, "a style is a string like \"red bold\"".to_owned()),
                        }
                    }
                }
                (other, _) => fail(key.span().start, unknown("entry", other, ["name", "styles"].into_iter())),
            }
        }
        for ((_, name), _) in Role::ALL.iter().zip(&styles).filter(|(_, style)| style.is_none()) {
            fail(text.len(), format!("role `{name}` is missing"));
        }
        if theme_name.is_none() {
            fail(0, "`name` is missing".to_owned());
        }
        errors.sort_by_key(|error| error.line);
        match theme_name {
            Some(name) if errors.is_empty() => Ok(Self { name, styles: styles.into_iter().flatten().collect() }),
            _ => Err(errors),
        }
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// The style of a stage's status.
    pub fn stage(&self, status: StageStatus) -> Style {
        self.style(match status {
            StageStatus::Pending | StageStatus::Ready | StageStatus::Skipped => Role::Dim,
            StageStatus::WaitingApproval | StageStatus::Unknown => Role::Waiting,
            StageStatus::Running => Role::Running,
            StageStatus::Retrying | StageStatus::Cancelled => Role::Warning,
            StageStatus::Succeeded => Role::Success,
            StageStatus::Failed | StageStatus::TimedOut => Role::Failure,
        })
    }

    /// The style of a run's status.
    pub fn run(&self, status: RunStatus) -> Style {
        self.style(match status {
            RunStatus::Queued => Role::Dim,
            RunStatus::Running => Role::Running,
            RunStatus::Waiting => Role::Waiting,
            RunStatus::Cancelling | RunStatus::Cancelled => Role::Warning,
            RunStatus::Succeeded => Role::Success,
            RunStatus::Failed => Role::Failure,
        })
    }
}

fn parse_style(words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut ground = false;
    for word in words.split_whitespace() {
        let modifier = match word {
            "on" => {
                ground = true;
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            colour => {
                let colour = parse_colour(colour).ok_or_else(|| format!("`{colour}` is not a colour or an attribute"))?;
                style = if std::mem::take(&mut ground) { style.bg(colour) } else { style.fg(colour) };
                continue;
            }
        };
        style = style.add_modifier(modifier);
    }
    if ground { Err("`on` needs a colour after it".to_owned()) } else { Ok(style) }
}

const PALETTE: &[(&str, Color)] = &[
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

fn parse_colour(word: &str) -> Option<Color> {
    if let Some(hex) = word.strip_prefix('#') {
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6)?;
        let [_, red, green, blue] = value.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    let named = PALETTE.iter().find(|(name, _)| *name == word).map(|(_, colour)| *colour);
    named.or_else(|| word.parse().ok().map(Color::Indexed))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::{Role, SHIPPED, Theme};

    fn luminance(colour: Color) -> Option<f64> {
        let Color::Rgb(red, green, blue) = colour else { return None };
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
    }

    /// The contrast ratio of WCAG 2.
    fn contrast(a: Color, b: Color) -> Option<f64> {
        let (a, b) = (luminance(a)?, luminance(b)?);
        Some((a.max(b) + 0.05) / (a.min(b) + 0.05))
    }

    #[test]
    fn every_shipped_theme_loads_under_its_own_name() {
        for (name, _) in SHIPPED {
            assert_eq!(Theme::shipped(name).map(|theme| theme.name), Ok((*name).to_owned()));
        }
        assert_eq!(Theme::shipped("drak"), Err("unknown theme `drak`, did you mean `dark`?".to_owned()));
    }

    #[test]
    fn everything_written_can_be_read() {
        let mut checked = 0;
        for (name, _) in SHIPPED {
            let theme = Theme::shipped(name).expect("shipped");
            let ground = theme.style(Role::Text).bg.expect("text says its ground");
            let selected = theme.style(Role::Selection).bg.unwrap_or(ground);
            for (role, role_name) in Role::ALL {
                let style = theme.style(*role);
                let Some(ink) = style.fg else { continue };
                let grounds = match (role, style.bg) {
                    (Role::Border, _) => continue,
                    (_, Some(own)) => vec![own],
                    (Role::Edge | Role::EdgeHot, None) => vec![ground],
                    (_, None) => vec![ground, selected],
                };
                for ground in grounds {
                    let Some(ratio) = contrast(ink, ground) else { continue };
                    assert!(ratio >= 4.5, "{name}: {role_name} has contrast {ratio:.2} on {ground:?}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 90, "only {checked} pairs had colours to compare");
    }

    #[test]
    fn the_terminal_and_mono_themes_leave_the_colours_to_the_terminal() {
        for name in ["terminal", "mono"] {
            let theme = Theme::shipped(name).expect("shipped");
            for (role, role_name) in Role::ALL {
                let style = theme.style(*role);
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{name}: {role_name}");
                    assert!(name != "mono" || colour == Color::Reset, "{name}: {role_name}");
                }
            }
        }
    }

    #[test]
    fn every_mistake_of_a_theme_is_named_with_its_line() {
        let text = "name = \"x\"\n[styles]\ntxt = \"red\"\ndim = \"rad\"\n";
        let errors = Theme::parse("x.toml", text).expect_err("wrong");
        assert_eq!(errors[0].to_string(), "x.toml:3: unknown role `txt`, did you mean `text`?");
        assert_eq!(errors[1].to_string(), "x.toml:4: `rad` is not a colour or an attribute");
        assert!(errors.iter().any(|error| error.message == "role `border` is missing"));
    }
}
