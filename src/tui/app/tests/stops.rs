//! Holds and quarantines: asked for with a reason, typed in full, and lifted the same way.

use super::deployments::{PRODUCTION_SHOP, STAGING_SHOP, on};
use super::drawing::{SIZES, snapshot};
use super::driver::Driver;
use super::released::{artefact, stop};
use crate::model::{StandingChange, StandingRequest};
use crate::tui::backend::Request;
use crate::tui::glyph::Charset;

fn ordered(driver: &Driver) -> Vec<(&str, &StandingRequest)> {
    let orders = driver.asked.iter().filter_map(|asked| match asked {
        Request::ChangeStanding { environment, request } => Some((environment.as_str(), request)),
        _ => None,
    });
    orders.collect()
}

/// A reason, the environment, and the digits of a digest where some are to be typed.
fn answer(driver: &mut Driver, environment: &str, digest: Option<&str>) {
    driver.see();
    driver.type_slowly("ticket 4711");
    driver.press("tab");
    driver.type_slowly(environment);
    driver.press("enter");
    if let Some(digest) = digest {
        driver.type_slowly(digest.trim_start_matches("sha256:").get(..8).expect("a digest"));
        driver.press("enter");
    }
}

#[test]
fn the_question_before_a_quarantine() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::released(width, height, charset);
            driver.keys("4 G J J Q");
            driver.see();
            driver.type_slowly("it loses carts");
            snapshot("quarantine", &driver);
        }
    }
}

#[test]
fn a_hold_takes_a_reason_and_the_environments_name() {
    for (row, environment) in [(PRODUCTION_SHOP, "production"), (STAGING_SHOP, "staging")] {
        let mut driver = on(80, 24, row);
        driver.keys("H");
        assert!(driver.shows(&format!("Hold {environment}?")), "{}", driver.screen());
        answer(&mut driver, environment, None);
        let request = StandingRequest { change: StandingChange::Hold, reason: "ticket 4711".to_owned() };
        assert_eq!(ordered(&driver), [(environment, &request)]);
        assert!(driver.shows("changed what"), "{}", driver.screen());
    }
}

#[test]
fn a_quarantine_is_of_the_release_that_is_selected_and_takes_its_digest_too() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("J J Q");
    let digest = artefact("1.5.0");
    assert!(driver.shows("image of shop 1.5.0") && driver.shows(&digest[..40]), "{}", driver.screen());
    answer(&mut driver, "production", Some(&digest));
    let request = StandingRequest { change: StandingChange::Quarantine { digest }, reason: "ticket 4711".to_owned() };
    assert_eq!(ordered(&driver), [("production", &request)]);
}

#[test]
fn what_is_in_quarantine_already_cannot_be_put_there_again() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys(&"J ".repeat(40));
    assert!(driver.shows("what 1.4.0 is made of is in quarantine already"), "{}", driver.screen());
    driver.keys("Q");
    assert!(!driver.app.waits_to_be_seen());
    driver.service("production", "shop").releases[4].record.artefacts.clear();
    driver.deploy(driver.deployments.clone());
    driver.keys(&"J ".repeat(40));
    assert!(driver.shows("1.4.0 names no artefact"), "{}", driver.screen());
}

#[test]
fn the_only_stop_is_lifted_and_of_several_one_is_chosen_first() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("L");
    assert!(driver.shows("Lift a quarantine in production?") && driver.shows("emil: the basket lost items"));
    let digest = artefact("1.4.0");
    answer(&mut driver, "production", Some(&digest));
    let change = StandingChange::LiftQuarantine { digest };
    assert_eq!(ordered(&driver), [("production", &StandingRequest { change, reason: "ticket 4711".to_owned() })]);

    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.environment("production").hold = Some(stop("ada", "rolled back 1.5.0"));
    driver.deploy(driver.deployments.clone());
    driver.keys("L");
    assert!(driver.shows("Lift what?") && driver.shows("the hold: rolled back 1.5.0"), "{}", driver.screen());
    driver.keys("enter");
    assert!(!driver.shows("Lift what?"), "enter alone chooses nothing");
    driver.keys("L j enter");
    assert!(driver.shows("Lift the hold on production?"), "{}", driver.screen());
    answer(&mut driver, "production", None);
    let request = StandingRequest { change: StandingChange::LiftHold, reason: "ticket 4711".to_owned() };
    assert_eq!(ordered(&driver), [("production", &request)]);
}

#[test]
fn a_question_about_a_stop_goes_away_when_somebody_was_faster() {
    let change = |keys: &str, change: fn(&mut Driver), words: &str| {
        let mut driver = on(80, 24, PRODUCTION_SHOP);
        driver.keys(keys);
        driver.see();
        driver.type_slowly("ticket 4711");
        change(&mut driver);
        driver.deploy(driver.deployments.clone());
        assert!(driver.shows(words) && !driver.shows("tab goes to"), "{words}: {}", driver.screen());
        driver.press("tab");
        driver.type_slowly("production");
        driver.press("enter enter");
        assert!(driver.protected().is_empty());
    };
    let changed = "what production lets in has changed under the question";
    change("H", |driver| driver.environment("production").hold = Some(stop("ada", "first")), changed);
    change("L", |driver| driver.environment("production").quarantined.clear(), changed);
    change("Q", |driver| driver.environment("production").quarantined = [(artefact("1.6.0"), stop("a", "b"))].into(), changed);
    change("H", |driver| driver.environment("production").no_standing = Some("you are out".to_owned()), "any more: you are out");
    change("H", |driver| driver.deployments.environments.clear(), "there is no production any more");
}

#[test]
fn nothing_that_is_typed_ahead_holds_or_lifts() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("H");
    driver.type_text("ticket");
    driver.keys("tab");
    driver.type_text("production");
    driver.keys("enter");
    assert!(driver.app.waits_to_be_seen() && driver.protected().is_empty());
}
