//! The typed confirmation: what it takes for a decision to leave the console, and that nothing less does.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::{Strategy, prop, prop_assert, prop_oneof, proptest};

use super::driver::Driver;
use super::waiting::{gate, gates, mine};
use crate::model::{Answer, Decided, GateView, Objection};
use crate::tui::action::ALL;
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::keymap::Keymap;
use crate::tui::message::Message;

/// On the request that waits for this person, with the question open.
fn asked(key: &str) -> Driver {
    let mut driver = Driver::waiting(80, 24, Charset::Ascii);
    driver.keys("5");
    driver.keys(key);
    driver
}

/// Everything that a decision about `mine` needs, as fingers type it.
pub fn answer(driver: &mut Driver) {
    driver.type_slowly("ticket 4711");
    driver.press("tab");
    driver.type_slowly("production");
    driver.press("enter");
    driver.type_slowly(&mine().digest[..8]);
    driver.press("enter");
}

#[test]
fn the_environment_and_eight_digits_typed_after_it_was_seen_decide_about_exactly_what_was_shown() {
    for (key, answered) in [("a", Answer::Approve), ("x", Answer::Reject), ("w", Answer::Withdraw)] {
        let mut driver = asked(key);
        driver.see();
        answer(&mut driver);
        let GateView { id, generation, digest, .. } = mine();
        let decided = Decided { answer: answered, generation: Some(generation), digest, reason: "ticket 4711".to_owned() };
        assert_eq!(driver.decisions(), [&Request::Decide { gate: id, decided }]);
        assert!(driver.shows("decided about"), "{}", driver.screen());
    }
}

#[test]
fn nothing_counts_before_the_terminal_has_shown_the_question() {
    let mut driver = asked("a");
    assert!(driver.shows("not armed yet"));
    answer(&mut driver);
    assert!(driver.decisions().is_empty() && driver.app.waits_to_be_seen());
    assert!(driver.shows("typed before this was on the screen"), "{}", driver.screen());
    driver.see();
    driver.press("enter enter tab tab enter");
    assert!(driver.decisions().is_empty(), "nothing of it was kept");
}

#[test]
fn what_was_still_on_its_way_when_it_was_shown_does_not_count() {
    let mut driver = asked("a");
    driver.send(Message::Seen);
    driver.pass(60);
    answer(&mut driver);
    assert!(driver.decisions().is_empty(), "keys without a pause since the question came are typed ahead");
    driver.pass(400);
    answer(&mut driver);
    assert_eq!(driver.decisions().len(), 1);
}

#[test]
fn a_paste_is_refused_whether_or_not_the_terminal_says_that_it_is_one() {
    let digits = mine().digest[..8].to_owned();
    let mut driver = asked("a");
    driver.see();
    driver.type_slowly("ticket");
    driver.press("tab");
    driver.send(Message::Paste("production".to_owned()));
    assert!(driver.shows("a paste is not taken"));
    driver.press("enter");
    driver.send(Message::Paste(digits.clone()));
    driver.press("enter");
    assert!(driver.decisions().is_empty());

    let mut driver = asked("a");
    driver.see();
    driver.type_slowly("ticket");
    driver.press("tab");
    driver.type_text("production");
    driver.pass(60);
    driver.press("enter");
    driver.type_text(&digits);
    driver.pass(60);
    driver.press("enter");
    assert!(driver.decisions().is_empty() && driver.shows("not the environment's name"), "{}", driver.screen());
}

#[test]
fn a_question_whose_request_changes_goes_away_with_a_word() {
    let changed = |change: fn(&mut GateView)| {
        let mut gates = gates();
        change(&mut gates[1]);
        gates
    };
    let objection = || Objection { answer: Answer::Approve, why: "the request is rejected already".to_owned() };
    for (gates, words) in [
        (changed(|gate| gate.digest = "0".repeat(64)), "the request has changed"),
        (changed(|gate| gate.generation += 1), "the request has changed"),
        (vec![gate("1v9r8q0-aaaaa", "*", "production", 20.0)], "the request is over"),
        (
            {
                let mut gates = gates();
                gates[1].objections.push(objection());
                gates
            },
            "the request is rejected already",
        ),
    ] {
        let mut driver = asked("a");
        driver.see();
        driver.type_slowly("ticket 4711");
        driver.wait_at(gates);
        assert!(driver.shows(words), "{words}: {}", driver.screen());
        assert!(!driver.shows("Approve the start"));
        driver.press("tab");
        answer(&mut driver);
        assert!(driver.decisions().is_empty());
    }
}

#[test]
fn a_question_on_a_terminal_that_was_resized_or_is_too_small_waits_to_be_seen_again() {
    let mut driver = asked("a");
    driver.see();
    driver.send(Message::Resize { width: 30, height: 8 });
    assert!(!driver.app.waits_to_be_seen(), "nothing of it can be seen here");
    answer(&mut driver);
    driver.send(Message::Resize { width: 80, height: 24 });
    assert!(driver.app.waits_to_be_seen());
    answer(&mut driver);
    assert!(driver.decisions().is_empty());
    driver.see();
    answer(&mut driver);
    assert_eq!(driver.decisions().len(), 1);
}

#[test]
fn everything_that_is_typed_fits_on_the_smallest_terminal() {
    let mut driver = Driver::waiting(40, 12, Charset::Ascii);
    driver.keys("5 a");
    driver.see();
    for words in ["reason", "environment", "digest", &mine().digest[..8]] {
        assert!(driver.shows(words), "{words}: {}", driver.screen());
    }
}

#[test]
fn without_a_reason_or_an_engine_nothing_is_decided() {
    let mut driver = asked("a");
    driver.see();
    driver.press("tab");
    driver.type_slowly("production");
    driver.press("enter");
    driver.type_slowly(&mine().digest[..8]);
    driver.press("enter");
    assert!(driver.decisions().is_empty() && driver.shows("a reason is needed"));
    driver.type_slowly("ticket");
    driver.reply(Reply::Disconnected("gone".to_owned()));
    driver.press("tab tab enter");
    assert!(driver.decisions().is_empty() && driver.shows("the engine does not answer"), "{}", driver.screen());
}

#[test]
fn what_the_engine_refuses_is_said_in_its_words() {
    let mut driver = asked("a");
    driver.see();
    answer(&mut driver);
    let error = "that is not the request as it is now: generation 3".to_owned();
    driver.reply(Reply::Failed { what: "decide".to_owned(), error });
    assert!(driver.shows("decide: that is not the request as it is now"));
}

#[test]
fn no_key_file_puts_a_decision_on_one_key() {
    for facts in ALL.iter().filter(|facts| !facts.protected) {
        let name = facts.name;
        // A key that means nothing else, and one that means nothing while typing.
        for key in ["f5", "ctrl-y"] {
            let Ok(keys) = Keymap::default().with_file(&format!("[keys]\n{name} = {key:?}\n")) else { continue };
            let code = if key == "f5" {
                KeyEvent::from(KeyCode::F(5))
            } else {
                KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL)
            };
            let mut driver = Driver::waiting(80, 24, Charset::Ascii);
            driver.app.world.keys = keys.clone();
            for before in ["", "5", "5 a", "5 x", "5 w", "2 enter", "8"] {
                driver.keys(before);
                driver.see();
                driver.send(Message::Key(code));
                driver.see();
                driver.send(Message::Key(code));
                driver.press("esc esc esc esc");
            }
            assert!(driver.decisions().is_empty(), "{name} on {key}");
        }
    }
}

/// Keys as a terminal would send these bytes.
pub fn key_of(byte: u8) -> KeyEvent {
    let code = match byte {
        b'\r' => KeyCode::Enter,
        b'\t' => KeyCode::Tab,
        0x1b => KeyCode::Esc,
        0x7f => KeyCode::Backspace,
        1..=26 => return KeyEvent::new(KeyCode::Char(char::from(byte + b'a' - 1)), KeyModifiers::CONTROL),
        0..=0x1f => KeyCode::Null,
        _ => KeyCode::Char(char::from(byte)),
    };
    KeyEvent::from(code)
}

#[derive(Debug, Clone)]
enum Step {
    Key(u8),
    Together(Vec<u8>),
    /// All that it takes, with a pause before it.
    Answer,
    Paste,
    See,
    Pause,
    Renew,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = prop::sample::select(b"aaaaaaaa\t\r5w\x1b".to_vec());
    prop_oneof![
        12 => keys.clone().prop_map(Step::Key),
        3 => prop::collection::vec(keys, 1..40).prop_map(Step::Together),
        3 => prop::strategy::Just(Step::Answer),
        1 => prop::strategy::Just(Step::Paste),
        4 => prop::strategy::Just(Step::See),
        2 => prop::strategy::Just(Step::Pause),
        1 => prop::strategy::Just(Step::Renew),
    ]
}

/// The keys that the terminal sent since the question was seen, counted without the dialog's help: of those that came
/// together only the first four.
#[derive(Default)]
struct Count {
    keys: usize,
    together: usize,
}

impl Count {
    fn press(&mut self, driver: &mut Driver, byte: u8, apart: bool) -> Result<(), proptest::test_runner::TestCaseError> {
        if apart {
            driver.pass(60);
        }
        self.together = if apart { 1 } else { self.together + 1 };
        self.keys += usize::from(self.together <= 4);
        let (before, unseen) = (driver.decisions().len(), driver.app.waits_to_be_seen());
        driver.send(Message::Key(key_of(byte)));
        let decided = driver.decisions().len() > before;
        // A reason, an environment and eight digits, and the key that sends them.
        prop_assert!(!decided || (!unseen && self.keys >= 11), "decided after {} keys", self.keys);
        if driver.app.waits_to_be_seen() {
            self.keys = 0;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(if cfg!(debug_assertions) { 100 } else { 3_000 }))]
    /// An environment and a digest that a cat on the keyboard types: a decision still takes every one of its keys, pressed
    /// after the question was seen and not all at once.
    #[test]
    fn a_decision_takes_all_its_keys_after_the_question_was_seen(steps in prop::collection::vec(step(), 1..120)) {
        let mut easy = gate("1v9r8q0-aaaaa", "*", "a", 20.0);
        easy.digest = "a".repeat(64);
        let mut driver = Driver::waiting(80, 24, Charset::Ascii);
        driver.wait_at(vec![easy.clone()]);
        driver.keys("5");
        let mut count = Count::default();
        for step in steps {
            match step {
                Step::Key(byte) => count.press(&mut driver, byte, true)?,
                Step::Together(bytes) => {
                    for (at, byte) in bytes.into_iter().enumerate() {
                        count.press(&mut driver, byte, at == 0)?;
                    }
                }
                Step::Answer => {
                    driver.pass(400);
                    for byte in *b"a\ta\raaaaaaaa\r" {
                        count.press(&mut driver, byte, true)?;
                    }
                }
                Step::Paste => driver.send(Message::Paste("aaaaaaaa\t\r".to_owned())),
                Step::See => driver.see(),
                Step::Pause => driver.pass(500),
                Step::Renew => {
                    easy.generation += 1;
                    driver.wait_at(vec![easy.clone()]);
                }
            }
        }
    }
}
