//! A run of two thousand stages and five thousand edges. Prints its figures with `--nocapture`; the budgets of a release
//! build are 50 ms for the layout and 10 ms for a frame.

use std::time::Instant;

use super::driver::{Driver, Script, at};
use crate::model::RunStatus;
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;

fn large() -> Script {
    let graph = crate::tui::layout::tests::large(2_000, 5_000, 60);
    let names: Vec<String> = (0..2_000).map(|number| format!("stage-{number}")).collect();
    let mut after: Vec<Vec<&str>> = vec![Vec::new(); names.len()];
    for (from, to) in graph.edges {
        after[to as usize].push(&names[from as usize]);
    }
    let stages: Vec<(&str, &str, &[&str])> =
        names.iter().zip(&after).map(|(name, after)| (name.as_str(), "shell", after.as_slice())).collect();
    Script::new("1v9r8z0-zzzzz", "large", &stages, at(0.0)).start("stage-7", 1, at(1.0))
}

#[test]
fn a_graph_of_two_thousand_stages_is_drawn_and_walked() {
    let mut driver = Driver::new(200, 50, Charset::Unicode);
    driver.runs = vec![large().run()];
    assert_eq!(driver.runs[0].status, RunStatus::Running);
    driver.reply(Reply::Runs(vec![driver.runs[0].summary()]));
    let started = Instant::now();
    driver.keys("2 enter");
    let opened = started.elapsed();
    assert!(driver.shows("stage-7"));
    for zoom in ["boxes or lines", "next", "next"] {
        let started = Instant::now();
        for _ in 0..50 {
            std::hint::black_box(driver.buffer());
        }
        let frame = started.elapsed() / 50;
        #[expect(clippy::print_stderr, reason = "a figure for people")]
        {
            eprintln!(
                "2000 stages, 5000 edges: opened with both layouts in {opened:?}, one frame at 200x50 ({zoom}) in {frame:?}"
            );
        }
        driver.keys("l l j l j z");
    }
}
