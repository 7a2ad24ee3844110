//! Themes and keys from files, and the console that opens whatever is wrong with them.

use super::console::command;
use super::pty::Console;
use super::support::{Said, Workspace, finish};

/// A workspace whose user has files in the directory for settings.
fn with_settings(files: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    for (name, text) in files {
        let path = workspace.file("config/flowdeck").join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    workspace
}

fn say(workspace: &Workspace, args: &[&str]) -> Said {
    let mut command = workspace.command(args);
    command.env("XDG_CONFIG_HOME", workspace.file("config"));
    finish(command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("flowdeck starts"))
}

#[test]
fn keys_are_printed_as_they_are_mapped_and_the_printed_file_can_be_used() {
    let workspace = with_settings(&[("keys.toml", "[keys]\nzoom = \"Z\"\n")]);
    std::fs::write(workspace.file("flowdeck.toml"), "[console]\nkeys = { wrap = \"W\", zoom = \"ctrl-o\" }\n").expect("written");
    let keys = say(&workspace, &["keys", "--json"]).json();
    let of = |name: &str| {
        let contexts = keys["contexts"].as_array().expect("contexts").iter();
        let mut actions = contexts.flat_map(|context| context["actions"].as_array().expect("actions"));
        actions.find(|action| action["name"] == name).map(|action| action["keys"].clone())
    };
    assert_eq!(
        (of("zoom"), of("wrap")),
        (Some(serde_json::json!(["Z"])), Some(serde_json::json!(["W"]))),
        "the user's file wins"
    );
    let file = say(&workspace, &["keys", "--toml"]).out;
    std::fs::write(workspace.file("config/flowdeck/keys.toml"), &file).expect("written");
    let again = say(&workspace, &["keys", "--toml"]);
    assert_eq!((again.code, again.out), (Some(0), file));
    let listing = say(&workspace, &["keys"]);
    assert!(listing.out.contains("Everywhere\n") && listing.err.is_empty(), "{listing:#?}");
}

#[test]
fn themes_are_listed_with_every_mistake_at_its_place() {
    let workspace = with_settings(&[
        ("themes/corp.toml", "inherits = \"dark\"\n[styles]\nfailure = \"#ff0000\"\n"),
        ("themes/typo.toml", "inherits = \"dark\"\n[styles]\nfailure = \"bold rde\"\n"),
    ]);
    let said = say(&workspace, &["themes"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    let line = |name: &str| said.out.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(line("corp").ends_with("themes/corp.toml") && line("typo").ends_with("not valid"), "{said:#?}");
    assert!(line("terminal").starts_with('*'), "{said:#?}");
    for expected in ["typo.toml:3:17", "`rde` is not a colour", "^^^", "did you mean `red`?"] {
        assert!(said.err.contains(expected), "{expected}: {said:#?}");
    }
    assert_eq!(say(&workspace, &["themes", "dark"]).out, include_str!("../../themes/dark.toml"));
    let themes = say(&workspace, &["themes", "--json"]).json();
    let typo = themes["themes"].as_array().expect("themes").iter().find(|theme| theme["name"] == "typo").expect("typo");
    assert_eq!((&typo["valid"], &typo["in_use"]), (&serde_json::json!(false), &serde_json::json!(false)));
    let unknown = say(&workspace, &["themes", "drak"]);
    assert!(unknown.code != Some(0) && unknown.err.contains("did you mean `dark`?"), "{unknown:#?}");
}

#[test]
fn a_console_with_broken_settings_opens_with_the_defaults_and_says_so() {
    let workspace = with_settings(&[("keys.toml", "[keys]\nquti = \"Q\"\nquit = \"Q\"\n"), ("themes/mine.toml", "dmi = 1\n")]);
    let command = command(&workspace, workspace.state(), &[]).env("XDG_CONFIG_HOME", workspace.file("config"));
    let mut console = Console::spawn(command.env("FLOWDECK_THEME", "mine"), 200, 30);
    console.wait_for("mine.toml has");
    console.wait_for("keys.toml has a problem in line 2");
    console.type_keys("q");
    console.wait_for_exit();
}

#[test]
fn completions_and_the_manual_know_every_subcommand() {
    let workspace = Workspace::new();
    let man = workspace.ok(&["man"]).out;
    for shell in ["bash", "zsh", "fish"] {
        let script = workspace.ok(&["completions", shell]).out;
        for name in ["keys", "themes", "run", "runs"] {
            assert!(script.contains(name), "{shell}: {name}");
            assert!(man.contains(&format!("flowdeck\\-{name}")), "{name}");
        }
    }
}

/// The table of keys in the documentation is what the binary prints.
#[test]
fn the_documented_keys_are_those_of_the_console() {
    let listing = Workspace::new().ok(&["keys"]).out;
    let page = std::fs::read_to_string(super::picture::PAGE).expect("the page");
    assert!(
        page.contains(&super::picture::block(&listing)),
        "assets/docs/console.md is stale: run `cargo test --test e2e -- --ignored pictures`"
    );
}
