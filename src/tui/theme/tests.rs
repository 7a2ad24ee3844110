//! Theme files, right and wrong; the shipped ones.

mod contrast;

use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};

use super::{Origin, Role, SHIPPED, Theme, Themes};
use crate::config::{Problem, report};

fn files(files: &[(&str, &str)]) -> Themes {
    Themes::with_files(files.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect())
}

fn alone(text: &str) -> Result<Theme, Vec<Problem>> {
    Theme::parse("mine", text, |_| Err("nothing to inherit from".to_owned()))
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_shipped_theme_loads_under_its_own_name() {
    for (name, _) in SHIPPED {
        assert_eq!(Theme::shipped(name).map(|theme| theme.name), Ok((*name).to_owned()));
    }
    assert_eq!(Theme::shipped("drak"), Err("there is no theme `drak`, did you mean `dark`?".to_owned()));
}

#[test]
fn a_theme_says_only_what_differs_from_the_one_it_inherits_from() {
    let themes = files(&[("corp.toml", "inherits = \"dark\"\n[styles]\nfailure = \"#ff0000 bold\"\n")]);
    let (corp, dark) = (themes.get("corp").expect("valid"), themes.get("dark").expect("shipped"));
    assert_eq!(corp.style(Role::Failure), Style::new().fg(Color::Rgb(255, 0, 0)).add_modifier(Modifier::BOLD));
    assert_eq!(corp.style(Role::Border), dark.style(Role::Border));
    assert_eq!(themes.entries().last().map(|entry| &entry.origin), Some(&Origin::File("corp.toml".into())));
    let twice = files(&[
        ("a.toml", "inherits = \"b\"\n[styles]\ndim = \"1\"\n"),
        ("b.toml", "inherits = \"mono\"\n[styles]\ndim = \"2\"\nkey = \"3\"\n"),
    ]);
    let a = twice.get("a").expect("valid");
    assert_eq!((a.style(Role::Dim).fg, a.style(Role::Key).fg), (Some(Color::Indexed(1)), Some(Color::Indexed(3))));
}

#[test]
fn a_file_may_stand_in_for_a_shipped_theme_and_build_on_it() {
    let themes = files(&[("dark.toml", "inherits = \"dark\"\n[styles]\ntext = \"white on black\"\n")]);
    assert_eq!(themes.entries().len(), SHIPPED.len());
    let dark = themes.get("dark").expect("valid");
    assert_eq!(dark.style(Role::Text).bg, Some(Color::Black));
    assert_eq!(dark.style(Role::Dim), Theme::shipped("dark").expect("shipped").style(Role::Dim));
}

#[test]
fn inheriting_in_a_circle_or_from_nothing_or_from_a_broken_theme_is_told() {
    let themes = files(&[
        ("a.toml", "inherits = \"b\"\n"),
        ("b.toml", "inherits = \"a\"\n"),
        ("c.toml", "inherits = \"drak\"\n"),
        ("d.toml", "inherits = \"c\"\n"),
    ]);
    let problem = |name: &str| themes.get(name).expect_err("wrong");
    assert_eq!(problem("a"), "a.toml has a problem in line 1: the theme `b` is not valid itself");
    assert_eq!(problem("c"), "c.toml has a problem in line 1: there is no theme `drak`, did you mean `dark`?");
    assert_eq!(problem("d"), "d.toml has a problem in line 1: the theme `c` is not valid itself");
    assert!(themes.get("dark").is_ok(), "one broken file leaves the others alone");
}

#[test]
fn every_mistake_of_a_theme_is_named_with_its_place() {
    let text = "inherit = \"dark\"\n[styles]\ntxt = \"red\"\ndim = \"bold rad on\"\nkey = \"#12345\"\nbar = \"on\"\nborder = 3\n";
    let problems = alone(text).expect_err("wrong");
    let expected = [
        "1:1: unknown key `inherit`, did you mean `inherits`?",
        "2:2: 17 roles have no style: text, title",
        "3:1: unknown role `txt`, did you mean `text`?",
        "4:13: `rad` is not a colour or an attribute, did you mean `red`?",
        "5:8: `#12345` is not a colour or an attribute, six digits of red, green and blue",
        "6:8: `on` needs a colour after it",
        "7:10: expected a string, found the number 3",
    ];
    let shown = shown(&problems);
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (shown, beginning) in shown.iter().zip(expected) {
        assert!(shown.starts_with(beginning), "{shown}");
    }
}

#[test]
fn the_caret_stands_under_the_word_that_is_wrong() {
    let text = "inherits = \"x\"\n[styles]\nfailure = \"bold #zz0000\"\n";
    let problems = Theme::parse("mine", text, |_| Theme::shipped("dark")).expect_err("wrong");
    let shown = report(&problems, Path::new("mine.toml"), text, false);
    let place = shown.find("failure = ").map(|at| shown[at..].lines().take(2).collect::<Vec<_>>().join("\n"));
    let carets = place.as_deref().and_then(|place| Some((place.find("#zz0000")?, place.lines().nth(1)?.matches('^').count())));
    assert_eq!(carets.map(|(_, carets)| carets), Some("#zz0000".len()), "{shown}");
    assert!(shown.contains("mine.toml:3:17"), "{shown}");
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    assert_eq!(alone("[styles]\ntext = = 1\n").expect_err("wrong")[0].line, 2);
    assert!(alone(&"[".repeat(50_000)).is_err());
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
