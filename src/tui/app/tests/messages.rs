//! What was said can be read again, and the help finds what is looked for.

use super::driver::{Driver, at};
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;

fn fails(driver: &mut Driver, error: &str) {
    driver.reply(Reply::Failed { what: "cancel the run".to_owned(), error: error.to_owned() });
}

#[test]
fn what_the_next_key_took_away_is_in_the_history_with_its_time_the_last_one_first() {
    let mut driver = Driver::new(100, 30, Charset::Unicode);
    fails(&mut driver, "no such run");
    driver.keys("j");
    assert!(!driver.shows("no such run"));
    driver.now = at(95.0);
    driver.reply(Reply::Done { what: "cancelling 7".to_owned() });
    driver.keys("M");
    assert!(driver.shows("10:01:30 UTC · cancel the run: no such run"), "{}", driver.screen());
    let place = |text: &str| driver.screen().find(text).unwrap_or_else(|| panic!("{text} in\n{}", driver.screen()));
    assert!(place("10:01:35 UTC · cancelling 7") < place("cancel the run: no such run"));
    driver.keys("enter");
    assert!(driver.shows("Services") && !driver.shows("UTC"));
}

#[test]
fn the_history_is_found_in_the_palette_and_holds_a_hundred() {
    let mut driver = Driver::new(100, 30, Charset::Unicode);
    driver.keys("M");
    assert!(driver.shows("nothing was said yet"), "{}", driver.screen());
    driver.keys("esc");
    for number in 0..150 {
        fails(&mut driver, &format!("problem {number}."));
    }
    driver.keys(":");
    driver.type_text("messages");
    driver.keys("enter");
    assert!(driver.shows("problem 149."), "{}", driver.screen());
    driver.keys("G");
    assert!(driver.shows("problem 50.") && !driver.shows("problem 49."), "{}", driver.screen());
}

#[test]
fn a_long_message_is_wrapped_and_hostile_text_stays_text() {
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    fails(&mut driver, &format!("\u{1b}[2J{}the end", "a very long reason ".repeat(20)));
    driver.keys("M");
    assert!(driver.shows("the end"), "{}", driver.screen());
    assert!(!driver.buffer().content.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
    for (width, height) in [(40, 12), (200, 50)] {
        driver.send(crate::tui::message::Message::Resize { width, height });
        driver.keys("G k");
    }
}

#[test]
fn the_help_shows_only_the_rows_with_the_words_that_are_typed() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("? /");
    driver.type_text("next FAILED");
    assert!(driver.shows("/next FAILED") && driver.shows("the next failed stage"), "{}", driver.screen());
    assert!(!driver.shows("walk to a stage"), "{}", driver.screen());
    driver.keys("enter");
    assert!(driver.shows("the next failed stage") && driver.shows("Help"), "typing has ended: {}", driver.screen());
    driver.keys("esc");
    assert!(driver.shows("walk to a stage"), "every row is back: {}", driver.screen());
    driver.keys("esc");
    assert!(!driver.shows("Help"));
}

#[test]
fn while_typing_in_the_help_keys_are_letters() {
    let mut driver = Driver::on_run(80, 24, Charset::Unicode);
    driver.keys("? /");
    driver.type_text("q?");
    assert!(driver.shows("/q?") && driver.shows("Help"), "{}", driver.screen());
}
