//! The workspace file, right and wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{File, IdleTimeout, Probe, Secret};
use crate::config::report;

const DOCUMENTED: &str = r#"
[engine]
group = "ops"
idle_timeout = "never"
max_concurrency = 8

[console]
theme = "dark"
mouse = true
keys = { quit = "q", down = ["j", "down"] }

[access.roles]
operator = { groups = ["ops"] }

[environments.production]
protected = true
bake = "10m"

[[services]]
name = "api"
environment = "production"
probe = { http = "http://127.0.0.1:8082/health", expect_status = 200 }
interval = "5s"

[[services]]
name = "db"
probe = { tcp = "127.0.0.1:5432" }

[[alerts]]
name = "ApiDown"
for = "1m"

[network]
allow = ["127.0.0.1"]

[secrets]
DEPLOY_TOKEN = { file = "secrets/deploy" }
KEY = { command = ["vault", "kv", "get", ""] }
"#;

fn problems(text: &str) -> Vec<(usize, usize, String)> {
    let found = File::parse(text, Path::new("/srv")).expect_err("this file is wrong");
    found.into_iter().map(|problem| (problem.line, problem.column, problem.message)).collect()
}

#[test]
fn a_documented_file_is_read() {
    let file = File::parse(DOCUMENTED, Path::new("/srv")).unwrap();
    assert_eq!(file.engine.idle_timeout, Some(IdleTimeout::Never));
    assert_eq!((file.engine.max_concurrency, file.engine.group.as_deref()), (Some(8), Some("ops")));
    assert_eq!(file.console.theme.as_deref(), Some("dark"));
    assert_eq!(file.network.allow.as_deref(), Some(&["127.0.0.1".to_owned()][..]));
    assert_eq!(file.console.keys["down"], ["j", "down"]);
    assert_eq!(file.services.len(), 2);
    let http = Probe::Http { url: "http://127.0.0.1:8082/health".to_owned(), expect_status: Some(200) };
    assert_eq!((file.services[0].probe.clone(), file.services[0].interval), (Some(http), Some(Duration::from_secs(5))));
    assert_eq!(file.secrets["DEPLOY_TOKEN"], Secret::File(PathBuf::from("/srv/secrets/deploy")));
    assert_eq!(file.secrets["KEY"], Secret::Command(["vault", "kv", "get", ""].map(str::to_owned).to_vec()));
    assert_eq!(file.access.as_ref().map(|access| access.grants.len()), Some(1));
    assert!(file.environments.as_ref().is_some_and(|environments| environments["production"].protected));
    assert_eq!(file.policy().protected().collect::<Vec<_>>(), ["production"]);
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(File::parse("", Path::new("/srv")), Ok(File::default()));
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let text = "[engine]\nidle_timout = \"5m\"\nmax_concurrency = 0\n[consle]\n[[services]]\nurl = \"ftp://x\"\n\
                [secrets]\nA-B = { env = \"OK\" }\nC = { file = \"x\", env = \"Y\" }\n";
    let found = problems(text);
    let expected = [
        (2, 1, "unknown key `idle_timout`"),
        (3, 19, "expected a whole number from 1"),
        (4, 2, "unknown section `consle`"),
        (5, 1, "a service needs a `name`"),
        (6, 7, "\"ftp://x\" is not an http://"),
        (8, 1, "\"A-B\" cannot be the name"),
        (9, 5, "a secret needs exactly one of"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((line, column, message), (expected_line, expected_column, beginning)) in found.iter().zip(expected) {
        assert_eq!((*line, *column), (expected_line, expected_column), "{message}");
        assert!(message.starts_with(beginning), "{message}");
    }
}

#[test]
fn a_secret_written_into_the_file_is_refused_without_repeating_it() {
    for text in ["[secrets]\nTOKEN = \"hunter2\"\n", "[secrets]\nTOKEN = { value = 1, env = \"hunter2\" }\n"] {
        let found = problems(text);
        assert!(found.iter().any(|(_, _, message)| message.contains("does not belong in this file")), "{found:?}");
        assert!(found.iter().all(|(_, _, message)| !message.contains("hunter2")), "{found:?}");
    }
}

#[test]
fn probes_are_one_of_a_kind() {
    for probe in
        ["{}", "{ http = \"http://a\", tcp = \"a:1\" }", "{ tcp = \"a:1\", expect_status = 200 }", "{ tcp = \"nowhere\" }"]
    {
        let found = problems(&format!("[[services]]\nname = \"a\"\nprobe = {probe}\n"));
        assert_eq!(found.len(), 1, "{probe}: {found:?}");
    }
}

#[test]
fn a_service_is_named_once_per_environment() {
    let pair = |second: &str| format!("[[services]]\nname = \"a\"\n[[services]]\nname = \"a\"\n{second}");
    assert_eq!(problems(&pair("")).len(), 1);
    assert!(File::parse(&pair("environment = \"staging\"\n"), Path::new("/srv")).is_ok());
}

#[test]
fn a_report_shows_the_line_a_caret_and_what_was_meant() {
    let text = "# größe\n[engine]\nmax_concurency = 4\n";
    let found = File::parse(text, Path::new("/srv")).unwrap_err();
    let shown = report(&found, Path::new("flowdeck.toml"), text, false);
    for expected in [
        "error: unknown key `max_concurency`",
        "flowdeck.toml:3:1",
        "max_concurency = 4",
        "^^^^^^^^^^^^^^",
        "did you mean `max_concurrency`?",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}

#[test]
fn text_that_is_not_toml_is_told_with_its_place() {
    let found = problems("[engine]\ngroup = \n[console\n");
    assert_eq!(found[0].0, 2, "{found:?}");
    assert!(!problems(&"[".repeat(100_000)).is_empty());
    assert!(!problems(&format!("a = {}", "[".repeat(100_000))).is_empty());
}
