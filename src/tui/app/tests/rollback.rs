//! Going back: the panel, and the typed confirmation that it leads to.

use super::deployments::{PRODUCTION_SHOP, STAGING_SHOP, on};
use super::drawing::{SIZES, snapshot};
use super::driver::Driver;
use super::released::artefact;
use crate::model::{RollbackRequest, RunId, Values};
use crate::tui::backend::{Aim, Reply, Request, RollBack};
use crate::tui::glyph::Charset;
use crate::tui::message::Message;

fn aim(version: &str) -> Aim {
    Aim { environment: "production".to_owned(), service: "shop".to_owned(), version: version.to_owned() }
}

/// The confirmation for going back to the first target, open and seen.
fn asked() -> Driver {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b enter");
    driver.see();
    driver
}

fn answer(driver: &mut Driver) {
    driver.type_slowly("carts fail");
    driver.press("tab");
    driver.type_slowly("production");
    driver.press("enter");
    driver.type_slowly("1.4.2");
    driver.press("enter");
}

#[test]
fn the_rollback_panel() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::released(width, height, charset);
            driver.keys("4 G b");
            assert!(charset == Charset::Unicode || driver.screen().is_ascii(), "{}", driver.screen());
            snapshot("rollback", &driver);
        }
    }
}

#[test]
fn the_question_before_a_rollback() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::released(width, height, charset);
            driver.keys("4 G b enter");
            driver.see();
            driver.type_slowly("carts fail");
            driver.press("tab");
            driver.type_slowly("product");
            snapshot("rollback_confirm", &driver);
        }
    }
}

#[test]
fn the_panel_shows_every_target_and_what_the_selected_one_comes_to() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b");
    assert!(driver.asked.contains(&Request::RollbackPlan(aim("1.4.2"))));
    for words in [
        "live now    1.5.0",
        "1.4.2            - superseded",
        "1d ago",
        "can be gone back to",
        "1.4.0            < rolled back",
        "not now: its artefact image is",
        "from 1.5.0 to 1.4.2",
        "2 stages of pipeline release: publish, verify; all others are",
        "one person who may deploy here",
        "secrets.DEPLOY_TOKEN",
        "production is held for everything automatic",
        "of 1.5.0 is in quarantine",
    ] {
        assert!(driver.shows(words), "{words}: {}", driver.screen());
    }
    driver.keys("j");
    assert!(driver.asked.contains(&Request::RollbackPlan(aim("1.4.1"))) && driver.shows("from 1.5.0 to 1.4.1"));
}

#[test]
fn a_target_that_is_objected_to_leads_nowhere_and_says_why() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b k enter");
    assert!(driver.shows("its artefact image is in quarantine: the basket lost items"), "{}", driver.screen());
    assert!(!driver.app.waits_to_be_seen() && driver.shows("Roll shop back in production"));
}

#[test]
fn a_plan_of_another_target_or_none_leads_nowhere() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b");
    driver.reply(Reply::Plan { aim: aim("1.4.2"), plan: Err("its pipeline is not stored any more".to_owned()) });
    driver.keys("enter");
    assert!(driver.shows("its pipeline is not stored any more") && !driver.app.waits_to_be_seen(), "{}", driver.screen());
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b");
    driver.reply(Reply::Plan { aim: aim("1.4.1"), plan: Err("other".to_owned()) });
    driver.keys("enter");
    assert!(driver.shows("what it would do is not known yet") && !driver.app.waits_to_be_seen(), "{}", driver.screen());
}

#[test]
fn the_reason_the_environment_and_the_version_typed_order_exactly_what_was_shown_and_its_run_opens() {
    let mut driver = asked();
    answer(&mut driver);
    let request = RollbackRequest {
        service: Some("shop".to_owned()),
        to: Some("1.4.2".to_owned()),
        reason: "carts fail".to_owned(),
        live: Some("production-shop-1.5.0".into()),
        values: Values::default(),
    };
    let (environment, values) = ("production".to_owned(), vec!["secrets.DEPLOY_TOKEN".to_owned()]);
    let as_in = RunId::from_text("1v9r8k0-ccccc");
    let order = Request::RollBack(Box::new(RollBack { environment, request, values, as_in }));
    assert_eq!(driver.protected(), [&order]);
    assert_eq!(driver.asked.iter().rfind(|asked| matches!(asked, Request::Follow(_))).cloned(), {
        Some(Request::Follow(driver.runs[2].id.clone()))
    });
}

#[test]
fn less_than_all_of_it_orders_nothing() {
    let mut driver = asked();
    driver.press("tab");
    driver.type_slowly("production");
    driver.press("enter");
    driver.type_slowly("1.4.2");
    driver.press("enter");
    assert!(driver.shows("a reason is needed"), "{}", driver.screen());
    driver.type_slowly("x");
    driver.press("tab");
    driver.type_slowly("s");
    driver.press("tab enter");
    assert!(driver.shows("that is not the environment's name"), "{}", driver.screen());
    driver.press("backspace tab backspace enter");
    assert!(driver.shows("that is not the version") && driver.protected().is_empty(), "{}", driver.screen());
    driver.type_slowly("2");
    driver.reply(Reply::Disconnected("gone".to_owned()));
    driver.press("enter");
    assert!(driver.shows("the engine does not answer: nobody knows") && driver.protected().is_empty());
}

#[test]
fn what_is_typed_ahead_or_pasted_rolls_nothing_back() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b enter");
    assert!(driver.shows("not armed yet"));
    answer(&mut driver);
    assert!(driver.protected().is_empty() && driver.app.waits_to_be_seen());
    let mut driver = asked();
    driver.type_slowly("carts fail");
    driver.press("tab");
    driver.send(Message::Paste("production".to_owned()));
    driver.press("enter");
    driver.send(Message::Paste("1.4.2".to_owned()));
    driver.press("enter");
    assert!(driver.protected().is_empty());
    driver.send(Message::Paste("carts\tproduction\r1.4.2\r".to_owned()));
    driver.type_text("production");
    driver.pass(60);
    driver.press("enter enter");
    assert!(driver.protected().is_empty(), "{}", driver.screen());
}

#[test]
fn the_question_dies_when_the_live_release_changes_under_it() {
    let change = |change: fn(&mut Driver), words: &str| {
        let mut driver = asked();
        driver.type_slowly("carts fail");
        change(&mut driver);
        driver.deploy(driver.deployments.clone());
        assert!(driver.shows(words) && !driver.shows("Roll shop back"), "{words}: {}", driver.screen());
        driver.press("tab");
        answer(&mut driver);
        assert!(driver.protected().is_empty());
    };
    change(
        |driver| driver.service("production", "shop").live = Some("production-shop-1.6.0".into()),
        "the live release of shop in production has changed",
    );
    change(|driver| driver.service("production", "shop").no_rollback = Some("frozen".to_owned()), "any more: frozen");
    change(
        |driver| driver.service("production", "shop").targets[0].objection = Some("it is bad".to_owned()),
        "you cannot go back to 1.4.2 any more: it is bad",
    );
    change(|driver| driver.service("production", "shop").targets.clear(), "1.4.2 is nothing to go back to any more");
    change(|driver| driver.environment("production").protected = false, "the protection of production has changed");
    change(|driver| driver.environment("production").services.clear(), "there is no shop in production any more");
}

#[test]
fn the_panel_goes_too_and_a_plan_about_what_was_live_before_leads_nowhere() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("b");
    driver.service("production", "shop").live = Some("production-shop-1.6.0".into());
    driver.deploy(driver.deployments.clone());
    assert!(driver.shows("has changed: look again") && !driver.shows("esc does nothing"), "{}", driver.screen());
    // The plan is of the time before, and the panel of now.
    let old = super::released::plan(&super::released::deployments(), &aim("1.4.2"));
    driver.keys("b");
    driver.reply(Reply::Plan { aim: aim("1.4.2"), plan: old });
    driver.keys("enter");
    assert!(driver.shows("has changed: look again") && !driver.app.waits_to_be_seen(), "{}", driver.screen());
}

#[test]
fn where_nothing_is_protected_the_environments_name_is_typed_all_the_same() {
    let mut driver = on(80, 24, STAGING_SHOP);
    driver.keys("b enter");
    assert!(driver.shows("nobody: it starts at once") && !driver.shows("version "), "{}", driver.screen());
    driver.see();
    driver.type_slowly("again");
    driver.press("tab enter");
    assert!(driver.protected().is_empty() && driver.shows("that is not the environment's name"));
    driver.type_slowly("staging");
    driver.press("enter");
    let [Request::RollBack(order)] = driver.protected()[..] else { panic!("{:?}", driver.protected()) };
    assert_eq!((order.environment.as_str(), order.request.to.as_deref()), ("staging", Some("1.6.0")));
}

#[test]
fn everything_that_is_typed_fits_on_the_smallest_terminal() {
    let mut driver = Driver::released(40, 12, Charset::Ascii);
    driver.keys("4 G b");
    assert!(driver.shows("1.4.2"), "{}", driver.screen());
    driver.keys("enter");
    driver.see();
    for words in ["reason", "environment", "type production", "version", "type 1.4.2"] {
        assert!(driver.shows(words), "{words}: {}", driver.screen());
    }
}

#[test]
fn what_the_engine_refuses_is_said_in_its_words() {
    let mut driver = asked();
    answer(&mut driver);
    driver.reply(Reply::Failed { what: "roll back".to_owned(), error: "another release is live by now".to_owned() });
    assert!(driver.shows("roll back: another release is live by now"));
    assert!(artefact("1.5.0").starts_with("sha256:"));
}
