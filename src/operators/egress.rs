//! Which hosts stages may call (`[network] allow`).
//!
//! Judges addresses as they are written. Must not resolve names or connect.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;

use crate::model::{ErrorKind, StageError};

/// The hosts that stages may call; without a list, any.
#[derive(Debug, Clone, Default)]
pub struct Egress(Option<Arc<[Rule]>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    host: Host,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// A name or an address in its canonical spelling.
    Exactly(String),
    /// Every name that ends so; begins with a dot.
    Below(String),
}

/// A host and port that no rule allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not in `[network] allow`, so no stage may call it")]
pub(super) struct Forbidden(String);

impl Egress {
    /// Only these: host names, `*.suffix`, addresses (IPv6 in brackets where a port follows), each with an optional `:port`.
    ///
    /// # Errors
    /// A lower-case sentence on the first entry that is none of these.
    pub fn only<S: AsRef<str>>(allow: &[S]) -> Result<Self, String> {
        let rules: Result<Vec<Rule>, String> = allow.iter().map(|text| rule(text.as_ref())).collect();
        Ok(Self(Some(rules?.into())))
    }

    /// The rules as [`Egress::only`] takes them; `None`: any host.
    pub(super) fn written(&self) -> Option<Vec<String>> {
        self.0.as_ref().map(|rules| rules.iter().map(Rule::to_string).collect())
    }

    pub(super) fn check(&self, url: &Url) -> Result<(), Forbidden> {
        let Some(rules) = &self.0 else { return Ok(()) };
        let host = canonical(url.host_str().unwrap_or_default());
        let port = url.port_or_known_default();
        if rules.iter().any(|rule| rule.allows(&host, port)) {
            return Ok(());
        }
        let shown = if host.contains(':') { format!("[{host}]") } else { host };
        Err(Forbidden(port.map_or_else(|| shown.clone(), |port| format!("{shown}:{port}"))))
    }
}

impl From<Forbidden> for StageError {
    fn from(forbidden: Forbidden) -> Self {
        Self::new(ErrorKind::Security, forbidden.to_string())
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.host, self.port) {
            (Host::Any, _) => write!(f, "*")?,
            (Host::Below(suffix), _) => write!(f, "*{suffix}")?,
            (Host::Exactly(address), Some(_)) if address.contains(':') => write!(f, "[{address}]")?,
            (Host::Exactly(name), _) => write!(f, "{name}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Rule {
    fn allows(&self, host: &str, port: Option<u16>) -> bool {
        let fits = match &self.host {
            Host::Any => true,
            Host::Exactly(name) => name == host,
            Host::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
        };
        fits && (self.port.is_none() || self.port == port)
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let wrong = || format!("{text:?} is not a host such as \"127.0.0.1\", \"*.internal.example\" or \"api.example:8443\"");
    let (host, port) = split(text.trim()).ok_or_else(wrong)?;
    let host = match host {
        "*" => Host::Any,
        host => match host.strip_prefix("*.") {
            Some(suffix) => Host::Below(format!(".{}", spelled(suffix).ok_or_else(wrong)?)),
            None => Host::Exactly(spelled(host).ok_or_else(wrong)?),
        },
    };
    Ok(Rule { host, port })
}

/// Host and port; an address with several colons and no brackets is an IPv6 one without a port.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match after {
            "" => Some((host, None)),
            after => Some((host, Some(after.strip_prefix(':')?.parse().ok()?))),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => text.parse::<std::net::Ipv6Addr>().ok().map(|_| (text, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

/// The spelling that a URL would give the host.
fn spelled(host: &str) -> Option<String> {
    if host.parse::<IpAddr>().is_ok() {
        return Some(canonical(host));
    }
    if host.is_empty() || host.contains(['/', '@', '?', '#', '*', '\\', ':', '[', ']']) || host.contains(char::is_whitespace) {
        return None;
    }
    let url = Url::parse(&format!("http://{host}/")).ok()?;
    url.host_str().map(canonical)
}

/// One spelling for each host: no brackets, no final dot, IPv4 inside IPv6 as IPv4.
fn canonical(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Egress, Url};

    fn allowed(rule: &str, url: &str) -> bool {
        Egress::only(&[rule]).unwrap().check(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn without_a_list_every_host_may_be_called_and_with_an_empty_one_none() {
        let url = Url::parse("http://example.com").unwrap();
        assert!(Egress::default().check(&url).is_ok());
        assert!(Egress::only::<&str>(&[]).unwrap().check(&url).is_err());
    }

    #[test]
    fn names_and_suffixes_are_compared_whole() {
        assert!(allowed("api.example", "https://API.example./x"));
        assert!(!allowed("api.example", "https://api.example.evil.net"));
        assert!(!allowed("api.example", "https://user:api.example@evil.net"));
        assert!(allowed("*.internal.example", "http://a.b.internal.example"));
        assert!(!allowed("*.internal.example", "http://internal.example"));
        assert!(!allowed("*.internal.example", "http://evilinternal.example"));
        assert!(allowed("*", "http://anywhere.example:99"));
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        for url in ["http://127.0.0.1", "http://2130706433", "http://0x7f.1:80", "http://[::ffff:127.0.0.1]/"] {
            assert!(allowed("127.0.0.1", url), "{url}");
        }
        assert!(!allowed("127.0.0.1", "http://127.0.0.2"));
        assert!(!allowed("127.0.0.1", "http://localhost"), "a name is not an address");
        assert!(!allowed("127.0.0.1", "http://127.0.0.1.evil.net"));
        assert!(allowed("::1", "http://[0:0:0:0:0:0:0:1]:8080"));
        assert!(allowed("[::1]:8080", "http://[::1]:8080"));
        assert!(!allowed("[::1]:8080", "http://[::1]:8081"));
    }

    #[test]
    fn a_port_narrows_a_rule_and_the_schemes_own_counts() {
        assert!(allowed("api.example:443", "https://api.example"));
        assert!(!allowed("api.example:443", "http://api.example"));
        let error = Egress::only(&["a"]).unwrap().check(&Url::parse("https://b").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "`b:443` is not in `[network] allow`, so no stage may call it");
    }

    #[test]
    fn rules_that_are_written_down_mean_the_same_when_they_are_read_again() {
        let rules = ["*", "*:81", "a.example", "a.example:443", "*.b.example:8", "127.0.0.1:80", "::1", "[::1]:8080"];
        let written = Egress::only(&rules).unwrap().written().unwrap();
        assert_eq!(written, rules);
        assert_eq!(Egress::only(&written).unwrap().written().unwrap(), rules);
        assert_eq!(Egress::default().written(), None);
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "http://a", "a/b", "a b", "*a", "a.*", "a:port", "[::1", "[1.2.3.4]", "a:1:2"] {
            assert!(Egress::only(&[text]).is_err(), "{text}");
        }
    }
}
