//! The inbox of requests, and where else they show.

use super::drawing::{SIZES, snapshot};
use super::driver::Driver;
use super::waiting::{RUN, gates, mine};
use crate::model::{Answer, Objection, RunId};
use crate::tui::backend::Request;
use crate::tui::glyph::Charset;
use crate::tui::message::Effect;

fn bells(driver: &Driver) -> usize {
    driver.effects.iter().filter(|effect| **effect == Effect::Bell).count()
}

fn everywhere(name: &str, keys: &str) {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::waiting(width, height, charset);
            driver.keys(keys);
            assert!(charset == Charset::Unicode || driver.screen().is_ascii(), "{}", driver.screen());
            snapshot(name, &driver);
        }
    }
}

#[test]
fn the_approvals() {
    everywhere("approvals", "5");
}

#[test]
fn the_question_before_an_approval() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::waiting(width, height, charset);
            driver.keys("5 a");
            driver.see();
            driver.type_slowly("ticket 4711");
            driver.press("tab");
            driver.type_slowly("product");
            snapshot("confirm", &driver);
        }
    }
}

#[test]
fn an_overview_with_gates() {
    everywhere("overview_gates", "1");
}

#[test]
fn a_run_that_waits() {
    everywhere("run_waiting", "2 enter");
}

#[test]
fn what_waits_for_this_person_is_first_and_every_other_says_why_not() {
    let mut driver = Driver::waiting(120, 40, Charset::Ascii);
    driver.keys("5");
    let screen = driver.screen();
    let row = |text: &str| screen.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {screen}"));
    assert!(row("for you") < row("who started the run does not approve it"), "{screen}");
    assert!(driver.shows("2 waiting  1 for you") && driver.shows("you are dana"), "{screen}");
}

#[test]
fn a_request_shows_everything_that_a_decision_needs() {
    let mut driver = Driver::waiting(120, 90, Charset::Ascii);
    driver.keys("5");
    let digest = mine().digest;
    for words in [
        "ada for a deployment",
        "stage publish of release 1v9r8s0-ddddd",
        "production, service shop",
        "14:00 UTC",
        "the live release has changed",
        "- version 1.4.2, release shop-1.4.2",
        "+ version 1.5.0",
        "+ image sha256:",
        &format!("{}  generation 2", &digest[..12]),
        "release  0 of 1  open",
        "security  1 of 1  filled  emil",
        "rule release: 0 of 1 approved",
        "frida approved: looks good  void, it was about generation 1",
        "emil approved: staging was quiet all night",
        "smoke  7.4s",
        "version: \"1.5.0\"",
    ] {
        assert!(driver.shows(words), "{words}:\n{}", driver.screen());
    }
}

#[test]
fn the_evidence_is_shown_whole_with_its_differences_on_every_terminal() {
    for (width, height) in [(40, 12), (80, 24), (120, 40)] {
        let mut driver = Driver::waiting(width, height, Charset::Ascii);
        driver.keys("5");
        let mut seen = String::new();
        for _ in 0..60 {
            seen.extend(driver.screen().lines().map(|line| format!("{}\n", line.trim())));
            driver.keys("J");
        }
        for words in [
            "question",
            "before you say",
            "- version: 1.4.2",
            "+ version: 1.5.0",
            "- input replicas: 2",
            "+ input replicas: 4",
            "+ input region: eu-west",
            "- a: 1",
            "+ a: 3",
            "artefact image is another",
            "smoke.passed: 31",
            "p95 41 ms",
        ] {
            assert!(seen.contains(words), "{words} at {width}x{height}:\n{seen}");
        }
    }
}

#[test]
fn a_request_without_evidence_says_what_it_always_did() {
    let mut driver = Driver::waiting(120, 60, Charset::Ascii);
    driver.keys("5 j");
    for words in ["question", "changes", "shows  "] {
        assert!(!driver.shows(words), "{words}: {}", driver.screen());
    }
    assert!(driver.shows("no release is recorded as live"));
}

#[test]
fn an_impossible_answer_is_greyed_with_its_reason_and_opens_nothing() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("5 j");
    assert!(driver.shows("approve   not now: who started the run does not approve it"), "{}", driver.screen());
    driver.keys("a");
    assert!(!driver.app.waits_to_be_seen() && driver.shows("who started the run does not approve it"));
    driver.keys("w");
    assert!(driver.app.waits_to_be_seen(), "one's own request can be withdrawn");
}

#[test]
fn a_read_only_console_decides_nothing() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.app.world.read_only = true;
    driver.keys("5");
    for key in ["a", "x", "w"] {
        driver.keys(key);
        assert!(driver.shows("this console is read-only") && !driver.app.waits_to_be_seen(), "{key}");
    }
    // Also a question that was open before asks for nothing.
    driver.app.world.read_only = false;
    driver.keys("a");
    driver.app.world.read_only = true;
    driver.see();
    super::confirm::answer(&mut driver);
    assert!(driver.decisions().is_empty() && driver.shows("this console is read-only"));
}

#[test]
fn the_run_of_a_request_opens_and_leads_back() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("5 o");
    assert!(driver.asked.contains(&Request::Follow(RunId::from_text(RUN))));
    assert!(driver.shows("production waits for release 0 of 1, expires 14:00 UTC"), "{}", driver.screen());
    driver.keys("1 2 enter");
    driver.app.world.selected_gate = None;
    driver.keys("a");
    assert!(driver.shows("stage publish of release 1v9r8s0-ddddd"), "{}", driver.screen());
}

#[test]
fn a_stage_that_waits_for_a_person_is_among_those_to_look_at() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("2 enter g");
    assert!(!driver.shows("publish  @ waiting approval"));
    driver.keys("n");
    assert!(driver.shows("publish  @ waiting approval"), "{}", driver.screen());
}

#[test]
fn the_bell_rings_once_when_a_request_waits_for_this_person() {
    let mut driver = Driver::new(80, 24, Charset::Ascii);
    let mut others = gates();
    let own = others.remove(1);
    driver.wait_at(others.clone());
    assert_eq!(bells(&driver), 0, "what waits for others is quiet");
    others.push(own.clone());
    driver.wait_at(others.clone());
    driver.wait_at(others.clone());
    assert_eq!(bells(&driver), 1);
    let renewed = crate::model::GateView { generation: 3, ..own.clone() };
    others.pop();
    driver.wait_at([others.clone(), vec![renewed]].concat());
    assert_eq!(bells(&driver), 2, "another subject asks anew");
    let mut answered = own;
    answered.objections = vec![Objection { answer: Answer::Approve, why: "this person has said that already".to_owned() }];
    driver.wait_at([others, vec![answered]].concat());
    assert_eq!(bells(&driver), 2);
    assert_eq!(bells(&Driver::waiting(80, 24, Charset::Ascii)), 0, "what waited before the console came up is no news");
}

#[test]
fn every_screen_says_how_many_wait() {
    for keys in ["1", "2", "2 enter", "4", "6", "8", "9"] {
        let mut driver = Driver::waiting(80, 24, Charset::Ascii);
        driver.keys(keys);
        let top = driver.screen().lines().next().unwrap_or_default().to_owned();
        assert!(top.contains("@ 1 for you"), "{keys}: {top}");
    }
}

#[test]
fn the_selection_stays_on_its_request_while_others_come_and_go() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("5 j");
    let chosen = driver.app.world.selected_gate.clone();
    driver.wait_at([vec![super::waiting::gate("1v9r8t0-eeeee", "ship", "production", 1.0)], gates()].concat());
    assert_eq!(driver.app.world.selected_gate, chosen);
    driver.wait_at(Vec::new());
    assert!(driver.shows("nothing waits for anybody"));
}
