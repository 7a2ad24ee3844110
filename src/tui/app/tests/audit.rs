//! The audit chain on screen, a page at a time.

use super::drawing::{SIZES, snapshot};
use super::driver::Driver;
use crate::model::AuditQuery;
use crate::tui::backend::Request;
use crate::tui::glyph::Charset;

fn questions(driver: &Driver) -> Vec<&AuditQuery> {
    let asked = driver.asked.iter();
    asked.filter_map(|request| if let Request::Audit(query) = request { Some(query) } else { None }).collect()
}

#[test]
fn the_audit_chain() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = Driver::waiting(width, height, charset);
            driver.keys("8 j j j V enter j");
            assert!(charset == Charset::Unicode || driver.screen().is_ascii(), "{}", driver.screen());
            snapshot("audit", &driver);
        }
    }
}

#[test]
fn pages_go_to_the_oldest_record_and_back_and_one_is_in_memory() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("8");
    assert!(driver.shows("records 450 to 251"), "{}", driver.screen());
    driver.keys("G j");
    assert!(driver.shows("records 250 to 51"));
    driver.keys("G j");
    assert!(driver.shows("records 50 to 1"));
    driver.keys("G j");
    assert!(driver.shows("these are the oldest records") && driver.shows("records 50 to 1"));
    driver.keys("g k");
    assert!(driver.shows("records 250 to 51"), "{}", driver.screen());
    driver.keys("g k");
    assert!(driver.shows("records 450 to 251"));
    driver.keys("g k g k");
    assert!(driver.shows("these are the newest records"), "{}", driver.screen());
}

#[test]
fn a_family_is_asked_of_the_engine_and_what_is_typed_filters_the_page() {
    let mut driver = Driver::waiting(120, 40, Charset::Ascii);
    driver.keys("8 f");
    assert_eq!(questions(&driver).last().and_then(|query| query.action.as_deref()), Some("gate"));
    assert!(driver.shows("gate.opened") && !driver.shows("run.created"));
    driver.keys("/");
    driver.type_text("refused ada");
    driver.keys("enter");
    assert!(driver.shows("gate.refused") && !driver.shows("gate.opened") && driver.shows("of 90"), "{}", driver.screen());
    driver.keys("esc esc");
    assert!(driver.shows("run.created"));
}

#[test]
fn a_record_is_read_as_a_tree_that_folds() {
    let mut driver = Driver::waiting(120, 40, Charset::Ascii);
    driver.keys("8 enter");
    assert!(driver.shows("proved by peer_credentials") && driver.shows("name  release"));
    driver.keys("j enter");
    assert!(!driver.shows("name  release"), "{}", driver.screen());
    driver.keys("esc j");
    assert!(driver.shows("record 449"), "{}", driver.screen());
}

#[test]
fn what_the_whole_chain_is_worth_is_said_in_a_line() {
    let mut driver = Driver::waiting(120, 40, Charset::Ascii);
    driver.keys("8 V");
    assert!(driver.shows("the chain is whole: 450 records"), "{}", driver.screen());
    driver.audit[99].actor = "mallory".to_owned();
    driver.keys("V");
    assert!(driver.shows("the chain is broken: record 100"), "{}", driver.screen());
}

#[test]
fn the_newest_page_is_read_again_when_something_has_happened() {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("8 j j");
    let asked = questions(&driver).len();
    driver.keys("j k");
    assert_eq!(questions(&driver).len(), asked, "nothing has happened");
    driver.wait_at(Vec::new());
    assert_eq!(questions(&driver).len(), asked + 1);
    assert!(driver.shows("record 448"), "the selection stays on its record");
}
