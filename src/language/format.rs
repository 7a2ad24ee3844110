//! Which of the two notations a text is written in.

/// A document's notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Json,
    Yaml,
}

impl Format {
    /// By the extension: `.json` and `.jsonc` are JSON (comments are not accepted), `.yaml` and `.yml` YAML, everything else
    /// YAML too, since [`Format::sniff`] needs the text.
    pub fn of_path(path: &str) -> Self {
        Self::of_extension(path).unwrap_or(Self::Yaml)
    }

    /// By the extension, or by how the text begins.
    pub fn of(path: &str, text: &str) -> Self {
        Self::of_extension(path).unwrap_or_else(|| Self::sniff(text))
    }

    /// JSON when the first thing in the text is a bracket or a brace.
    pub fn sniff(text: &str) -> Self {
        match text.trim_start_matches('\u{feff}').trim_start().as_bytes().first() {
            Some(b'{' | b'[') => Self::Json,
            _ => Self::Yaml,
        }
    }

    /// By the word for it in a request: `json` or `yaml`.
    pub fn named(name: &str) -> Self {
        if name == "json" { Self::Json } else { Self::Yaml }
    }

    fn of_extension(path: &str) -> Option<Self> {
        let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())?;
        match extension.as_str() {
            "json" | "jsonc" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_extension_decides_and_otherwise_the_first_character() {
        assert_eq!(Format::of_path("a/ci.JSON"), Format::Json);
        assert_eq!(Format::of_path("a/ci.yml"), Format::Yaml);
        assert_eq!(Format::of("ci.pipeline", "\n {\"name\": 1}"), Format::Json);
        assert_eq!(Format::of("-", "name: x"), Format::Yaml);
        assert_eq!(Format::of("x.yaml", "{}"), Format::Yaml);
    }
}
