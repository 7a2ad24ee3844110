//! `[notify.NAME]`: where news go. Keys are only pointed to, never held.

use std::collections::BTreeMap;
use std::path::Path;

use super::Secret;
use super::file::{command, secret, url};
use super::reader::{Node, Reader};

/// One `[notify.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    pub channel: Channel,
    /// What signs the message or lets it in: a webhook's key, PagerDuty's routing key.
    pub secret: Option<Secret>,
}

/// How news travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    Webhook(String),
    /// An address that takes messages in Slack's shape.
    Slack(String),
    /// An address that takes events in PagerDuty's shape.
    PagerDuty(String),
    /// A program that reads the message from standard input.
    Command(Vec<String>),
}

const KINDS: [&str; 4] = ["webhook", "slack", "pagerduty", "command"];
const KEYS: &[&str] = &["webhook", "slack", "pagerduty", "command", "secret"];

pub(super) fn notify(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path) -> BTreeMap<String, Notify> {
    let mut all = BTreeMap::new();
    for (name, value) in reader.table(value).into_iter().flatten() {
        if let Some(one) = one(reader, value, workspace) {
            all.insert(name.get_ref().to_string(), one);
        }
    }
    all
}

fn one(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path) -> Option<Notify> {
    let table = reader.table(value)?;
    let (mut channel, mut key) = (None, None);
    for (name, value) in table {
        match name.get_ref().as_ref() {
            "webhook" => channel = reader.parsed(value, url).map(Channel::Webhook),
            "slack" => channel = reader.parsed(value, url).map(Channel::Slack),
            "pagerduty" => channel = reader.parsed(value, url).map(Channel::PagerDuty),
            "command" => channel = command(reader, value).map(Channel::Command),
            "secret" => key = secret(reader, value, workspace),
            _ => reader.unknown("key", name, KEYS),
        }
    }
    if KINDS.iter().filter(|kind| table.contains_key(**kind)).count() != 1 {
        reader.wrong(value.span(), "a notification needs exactly one of `webhook`, `slack`, `pagerduty` and `command`");
    }
    if table.contains_key("secret") && table.contains_key("command") {
        reader.wrong(value.span(), "a `command` finds its secrets itself; `secret` belongs to an address");
    }
    Some(Notify { channel: channel?, secret: key })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Channel, Notify};
    use crate::config::{File, Secret};

    #[test]
    fn channels_are_one_of_a_kind_with_their_secret_beside() {
        let text = "[notify.hook]\nwebhook = \"https://a.example/x\"\nsecret = { env = \"KEY\" }\n\
            [notify.page]\ncommand = [\"page\", \"-v\"]\n";
        let notify = File::parse(text, Path::new("/srv")).unwrap().notify;
        let hook =
            Notify { channel: Channel::Webhook("https://a.example/x".to_owned()), secret: Some(Secret::Env("KEY".to_owned())) };
        assert_eq!(notify["hook"], hook);
        assert_eq!(notify["page"].channel, Channel::Command(vec!["page".to_owned(), "-v".to_owned()]));
    }

    #[test]
    fn what_is_no_channel_is_told() {
        for (text, message) in [
            ("{}", "a notification needs exactly one of"),
            ("{ slack = \"https://a\", webhook = \"https://b\" }", "a notification needs exactly one of"),
            ("{ slack = \"a.example\" }", "\"a.example\" is not an http://"),
            ("{ command = [\"x\"], secret = { env = \"K\" } }", "a `command` finds its secrets itself"),
            ("{ pagerduty = \"https://a\", secret = \"hunter2\" }", "a secret needs exactly one of"),
        ] {
            let found = File::parse(&format!("[notify]\nx = {text}\n"), Path::new("/srv")).expect_err(text);
            assert!(found.len() == 1 && found[0].message.starts_with(message), "{text}: {found:?}");
            assert!(!found[0].message.contains("hunter2"));
        }
    }
}
