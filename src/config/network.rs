//! `[network]`: where stages may connect to.

use super::reader::{Node, Reader};

/// `[network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Hosts that stages may call: names, `*.suffix`, addresses, each with an optional port. Absent: any. Empty: none.
    pub allow: Option<Vec<String>>,
}

pub(super) fn network(reader: &mut Reader<'_>, value: &Node<'_>) -> Network {
    let mut network = Network::default();
    for (key, value) in reader.table(value).into_iter().flatten() {
        match key.get_ref().as_ref() {
            "allow" => {
                let items = reader.list(value, "a list of hosts");
                network.allow = Some(items.into_iter().filter_map(|item| reader.parsed(item, host)).collect());
            }
            _ => reader.unknown("key", key, &["allow"]),
        }
    }
    network
}

/// Catches what people write instead of a host; the engine reads the rest.
fn host(text: &str) -> Result<String, String> {
    let stray = text.contains("://") || text.contains(['/', '@', '?', '#']) || text.contains(char::is_whitespace);
    let star = text.strip_prefix("*.").unwrap_or(text.strip_prefix('*').unwrap_or(text)).contains('*');
    let glued = text.starts_with('*') && text.len() > 1 && !text.starts_with("*.") && !text.starts_with("*:");
    if stray || star || glued {
        return Err(format!("{text:?} is not a host such as \"127.0.0.1\", \"*.internal.example\" or \"api.example:8443\""));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::File;

    #[test]
    fn absent_is_not_empty() {
        let allow = |text: &str| File::parse(text, Path::new("/srv")).unwrap().network.allow;
        assert_eq!(allow(""), None);
        assert_eq!(allow("[network]\nallow = []\n"), Some(Vec::new()));
        assert_eq!(allow("[network]\nallow = [\"*.a\", \"[::1]:80\"]\n").unwrap(), ["*.a", "[::1]:80"]);
    }

    #[test]
    fn an_address_with_a_scheme_or_a_stray_star_is_no_host() {
        for text in ["http://a", "a/b", "a.*", "*a", "a b"] {
            let file = format!("[network]\nallow = [{text:?}]\n");
            let problems = File::parse(&file, Path::new("/srv")).expect_err(text);
            assert!(problems[0].message.contains("is not a host"), "{text}");
        }
    }
}
