//! Key files, right and wrong; the printed map.

use super::{Key, Keymap};
use crate::tui::action::{ALL, Action, Context, Facts};

fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

fn problems(text: &str) -> Vec<String> {
    let problems = Keymap::default().with_file(text).expect_err("wrong");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_key_is_readable_and_means_one_thing_in_a_context() {
    let map = Keymap::default();
    for facts in ALL {
        assert_eq!(map.keys(facts.action).len(), facts.keys.len(), "{}", facts.name);
        assert_eq!(map.clash(facts.action), None, "{}", facts.name);
        assert_eq!(map.refusal(facts), None, "{}", facts.name);
    }
}

#[test]
fn the_nearest_context_wins() {
    let map = Keymap::default();
    assert_eq!(map.find(key("n"), &[Context::Graph, Context::Global]), Some(Action::NextFailed));
    assert_eq!(map.find(key("n"), &[Context::Log, Context::Graph]), Some(Action::NextHit));
    assert_eq!(map.find(key("n"), &[Context::Global]), None);
}

#[test]
fn a_file_replaces_the_keys_it_names() {
    let map = Keymap::default().with_file("[keys]\nquit = [\"ctrl-q\"]\nzoom = \"Z\"\nredraw = []\n").expect("valid");
    assert_eq!(map.find(key("q"), &[Context::Global]), None);
    assert_eq!(map.find(key("ctrl-q"), &[Context::Global]), Some(Action::Quit));
    assert_eq!(map.find(key("Z"), &[Context::Run]), Some(Action::Zoom));
    assert_eq!(map.keys(Action::Redraw), []);
}

#[test]
fn the_users_file_wins_over_the_workspace() {
    let workspace = "[engine]\nmax_concurrency = 2\n[console]\ntheme = \"dark\"\nkeys = { zoom = \"Z\", wrap = \"W\" }\n";
    let map = Keymap::default().with_workspace(workspace).expect("valid");
    let map = map.with_file("[keys]\nzoom = \"ctrl-o\"\n").expect("valid");
    assert_eq!((map.keys(Action::Zoom), map.keys(Action::Wrap)), (&[key("ctrl-o")][..], &[key("W")][..]));
    let wrong = Keymap::default().with_workspace("[console.keys]\nzom = \"Z\"\n").expect_err("wrong");
    assert_eq!(wrong[0].to_string(), "2:1: unknown action `zom`, did you mean `zoom`?");
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let text = "[keys]\nquti = \"q\"\nzoom = [\"z\", \"hyper-z\"]\nhelp = \"q\"\nwrap = 3\n[kyes]\n";
    assert_eq!(
        problems(text),
        [
            "2:1: unknown action `quti`, did you mean `quit`?",
            "3:14: `hyper-z` is not a key",
            "4:8: `q` already means `quit` where `help` works, give `quit` another key too",
            "5:8: expected a string, found the number 3",
            "6:2: unknown table `kyes`, did you mean `keys`?",
        ]
    );
    assert!(problems("[keys]\nquit = = 1\n")[0].starts_with("2:"));
}

#[test]
fn two_lines_may_swap_their_keys() {
    let map = Keymap::default().with_file("[keys]\nwrap = \"T\"\ntimestamps = \"w\"\n").expect("valid");
    assert_eq!(map.find(key("w"), &[Context::Log]), Some(Action::Timestamps));
}

#[test]
fn nobody_locks_themselves_in() {
    assert_eq!(problems("[keys]\nquit = []\n"), ["2:8: `quit` needs a key"]);
    assert_eq!(problems("[keys]\nback = \"b\"\n"), ["2:8: `back` needs a key that writes nothing: it works while typing, too"]);
    assert!(Keymap::default().with_file("[keys]\nback = [\"b\", \"ctrl-g\"]\n").is_ok());
}

#[test]
fn no_key_may_do_what_is_protected() {
    let guarded = Facts {
        action: Action::Zoom,
        name: "roll-back",
        description: "",
        hint: "",
        keys: &[],
        contexts: &[Context::Run],
        protected: true,
    };
    let mut map = Keymap::default();
    assert_eq!(map.refusal(&guarded).as_deref(), Some("`roll-back` changes what is protected: no key may do it"));
    map.keys.insert(Action::Zoom, Vec::new());
    assert_eq!(map.refusal(&guarded), None);
}

#[test]
fn the_printed_file_says_what_the_map_says() {
    let map = Keymap::default().with_file("[keys]\nzoom = [\"Z\", \"ctrl-o\"]\nwrap = []\nmark = \"#\"\n").expect("valid");
    assert_eq!(Keymap::default().with_file(&map.file()), Ok(map));
}

#[test]
fn every_action_is_listed_in_each_of_its_contexts() {
    let map = Keymap::default();
    let document = map.document();
    let listed: usize =
        document["contexts"].as_array().into_iter().flatten().map(|c| c["actions"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(listed, ALL.iter().map(|facts| facts.contexts.len()).sum::<usize>());
    let listing = map.listing();
    assert!(listing.contains("\nEverywhere\n") && listing.contains("  q ctrl-c"), "{listing}");
    assert_eq!(listing.lines().filter(|line| line.starts_with("  ")).count(), listed);
}
