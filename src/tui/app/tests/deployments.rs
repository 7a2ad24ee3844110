//! What is live where: the list, what is said of a service, what can be asked for and why not, and where else it shows.

use super::drawing::{SIZES, snapshot};
use super::driver::Driver;
use super::released::{FAILED, release, stop};
use crate::model::{BreakGlass, Deployments, Guard, ReleaseVerdict, RunId, Timestamp};
use crate::tui::backend::{Promote, Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::theme::SHIPPED;

/// On the deployments, with a service selected that many rows down.
pub fn on(width: u16, height: u16, row: usize) -> Driver {
    let mut driver = Driver::released(width, height, Charset::Ascii);
    driver.keys(&format!("4 g {}", "j ".repeat(row)));
    driver
}

/// Rows of the list: api and shop in staging, the canary, api and shop in production.
pub const STAGING_API: usize = 0;
pub const STAGING_SHOP: usize = 1;
pub const CANARY: usize = 2;
pub const PRODUCTION_API: usize = 3;
pub const PRODUCTION_SHOP: usize = 4;

fn everywhere(name: &str, keys: &str) {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::released(width, height, charset);
            driver.keys(keys);
            assert!(charset == Charset::Unicode || driver.screen().is_ascii(), "{}", driver.screen());
            snapshot(name, &driver);
        }
    }
}

#[test]
fn the_deployments() {
    everywhere("deployments", "4 G");
}

#[test]
fn a_held_and_frozen_environment() {
    everywhere("deployments_held", "4 j j");
}

#[test]
fn the_deployments_in_every_theme() {
    for (name, _) in SHIPPED {
        let mut driver = Driver::released(120, 40, Charset::Unicode);
        driver.keys("ctrl-t g");
        while driver.app.world.look.theme.name != *name {
            driver.keys("j");
        }
        driver.keys("enter 4 G J J");
        snapshot(&format!("deployments_{name}"), &driver);
    }
}

#[test]
fn an_overview_with_what_is_live() {
    everywhere("overview_live", "1");
}

#[test]
fn services_stand_by_tier_with_what_is_live_and_what_stands_in_the_way() {
    let driver = on(120, 40, PRODUCTION_SHOP);
    let screen = driver.screen();
    let row = |words: &[&str]| {
        let found = screen.lines().position(|line| words.iter().all(|word| line.contains(word)));
        found.unwrap_or_else(|| panic!("{words:?}: {screen}"))
    };
    let rows = [
        row(&["staging", "api", "2.1.0", "+", "stable", "1v9r8k0-ccccc"]),
        row(&["staging", "shop", "1.6.1", ":", "baking", "09:55", "1v9r8s0-ddddd"]),
        row(&["canary", "-", "nothing", "held: load test until noon", "frozen: until"]),
        row(&["production", "api", "2.0.9", "stable", "locked: 1v9r8q0-aaaaa"]),
        row(&["production", "shop", "1.5.0", "x", "bad", FAILED, "* 1.6.0 deploying"]),
    ];
    assert!(rows.is_sorted(), "{screen}");
    assert!(driver.shows("1 deploying  1 held  1 frozen  1 locked"), "{screen}");
}

#[test]
fn the_smallest_full_terminal_has_everything_that_there_is_to_know() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    let mut seen = driver.screen();
    driver.keys(&"K ".repeat(40));
    for _ in 0..40 {
        seen.push_str(&driver.screen());
        driver.keys("J");
    }
    for words in [
        "1.5.0 bad since 09:01 by run 1v9r8p0-bbbbb",
        "1.6.0 is being deployed by run 1v9r8q0-aaaaa",
        "by run 1v9r8q0-aaaaa, which changes it now",
        "by emil, 08:00: the basket",
        "smoke: GET /cart answered 500 in 3 of 5 attempts",
        "by 1.4.1: the basket lost items",
        "1v9r8k0-ccccc  ada",
        "  rollback",
        "  live",
        "not to go back to: its artefact image is in quarantine",
        ", in quarantine",
    ] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
}

#[test]
fn broken_glass_is_told_on_every_screen_until_somebody_has_reviewed_it() {
    for (width, height) in [(80, 24), (200, 50)] {
        let mut driver = Driver::released(width, height, Charset::Unicode);
        assert!(!driver.shows("GLASS BROKEN"));
        driver.environment("production").glass = vec![BreakGlass {
            gate: "r.publish".into(),
            environment: "production".to_owned(),
            digest: "0".repeat(64),
            guards: [Guard::Quorum].into(),
            by: "olaf".to_owned(),
            reason: "it burns".to_owned(),
            incident: "INC-1".to_owned(),
            at: Timestamp(0),
            until: Timestamp(900_000),
        }];
        driver.deploy(driver.deployments.clone());
        for screen in ["1", "2", "4", "5", "6", "8", "9"] {
            driver.keys(screen);
            assert!(driver.shows("GLASS BROKEN in production"), "{screen}: {}", driver.screen());
        }
        driver.environment("production").glass.clear();
        driver.deploy(driver.deployments.clone());
        assert!(!driver.shows("GLASS BROKEN"), "{}", driver.screen());
    }
}

#[test]
fn the_run_of_the_release_that_is_selected_opens() {
    let opened = |keys: &str| {
        let mut driver = on(80, 24, PRODUCTION_SHOP);
        driver.keys(keys);
        let follow = driver.asked.iter().rev().find_map(|asked| match asked {
            Request::Follow(run) => Some(run.to_string()),
            _ => None,
        });
        follow.expect("a run")
    };
    assert_eq!(opened("enter"), "1v9r8q0-aaaaa", "the newest is selected first");
    assert_eq!(opened("J J enter"), FAILED);
    assert_eq!(opened("K K K K K K K K enter"), FAILED, "off the history it is the one that is live");
    let mut driver = on(80, 24, CANARY);
    driver.keys("enter");
    assert!(driver.shows("nothing was ever deployed here"));
}

#[test]
fn what_is_impossible_is_grey_with_the_engines_reason_and_opens_nothing() {
    for (row, key, name, why) in [
        (PRODUCTION_API, "b", "roll-back", "no release before this one was ever stable"),
        (STAGING_API, "b", "roll-back", "there is no release to go back to"),
        (CANARY, "b", "roll-back", "nothing was ever deployed here"),
        (STAGING_SHOP, "p", "promote", "1.6.1 not to production: it bakes until 10:20 UTC; no smoke"),
        (PRODUCTION_SHOP, "p", "promote", "nothing comes after production"),
        (CANARY, "p", "promote", "nothing is live here"),
        (CANARY, "H", "hold", "dana may not deploy to canary"),
        (CANARY, "L", "lift", "dana may not deploy to canary"),
        (CANARY, "Q", "quarantine", "dana may not deploy to canary"),
        (STAGING_SHOP, "L", "lift", "nothing is held or in quarantine here"),
    ] {
        let mut driver = on(80, 24, row);
        let screen = driver.screen();
        let line = screen
            .lines()
            .find(|line| line.contains(&format!(" {name} ")) && line.contains("not now"))
            .unwrap_or_else(|| panic!("{screen}"));
        assert!(line.contains("not now: ") && line.contains(&why[..why.len().min(40)]), "{name}: {line}");
        driver.keys(key);
        assert!(!driver.app.waits_to_be_seen() && !driver.shows("esc does nothing"), "{name}: {}", driver.screen());
        assert!(driver.screen().lines().last().is_some_and(|line| line.contains(&why[..40.min(why.len())])), "{name}");
    }
    let mut driver = on(80, 24, STAGING_SHOP);
    driver.environment("staging").hold = Some(stop("ada", "lunch"));
    driver.deploy(driver.deployments.clone());
    assert!(driver.shows("not now: held already, by ada: lunch"), "{}", driver.screen());
}

#[test]
fn a_service_all_of_whose_targets_are_objected_to_says_what_is_against_the_first() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.service("production", "shop").targets.retain(|target| target.objection.is_some());
    driver.deploy(driver.deployments.clone());
    assert!(driver.shows("not now: not to 1.4.0: its artefact image is in quarantine"), "{}", driver.screen());
}

#[test]
fn everything_that_is_missing_for_a_promotion_is_said() {
    let driver = on(80, 24, STAGING_SHOP);
    for words in ["not to production: it bakes until 10:20 UTC", "not to production: no smoke test has passed since"] {
        assert!(driver.shows(words), "{words}: {}", driver.screen());
    }
    let driver = on(80, 24, STAGING_API);
    assert!(driver.shows("may go to production"), "{}", driver.screen());
}

#[test]
fn a_read_only_console_changes_nothing_here() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.app.world.read_only = true;
    for key in ["b", "p", "H", "Q", "L"] {
        driver.keys(key);
        assert!(driver.shows("this console is read-only") && !driver.app.waits_to_be_seen(), "{key}");
    }
    assert!(driver.protected().is_empty());
}

#[test]
fn without_an_engine_nothing_can_be_asked_for() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.reply(Reply::Disconnected("gone".to_owned()));
    driver.keys("b");
    assert!(driver.shows("the engine does not answer") && driver.protected().is_empty(), "{}", driver.screen());
}

#[test]
fn a_promotion_takes_the_environment_and_the_version_and_leads_to_its_run() {
    let mut driver = on(80, 24, STAGING_API);
    driver.keys("p");
    assert!(driver.shows("Promote api to production?") && driver.shows("2.1.0, stable in staging"), "{}", driver.screen());
    assert!(driver.shows("replaces") && driver.shows("2.0.9, release production-api-2.0.9"), "{}", driver.screen());
    driver.see();
    driver.type_slowly("production");
    driver.press("enter");
    driver.type_slowly("2.0.9");
    driver.press("enter");
    assert!(driver.protected().is_empty() && driver.shows("that is not the version"), "{}", driver.screen());
    driver.press("backspace backspace backspace backspace backspace");
    driver.type_slowly("2.1.0");
    driver.press("enter");
    let [Request::Promote(order)] = driver.protected()[..] else { panic!("{:?}", driver.protected()) };
    let Promote { to, request, as_in } = order.as_ref();
    assert_eq!((to.as_str(), request.service.as_deref()), ("production", Some("api")));
    assert_eq!(*as_in, RunId::from_text("1v9r8k0-ccccc"));
    assert!(driver.asked.contains(&Request::Follow(driver.runs[2].id.clone())));
}

#[test]
fn a_question_about_a_promotion_goes_away_when_it_is_not_so_any_more() {
    let change = |change: fn(&mut Driver), words: &str| {
        let mut driver = on(80, 24, STAGING_API);
        driver.keys("p");
        driver.see();
        driver.type_slowly("production");
        change(&mut driver);
        driver.deploy(driver.deployments.clone());
        assert!(driver.shows(words) && !driver.shows("Promote api"), "{words}: {}", driver.screen());
        driver.press("enter");
        driver.type_slowly("2.1.0");
        driver.press("enter");
        assert!(driver.protected().is_empty());
    };
    change(|driver| driver.service("staging", "api").live = None, "the live release of api in staging has changed");
    change(|driver| driver.service("production", "api").live = None, "the live release of api in production has changed");
    change(
        |driver| driver.service("staging", "api").promotions[0].missing.push("it is unhealthy".to_owned()),
        "it may not go to production any more: it is unhealthy",
    );
    change(|driver| driver.service("staging", "api").promotions.clear(), "nothing goes on to production any more");
    change(|driver| driver.deployments.environments.clear(), "there is no api in staging any more");
}

#[test]
fn of_several_environments_to_promote_to_one_is_chosen_first() {
    let mut driver = on(80, 24, STAGING_API);
    let mut other = driver.service("staging", "api").promotions[0].clone();
    other.to = "canary".to_owned();
    driver.service("staging", "api").promotions.push(other);
    driver.deploy(driver.deployments.clone());
    driver.keys("p");
    assert!(driver.shows("Promote api 2.1.0 where?"), "{}", driver.screen());
    driver.keys("enter p j j enter");
    assert!(driver.shows("Promote api to canary?") && driver.app.waits_to_be_seen(), "{}", driver.screen());
}

#[test]
fn the_selection_stays_on_its_service_while_others_come_and_go() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    let chosen = driver.app.world.selected_spot.clone();
    driver.deployments.environments.remove(1);
    driver.deploy(driver.deployments.clone());
    assert_eq!(driver.app.world.selected_spot, chosen);
    driver.deploy(Deployments::default());
    assert!(driver.shows("no environment is described, and nothing was deployed"), "{}", driver.screen());
}

#[test]
fn the_release_that_is_selected_stays_so_when_a_newer_one_comes() {
    let mut driver = on(80, 24, PRODUCTION_SHOP);
    driver.keys("J J J");
    let newer = release("production", "shop", "1.7.0", ReleaseVerdict::Deploying, "1v9r8t0-kkkkk", 0.0);
    driver.service("production", "shop").releases.insert(0, newer);
    driver.deploy(driver.deployments.clone());
    driver.keys("Q");
    assert!(driver.shows("image of shop 1.5.0"), "{}", driver.screen());
}

#[test]
fn what_ends_by_the_clock_alone_is_asked_for_whenever_the_screen_opens() {
    let mut driver = Driver::released(80, 24, Charset::Ascii);
    let asked = |driver: &Driver| driver.asked.iter().filter(|asked| **asked == Request::Deployments).count();
    let before = asked(&driver);
    driver.keys("4 j j k");
    assert_eq!(asked(&driver), before + 1);
    driver.keys("1 4");
    assert_eq!(asked(&driver), before + 2);
}

#[test]
fn the_overview_says_what_is_live_where_there_is_room() {
    let row = |width, name: &str| {
        let mut driver = Driver::released(width, 40, Charset::Ascii);
        driver.keys("1");
        let screen = driver.screen();
        screen.lines().find(|line| line.contains("production") && line.contains(name)).unwrap_or_default().to_owned()
    };
    assert!(row(120, " shop ").contains("1.5.0 x bad") && row(120, " shop ").contains("* 1.6.0"), "{}", row(120, " shop "));
    assert!(row(120, " api ").contains("? unknown    api") && row(120, " api ").contains("2.0.9 + stable"), "nobody probes it");
    assert!(!row(80, " shop ").contains("bad"), "{}", row(80, " shop "));
}

#[test]
fn a_run_leads_to_the_rollback_of_what_it_deployed() {
    let mut driver = Driver::released(80, 24, Charset::Ascii);
    driver.keys("2 j j enter");
    assert!(driver.asked.contains(&Request::Follow(RunId::from_text(FAILED))), "{}", driver.screen());
    driver.keys("b");
    assert!(driver.shows("Roll shop back in production"), "{}", driver.screen());
    let mut driver = Driver::on_run(80, 24, Charset::Ascii);
    driver.keys("b");
    assert!(driver.shows("this run has deployed nothing that is on record"), "{}", driver.screen());
}

#[test]
fn a_long_history_is_gone_through_from_the_newest_to_the_oldest() {
    let mut driver = on(80, 24, PRODUCTION_API);
    let old = |number: u32| {
        let version = format!("0.{number}.0");
        release("production", "api", &version, ReleaseVerdict::Superseded, "1v9r8k0-ccccc", 500.0)
    };
    driver.service("production", "api").releases.extend((0..100).rev().map(old));
    driver.deploy(driver.deployments.clone());
    driver.keys(&"J ".repeat(205));
    assert!(driver.shows("0.0.0"), "{}", driver.screen());
}
