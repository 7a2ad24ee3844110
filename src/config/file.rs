//! The workspace file `flowdeck.toml`: its sections as types, every mistake with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;

use super::access;
use super::ai::{self, Ai};
use super::audit::{self, Audit};
use super::duration;
use super::environment::{self, Mentions};
use super::network::{self, Network};
use super::notify::{self, Notify};
use super::problem::Problem;
use super::reader::{Node, Reader, document};
use crate::model::{Access, Environment, Policy};

/// What the file says; what it does not say is absent, not defaulted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct File {
    pub engine: Engine,
    pub console: Console,
    pub services: Vec<Service>,
    /// Where the values of secrets come from, by name. Never the values.
    pub secrets: BTreeMap<String, Secret>,
    /// Secrets that only stages read which act in one of these environments.
    pub bound_secrets: BTreeMap<String, BTreeSet<String>>,
    pub network: Network,
    pub ai: Ai,
    pub notify: BTreeMap<String, Notify>,
    pub access: Option<Access>,
    /// Login names of programs.
    pub service_accounts: BTreeSet<String>,
    /// By name. `None`: any name will do, and none is protected.
    pub environments: Option<BTreeMap<String, Environment>>,
    pub audit: Audit,
}

/// `[engine]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engine {
    pub idle_timeout: Option<IdleTimeout>,
    /// Stages running at once, over all runs.
    pub max_concurrency: Option<u32>,
    /// The OS group that may use the socket.
    pub group: Option<String>,
}

/// How long an engine with nothing to do stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleTimeout {
    After(Duration),
    Never,
}

impl std::str::FromStr for IdleTimeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" { Ok(Self::Never) } else { duration(text).map(Self::After) }
    }
}

/// `[console]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Console {
    pub theme: Option<String>,
    pub mouse: Option<bool>,
    /// Keys by the action they do; the console knows which actions there are.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// One of `[[services]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub environment: Option<String>,
    /// Where people reach it.
    pub url: Option<String>,
    pub probe: Option<Probe>,
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
}

/// How a service is asked for its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    Http {
        url: String,
        expect_status: Option<u32>,
    },
    /// `host:port`.
    Tcp(String),
    Command(Vec<String>),
}

/// Where a secret's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// Absolute, or relative to the workspace in the file and joined with it here.
    File(PathBuf),
    Env(String),
    Command(Vec<String>),
}

const SECTIONS: &[&str] = &[
    "access",
    "ai",
    "alerts",
    "audit",
    "console",
    "engine",
    "environments",
    "network",
    "notify",
    "retention",
    "secrets",
    "services",
];
const PROBES: &[&str] = &["http", "expect_status", "tcp", "command"];

impl File {
    /// Reads the text of a file that lies in the directory `workspace`.
    ///
    /// # Errors
    /// Every problem of the file, in the order of its lines.
    pub fn parse(text: &str, workspace: &Path) -> Result<Self, Vec<Problem>> {
        let document = document(text)?;
        let mut reader = Reader::new(text);
        let mut file = Self::default();
        let mut mentions = Mentions::default();
        for (key, value) in document.get_ref() {
            match key.get_ref().as_ref() {
                "engine" => file.engine = engine(&mut reader, value),
                "console" => file.console = console(&mut reader, value),
                "services" => file.services = services(&mut reader, value),
                "secrets" => {
                    (file.secrets, file.bound_secrets) = secrets(&mut reader, value, workspace, &mut mentions);
                }
                "network" => file.network = network::network(&mut reader, value),
                "audit" => file.audit = audit::audit(&mut reader, value, workspace),
                "ai" => file.ai = ai::ai(&mut reader, value, workspace),
                "notify" => file.notify = notify::notify(&mut reader, value, workspace),
                "access" => {
                    let (roles, programs) = access::access(&mut reader, value, &mut mentions);
                    (file.access, file.service_accounts) = (Some(roles), programs);
                }
                "environments" => file.environments = Some(environment::environments(&mut reader, value, &mut mentions)),
                // Documented; nothing reads it yet.
                known if SECTIONS.contains(&known) => {}
                _ => reader.unknown("section", key, SECTIONS),
            }
        }
        // Also those that are not right otherwise: one mistake is not told twice.
        let named = document.get_ref().get("environments").and_then(|section| section.get_ref().as_table());
        let named: Vec<&str> = named.into_iter().flatten().map(|(name, _)| name.get_ref().as_ref()).collect();
        mentions.check(&mut reader, &named);
        let problems = reader.finish();
        if problems.is_empty() { Ok(file) } else { Err(problems) }
    }

    /// What of the file decides who may do what, and when.
    pub fn policy(&self) -> Policy {
        Policy {
            access: self.access.clone(),
            service_accounts: self.service_accounts.clone(),
            environments: self.environments.clone().unwrap_or_default(),
            bound_secrets: self.bound_secrets.clone(),
        }
    }
}

fn engine(reader: &mut Reader<'_>, value: &Node<'_>) -> Engine {
    let mut engine = Engine::default();
    for (key, value) in reader.table(value).into_iter().flatten() {
        match key.get_ref().as_ref() {
            "idle_timeout" => engine.idle_timeout = reader.parsed(value, str::parse),
            "max_concurrency" => engine.max_concurrency = reader.count(value),
            "group" => engine.group = reader.text(value),
            _ => reader.unknown("key", key, &["idle_timeout", "max_concurrency", "group"]),
        }
    }
    engine
}

fn console(reader: &mut Reader<'_>, value: &Node<'_>) -> Console {
    let mut console = Console::default();
    for (key, value) in reader.table(value).into_iter().flatten() {
        match key.get_ref().as_ref() {
            "theme" => console.theme = reader.text(value),
            "mouse" => console.mouse = reader.flag(value),
            "keys" => {
                for (action, keys) in reader.table(value).into_iter().flatten() {
                    let keys = if keys.get_ref().is_str() { reader.text(keys).into_iter().collect() } else { reader.texts(keys) };
                    console.keys.insert(action.get_ref().to_string(), keys);
                }
            }
            _ => reader.unknown("key", key, &["theme", "mouse", "keys"]),
        }
    }
    console
}

fn services(reader: &mut Reader<'_>, value: &Node<'_>) -> Vec<Service> {
    let mut seen = BTreeSet::new();
    let mut services = Vec::new();
    for item in reader.list(value, "a list of tables, [[services]]") {
        let Some(service) = service(reader, item) else { continue };
        if !seen.insert((service.name.clone(), service.environment.clone())) {
            reader.wrong(item.span(), format!("the service {:?} is there twice for one environment", service.name));
        }
        services.push(service);
    }
    services
}

fn service(reader: &mut Reader<'_>, item: &Node<'_>) -> Option<Service> {
    let mut service = Service { name: String::new(), environment: None, url: None, probe: None, interval: None, timeout: None };
    let table = reader.table(item)?;
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "name" => service.name = reader.text(value).unwrap_or_default(),
            "environment" => service.environment = reader.text(value),
            "url" => service.url = reader.parsed(value, url),
            "probe" => service.probe = probe(reader, value),
            "interval" => service.interval = reader.parsed(value, duration),
            "timeout" => service.timeout = reader.parsed(value, duration),
            _ => reader.unknown("key", key, &["name", "environment", "url", "probe", "interval", "timeout"]),
        }
    }
    if !table.contains_key("name") {
        reader.wrong(item.span(), "a service needs a `name`");
    }
    Some(service)
}

fn probe(reader: &mut Reader<'_>, value: &Node<'_>) -> Option<Probe> {
    let table = reader.table(value)?;
    let mut kinds = Vec::new();
    let mut status = None;
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "http" => kinds.extend(reader.parsed(value, url).map(|url| Probe::Http { url, expect_status: None })),
            "tcp" => kinds.extend(reader.parsed(value, address).map(Probe::Tcp)),
            "command" => kinds.extend(command(reader, value).map(Probe::Command)),
            "expect_status" => status = reader.count(value),
            _ => reader.unknown("probe", key, PROBES),
        }
    }
    let named = ["http", "tcp", "command"].iter().filter(|kind| table.contains_key(**kind)).count();
    if named != 1 {
        reader.wrong(value.span(), "a probe needs exactly one of `http`, `tcp` and `command`");
    }
    if table.contains_key("expect_status") && !table.contains_key("http") {
        reader.wrong(value.span(), "`expect_status` belongs to an `http` probe");
    }
    match kinds.pop()? {
        Probe::Http { url, .. } => Some(Probe::Http { url, expect_status: status }),
        other => Some(other),
    }
}

type Secrets = (BTreeMap<String, Secret>, BTreeMap<String, BTreeSet<String>>);

fn secrets(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path, mentions: &mut Mentions) -> Secrets {
    let (mut secrets, mut bound) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in reader.table(value).into_iter().flatten() {
        if !is_variable(name.get_ref()) {
            reader.wrong(name.span(), format!("{:?} cannot be the name of an environment variable", name.get_ref()));
        }
        if let Some(list) = value.get_ref().as_table().and_then(|table| table.get("environments")) {
            bound.insert(name.get_ref().to_string(), access::places(reader, list, mentions));
        }
        if let Some(secret) = secret_but(reader, value, workspace, &["environments"]) {
            secrets.insert(name.get_ref().to_string(), secret);
        }
    }
    (secrets, bound)
}

pub(super) fn secret(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path) -> Option<Secret> {
    secret_but(reader, value, workspace, &[])
}

/// The source of a secret in a table that has these other keys as well.
fn secret_but(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path, others: &[&str]) -> Option<Secret> {
    let wanted = "a secret needs exactly one of `file`, `env` and `command`; its value does not belong in this file";
    // The value may be the secret itself, written here by mistake: it is not repeated in the message.
    let Some(table) = value.get_ref().as_table() else {
        reader.wrong(value.span(), wanted);
        return None;
    };
    let is_other = |key: &str| others.contains(&key);
    if table.iter().filter(|(key, _)| !is_other(key.get_ref())).count() != 1 {
        reader.wrong(value.span(), wanted);
    }
    let mut secret = None;
    for (key, value) in table.iter().filter(|(key, _)| !is_other(key.get_ref())) {
        secret = match key.get_ref().as_ref() {
            "file" => reader.text(value).map(|path| Secret::File(workspace.join(path))),
            "env" => reader.parsed(value, variable).map(Secret::Env),
            "command" => command(reader, value).map(Secret::Command),
            _ => {
                reader.unknown("source of a secret", key, &["file", "env", "command"]);
                None
            }
        };
    }
    secret
}

/// A program and its arguments.
pub(super) fn command(reader: &mut Reader<'_>, value: &Spanned<toml::de::DeValue<'_>>) -> Option<Vec<String>> {
    let items = reader.list(value, "a list: the program and its arguments");
    let words: Vec<String> = items.iter().filter_map(|item| item.get_ref().as_str()).map(str::to_owned).collect();
    if words.len() != items.len() {
        reader.wrong(value.span(), "a command is a list of strings");
    }
    if value.get_ref().is_array() && words.first().is_none_or(String::is_empty) {
        reader.wrong(value.span(), "a command needs a program");
    }
    (!words.is_empty()).then_some(words)
}

pub(super) fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not an http:// or https:// address")),
    }
}

fn address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse::<u16>().ok());
    port.map(|_| text.to_owned()).ok_or_else(|| format!("{text:?} is not a host and a port such as \"127.0.0.1:5432\""))
}

fn variable(text: &str) -> Result<String, String> {
    if is_variable(text) { Ok(text.to_owned()) } else { Err(format!("{text:?} cannot be the name of an environment variable")) }
}

fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests;
