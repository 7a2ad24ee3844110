use std::time::Duration;

use super::{check, frozen};
use crate::model::{Environment, Freeze, SubjectKind, Timestamp};

const HOUR: u64 = 3600;

fn window(cron: &str, duration: u64, timezone: &str) -> Freeze {
    Freeze { cron: cron.into(), duration: Duration::from_secs(duration), timezone: timezone.into(), reason: "weekend".into() }
}

fn production(freeze: Vec<Freeze>) -> Environment {
    Environment { protected: true, freeze, ..Environment::open("production") }
}

fn at(text: &str) -> Timestamp {
    serde_json::from_value(text.into()).expect("a time")
}

/// The window that holds a moment, as `since until`; times of day in UTC.
fn on(freeze: &Freeze, moment: &str) -> Option<String> {
    frozen(&production(vec![freeze.clone()]), SubjectKind::Deploy, at(moment)).map(|frozen| {
        let until = frozen.until.map_or("-".to_owned(), |until| until.to_string());
        format!("{} {until}", frozen.since)
    })
}

#[test]
fn a_window_holds_from_its_first_millisecond_to_before_its_last() {
    let weekend = window("0 18 * * FRI", 60 * HOUR, "UTC");
    let whole = Some("2025-06-06T18:00:00.000Z 2025-06-09T06:00:00.000Z".to_owned());
    assert_eq!(on(&weekend, "2025-06-06T17:59:59.999Z"), None);
    assert_eq!(on(&weekend, "2025-06-06T18:00:00.000Z"), whole);
    assert_eq!(on(&weekend, "2025-06-07T12:00:00.500Z"), whole);
    assert_eq!(on(&weekend, "2025-06-09T05:59:59.999Z"), whole);
    assert_eq!(on(&weekend, "2025-06-09T06:00:00.000Z"), None);
}

#[test]
fn the_clock_of_the_zone_counts_in_summer_and_in_winter() {
    let weekend = window("0 18 * * FRI", 60 * HOUR, "Europe/Berlin");
    assert_eq!(on(&weekend, "2025-06-06T15:59:59.999Z"), None, "17:59 in Berlin");
    assert!(on(&weekend, "2025-06-06T16:00:00.000Z").is_some(), "18:00 summer time");
    assert_eq!(on(&weekend, "2025-12-05T16:59:59.999Z"), None);
    assert!(on(&weekend, "2025-12-05T17:00:00.000Z").is_some(), "18:00 winter time");
}

#[test]
fn a_window_over_a_change_of_the_clock_lasts_as_long_as_written() {
    let weekend = window("0 18 * * FRI", 60 * HOUR, "Europe/Berlin");
    // In spring the clock shows 07:00 when 60 hours are over, in autumn 05:00.
    assert_eq!(on(&weekend, "2025-03-30T01:00:00.000Z").as_deref(), Some("2025-03-28T17:00:00.000Z 2025-03-31T05:00:00.000Z"));
    assert_eq!(on(&weekend, "2025-10-26T01:00:00.000Z").as_deref(), Some("2025-10-24T16:00:00.000Z 2025-10-27T04:00:00.000Z"));
}

#[test]
fn a_beginning_that_the_clock_skips_is_at_the_skip() {
    // On 2025-03-30 in Berlin the clock goes from 02:00 to 03:00, at 01:00 UTC.
    for cron in ["30 2 * * *", "*/30 2 * * *", "15,45 2 * * SUN"] {
        let freeze = window(cron, 2 * HOUR, "Europe/Berlin");
        assert_eq!(on(&freeze, "2025-03-30T00:59:59.999Z"), None, "{cron}");
        let whole = Some("2025-03-30T01:00:00.000Z 2025-03-30T03:00:00.000Z");
        assert_eq!(on(&freeze, "2025-03-30T01:00:00.000Z").as_deref(), whole, "{cron}");
        assert_eq!(on(&freeze, "2025-03-30T02:59:59.999Z").as_deref(), whole, "{cron}");
        assert_eq!(on(&freeze, "2025-03-30T03:00:00.000Z"), None, "{cron}");
    }
}

#[test]
fn a_beginning_that_the_clock_shows_twice_freezes_at_the_first() {
    // On 2025-10-26 in Berlin 02:30 is at 00:30 and at 01:30 UTC.
    let freeze = window("30 2 * * *", HOUR / 2, "Europe/Berlin");
    assert_eq!(on(&freeze, "2025-10-26T00:29:59.999Z"), None);
    assert!(on(&freeze, "2025-10-26T00:30:00.000Z").is_some());
    // Written with more than one time of day, it begins at each of them, whatever the clock showed before.
    let freeze = window("0,30 2 * * *", 600, "Europe/Berlin");
    for moment in ["2025-10-26T00:05:00Z", "2025-10-26T00:35:00Z", "2025-10-26T01:05:00Z", "2025-10-26T01:35:00Z"] {
        assert!(on(&freeze, moment).is_some(), "{moment}");
    }
    assert_eq!(on(&freeze, "2025-10-26T00:15:00Z"), None);
}

#[test]
fn deny_beats_allow_and_the_longest_window_is_told() {
    let over = window("0 0 * * *", HOUR, "UTC");
    let short = window("0 12 * * *", HOUR, "UTC");
    let long = Freeze { reason: "inventory".into(), ..window("0 11 * * *", 5 * HOUR, "UTC") };
    let frozen = frozen(&production(vec![over, long, short]), SubjectKind::Deploy, at("2025-06-06T12:30:00Z")).expect("frozen");
    assert_eq!((frozen.reason.as_str(), frozen.until), ("inventory", Some(at("2025-06-06T16:00:00Z"))));
}

#[test]
fn a_rollback_is_exempt_unless_the_environment_says_otherwise() {
    let mut environment = production(vec![window("* * * * *", HOUR, "UTC")]);
    let now = at("2025-06-06T12:30:00Z");
    assert!(frozen(&environment, SubjectKind::Deploy, now).is_some());
    assert_eq!(frozen(&environment, SubjectKind::Rollback, now), None);
    environment.freeze_rollbacks = true;
    assert!(frozen(&environment, SubjectKind::Rollback, now).is_some());
}

#[test]
fn windows_that_touch_are_one_and_a_chain_without_an_end_is_given_up() {
    let touching = window("0 12,13 * * *", HOUR, "UTC");
    assert_eq!(on(&touching, "2025-06-06T12:30:00Z").as_deref(), Some("2025-06-06T12:00:00.000Z 2025-06-06T14:00:00.000Z"));
    for duration in [60, 61, 10 * 365 * 24 * HOUR] {
        let always = window("* * * * *", duration, "UTC");
        assert_eq!(on(&always, "2025-06-06T12:30:30Z").as_deref(), Some("2025-06-06T12:30:00.000Z -"), "{duration}");
    }
}

#[test]
fn a_window_that_cannot_be_read_freezes() {
    for freeze in [window("0 18 * * FRI", HOUR, "Europe/Atlantis"), window("whenever", HOUR, "UTC")] {
        let frozen = frozen(&production(vec![freeze]), SubjectKind::Deploy, at("2025-06-06T12:30:00Z")).expect("closed");
        assert_eq!(frozen.until, None);
    }
}

#[test]
fn check_says_what_is_wrong_with_a_window() {
    let problem = |freeze: Freeze| check(&freeze).expect_err("wrong");
    assert_eq!(check(&window("0 18 * * FRI", 60 * HOUR, "Europe/Berlin")), Ok(()));
    assert_eq!(problem(window("0 18 * * FRI", 0, "UTC")), "a duration of nothing freezes nothing");
    assert_eq!(problem(window("0 0 18 * * FRI", HOUR, "UTC")), "the cron expression `0 0 18 * * FRI` has 6 fields, not 5");
    assert_eq!(problem(window("@daily", HOUR, "UTC")), "the cron expression `@daily` has 1 fields, not 5");
    assert!(problem(window("61 * * * *", HOUR, "UTC")).starts_with("the cron expression `61 * * * *`: "));
    assert_eq!(problem(window("0 0 30 2 *", HOUR, "UTC")), "the cron expression `0 0 30 2 *` never comes true");
    assert!(problem(window("0 0 * * *", HOUR, "Europe/Atlantis")).starts_with("there is no time zone `Europe/Atlantis`"));
}
