//! `[environments]`, right and wrong.

use std::path::Path;
use std::time::Duration;

use crate::config::File;

const DOCUMENTED: &str = r#"
[environments.staging]
url = "http://127.0.0.1:8081"

[environments.production]
tier = 1
protected = true
url = "http://127.0.0.1:8082"
bake = "10m"
approval = { expires = "12h", valid = "30m" }
rules = [{ name = "release", groups = ["release"], min = 2 }, { name = "lead", users = ["dana"] }]
freeze = [{ cron = "0 18 * * FRI", duration = "60h", timezone = "Europe/Berlin", reason = "weekend" }]
break_glass = true
freeze_rollbacks = true
rollback = "undo"
promote_from = "staging"
"#;

fn problems(text: &str) -> Vec<(usize, usize, String)> {
    let found = File::parse(text, Path::new("/srv")).expect_err("this file is wrong");
    found.into_iter().map(|problem| (problem.line, problem.column, problem.message)).collect()
}

/// The problems of a production environment with these lines.
fn production(lines: &str) -> Vec<(usize, usize, String)> {
    problems(&format!("[environments.production]\n{lines}\n"))
}

#[test]
fn a_described_environment_is_read_whole() {
    let environments = File::parse(DOCUMENTED, Path::new("/srv")).unwrap().environments.expect("a section");
    let production = &environments["production"];
    assert!(production.protected && production.break_glass && production.freeze_rollbacks);
    assert_eq!((production.tier, production.bake), (1, Duration::from_secs(600)));
    assert_eq!((production.expires, production.valid), (Duration::from_secs(12 * 3600), Duration::from_secs(1800)));
    assert_eq!(
        production.rules.iter().map(|rule| (rule.name.as_str(), rule.min)).collect::<Vec<_>>(),
        [("release", 2), ("lead", 1)]
    );
    assert!(production.rules[0].people.groups.contains("release") && production.rules[1].people.users.contains("dana"));
    let freeze = &production.freeze[0];
    assert_eq!((freeze.cron.as_str(), freeze.timezone.as_str()), ("0 18 * * FRI", "Europe/Berlin"));
    assert_eq!((freeze.duration, freeze.reason.as_str()), (Duration::from_secs(60 * 3600), "weekend"));
    assert_eq!((production.rollback.as_deref(), production.promote_from.as_deref()), (Some("undo"), Some("staging")));
}

#[test]
fn what_is_left_out_has_its_default_and_is_not_protected() {
    let environments = File::parse(DOCUMENTED, Path::new("/srv")).unwrap().environments.expect("a section");
    let staging = &environments["staging"];
    assert!(!staging.protected && !staging.break_glass);
    assert_eq!((staging.expires, staging.valid), (Duration::from_secs(24 * 3600), Duration::from_secs(4 * 3600)));
    assert!(File::parse("", Path::new("/srv")).unwrap().environments.is_none());
}

#[test]
fn a_rule_that_cannot_be_met_is_refused() {
    for (rule, column, message) in [
        ("{ name = \"a\", min = 1 }", 10, "a rule that nobody can meet: name `users` or `groups`"),
        ("{ name = \"a\", users = [] }", 10, "a rule that nobody can meet: name `users` or `groups`"),
        ("{ name = \"a\", users = [\"x\"], min = 0 }", 45, "expected a whole number from 1, found the number 0"),
        ("{ name = \"a\", users = [\"x\"], min = 2 }", 45, "`min` asks for 2 people, and `users` names 1"),
        ("{ users = [\"x\"] }", 10, "a rule needs a `name`"),
        ("{ name = \"a\", users = [\"x\"], groups = [\"\"] }", 49, "expected some text, found an empty string"),
    ] {
        assert_eq!(production(&format!("rules = [{rule}]")), [(2, column, message.to_owned())], "{rule}");
    }
    let groups = "[environments.p]\nrules = [{ name = \"a\", users = [\"x\"], groups = [\"g\"], min = 5 }]\n";
    assert!(File::parse(groups, Path::new("/srv")).is_ok(), "how many a group has is not known here");
}

#[test]
fn two_rules_of_one_name_are_refused() {
    let rule = "{ name = \"a\", users = [\"x\"] }";
    let found = production(&format!("rules = [{rule}, {rule}]"));
    assert_eq!(found, [(2, 12 + rule.len(), "the rule \"a\" is there twice".to_owned())]);
}

#[test]
fn a_freeze_that_would_not_hold_is_refused() {
    for (window, column, message) in [
        ("{ cron = \"0 18 * * FRI\" }", 11, "a freeze window needs a `duration`"),
        ("{ duration = \"1h\" }", 11, "a freeze window needs a `cron`"),
        ("{ cron = \"0 0 18 * * FRI\", duration = \"1h\" }", 20, "\"0 0 18 * * FRI\" is not a cron expression"),
        ("{ cron = \"0 25 * * *\", duration = \"1h\" }", 20, "\"0 25 * * *\" is not a cron expression"),
        ("{ cron = \"@daily\", duration = \"1h\" }", 20, "\"@daily\" is not a cron expression"),
        ("{ cron = \"0 0 31 2 *\", duration = \"1h\" }", 20, "\"0 0 31 2 *\" never comes"),
        ("{ cron = \"0 0 * * *\", duration = \"0s\" }", 44, "\"0s\" is no time at all"),
        ("{ cron = \"0 0 * * *\", duration = \"1h\", timezone = \"Europe/Atlantis\" }", 61, "this system knows no time zone"),
        ("{ cron = \"0 0 * * *\", duraton = \"1h\", duration = \"1h\" }", 33, "unknown key `duraton`"),
    ] {
        let found = production(&format!("freeze = [{window}]"));
        assert_eq!(found.iter().map(|found| (found.0, found.1)).collect::<Vec<_>>(), [(2, column)], "{window}: {found:?}");
        assert!(found[0].2.starts_with(message), "{window}: {found:?}");
    }
}

#[test]
fn promotion_comes_from_another_environment_that_is_there() {
    assert_eq!(
        production("promote_from = \"stagin\"\n[environments.staging]"),
        [(2, 16, "[environments] has no \"stagin\"".to_owned())]
    );
    let found = problems("[environments.a]\npromote_from = \"b\"\n[environments.b]\npromote_from = \"a\"\n");
    assert_eq!(found.iter().map(|found| (found.0, found.1)).collect::<Vec<_>>(), [(1, 15), (3, 15)]);
    assert!(found[0].2.contains("is promoted from itself"), "{found:?}");
}

#[test]
fn names_and_values_of_the_wrong_kind_are_told_at_their_place() {
    let text = "[environments.\"a b\"]\n[environments.c]\nprotectd = true\nprotected = \"yes\"\ntier = -1\nbake = \"10\"\n\
        approval = { expires = \"0s\", valit = \"1h\" }\nurl = \"ftp://x\"\n";
    let found = problems(text);
    let expected = [
        (1, 15, "\"a b\" cannot name an environment"),
        (3, 1, "unknown key `protectd`"),
        (4, 13, "expected true or false"),
        (5, 8, "expected a whole number from 0"),
        (6, 8, "\"10\" is not a length of time"),
        (7, 24, "\"0s\" is no time at all"),
        (7, 30, "unknown key `valit`"),
        (8, 7, "\"ftp://x\" is not an http://"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (line, column, beginning)) in found.iter().zip(expected) {
        assert!((found.0, found.1) == (line, column) && found.2.starts_with(beginning), "{found:?}");
    }
}
