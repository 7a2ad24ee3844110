//! Sizes: any number of changes, down to one cell and up to a wall of them.

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::driver::Driver;
use crate::tui::action::ALL;
use crate::tui::glyph::Charset;
use crate::tui::message::Message;
use crate::tui::terminal::{Abilities, Encoder};

const RESIZES: u32 = 100_000;

#[test]
fn a_hundred_thousand_resizes_with_keys_between_them_of_which_one_in_two_hundred_is_drawn_break_nothing() {
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let keys: Vec<&str> = ALL.iter().flat_map(|facts| facts.keys.iter().copied()).filter(|key| *key != "f1").collect();
    let mut driver = Driver::new(80, 24, Charset::Unicode);
    let mut encoder = Encoder::new(Abilities::default());
    for step in 0..RESIZES {
        // Mostly any size; often a tiny one, where things break.
        let (most_wide, most_high) = if random.random_range(0..3) == 0 { (45, 14) } else { (400, 200) };
        let (width, height) = (random.random_range(1..=most_wide), random.random_range(1..=most_high));
        driver.send(Message::Resize { width, height });
        if step % 10 == 0 {
            driver.keys(keys[random.random_range(0..keys.len())]);
            driver.asked.clear();
            driver.effects.clear();
        }
        if step % 200 == 0 {
            let bytes = encoder.frame(driver.buffer());
            assert!(!bytes.is_empty(), "a new size paints everything");
        }
    }
}
