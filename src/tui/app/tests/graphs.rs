//! The graph of a run as a person uses it: shipped pipelines at work, the same facts at every zoom, every stage within reach.

use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::drawing::{SIZES, snapshot};
use super::driver::{Driver, Script, at};
use crate::language::{Format, load};
use crate::model::{Event, EventKind, Next, Outcome, Run, StageError, StageId, StageOutline};
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;
use crate::tui::message::Message;
use crate::tui::screen::Screen;

fn shipped(name: &str) -> Vec<StageOutline> {
    let path = format!("{}/pipelines/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let loaded = load(&std::fs::read_to_string(path).expect("shipped"), Format::Yaml);
    loaded.pipeline.unwrap_or_else(|| panic!("{:?}", loaded.problems)).outlines()
}

/// A console that looks at this run.
pub fn on(run: Run, width: u16, height: u16, charset: Charset) -> Driver {
    let mut driver = Driver::new(width, height, charset);
    let child = driver.runs.remove(0);
    driver.runs = vec![run, child];
    driver.reply(Reply::Runs(driver.runs.iter().map(Run::summary).collect()));
    driver.keys("2 enter");
    driver
}

fn dag(driver: &Driver) -> &crate::tui::widget::dag::Dag {
    match driver.app.shown() {
        Some(Screen::Run(screen)) => &screen.dag,
        _ => panic!("not on a run"),
    }
}

/// A release whose end-to-end tests failed; it is being taken back, one of two environments already without success.
pub fn release() -> Run {
    let ok = || json!({"ok": true});
    Script::of("1v9r8z0-rrrrr", "fork-join-release", shipped("fork-join-release"), at(0.0))
        .start("build-extension", 1, at(0.1))
        .start("build-server", 1, at(0.1))
        .ok("build-extension", 1, at(9.4), ok())
        .start("test-extension", 1, at(9.5))
        .ok("build-server", 1, at(14.2), ok())
        .start("test-server", 1, at(14.3))
        .ok("test-extension", 1, at(15.0), ok())
        .start("package-extension", 1, at(15.1))
        .ok("package-extension", 1, at(15.9), ok())
        .fail("test-server", 1, at(20.0), "one test failed", Next::Retry { at: at(22.0) })
        .start("test-server", 2, at(22.0))
        .ok("test-server", 2, at(31.0), ok())
        .start("package-server", 1, at(31.1))
        .ok("package-server", 1, at(33.0), ok())
        .start("release", 1, at(33.1))
        .phase("release", "try", 1, None, at(33.1))
        .start("staging", 1, at(33.2))
        .ok("staging", 1, at(52.0), ok())
        .start("e2e-tests", 1, at(52.1))
        .fail("e2e-tests", 1, at(71.0), "HTTP 500", Next::Settle)
        .phase("release", "catch", 1, None, at(71.0))
        .start("notify-team", 1, at(71.1))
        .ok("notify-team", 1, at(71.4), ok())
        .start("rollback", 1, at(71.5))
        .phase("rollback", "items", 1, Some(3), at(71.5))
        .start("rollback-one[0]", 1, at(71.6))
        .fail("rollback-one[0]", 1, at(75.0), "HTTP 503", Next::Settle)
        .start("rollback-one[1]", 1, at(75.1))
        .run()
}

const KINDS: &[(&str, &str, &[&str])] = &[
    ("check", "conditional", &[]),
    ("fast", "shell", &["check"]),
    ("slow", "shell", &["check"]),
    ("other", "subpipeline", &["fast", "slow"]),
    ("flaky", "http-request", &["fast"]),
    ("end", "logger", &["other", "flaky"]),
];

/// A branch not taken, a stage that another run does, a stage that waits for its next attempt.
fn kinds() -> Run {
    Script::new("1v9r8z0-kkkkk", "kinds", KINDS, at(0.0))
        .start("check", 1, at(1.0))
        .ok("check", 1, at(1.2), Value::Null)
        .skip("slow", at(1.2), "branch:check")
        .start("fast", 1, at(1.3))
        .ok("fast", 1, at(31.0), Value::Null)
        .start_child("other", "1v9r8q0-aaaaa", at(31.1))
        .start("flaky", 1, at(31.1))
        .fail("flaky", 1, at(80.0), "HTTP 503", Next::Retry { at: at(97.0) })
        .run()
}

#[test]
fn a_release_that_is_taken_back() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        for (width, height) in SIZES {
            let mut driver = on(release(), width, height, charset);
            driver.keys("c");
            snapshot("graph_release", &driver);
        }
    }
    let mut driver = on(release(), 120, 40, Charset::Unicode);
    driver.keys("c z z");
    snapshot("graph_release_list", &driver);
}

#[test]
fn a_branch_not_taken_a_child_run_and_a_retry() {
    for charset in [Charset::Unicode, Charset::Ascii] {
        snapshot("graph_kinds", &on(kinds(), 120, 40, charset));
    }
}

#[test]
#[ignore = "prints pictures for people: cargo test shipped_pictures -- --ignored --nocapture"]
#[expect(clippy::print_stderr, reason = "pictures for people")]
fn shipped_pictures() {
    for name in ["fork-join-release", "continuous-deployment", "incident-response", "ci-cd", "rolling"] {
        for (width, height) in SIZES {
            let run = Script::of("1v9r8z0-rrrrr", name, shipped(name), at(0.0)).run();
            let mut driver = on(run, width, height, Charset::Unicode);
            for zoom in ["chosen", "next"] {
                eprintln!("{name} {width}x{height} {zoom}");
                let screen = driver.screen();
                let graph = screen.lines().skip(2).take_while(|line| !line.starts_with("─ "));
                eprintln!("{}", graph.collect::<Vec<_>>().join("\n"));
                driver.keys("z");
            }
        }
    }
}

#[test]
fn the_same_facts_are_within_reach_at_every_zoom() {
    let expected: [(&str, &[&str]); 6] = [
        ("test-server", &["succeeded", "16.7s", "attempt 2 of 2"]),
        ("e2e-tests", &["failed", "18.9s", "try of release"]),
        ("release", &["running", "56s", "catch"]),
        ("rollback", &["running", "1/3 1 failed", "18s", "catch of release"]),
        ("rollback-one", &["running", "1/3 1 failed", "18s", "loop of rollback"]),
        ("production", &["pending", "try of release"]),
    ];
    for zooms in 0..3 {
        let mut driver = on(release(), 120, 40, Charset::Unicode);
        driver.keys(&"z ".repeat(zooms));
        for (stage, facts) in expected {
            let place = driver.runs[0].stages.get_index_of(&StageId::new(stage)).expect("a stage");
            reach(&mut driver, place);
            let screen = driver.screen();
            let title = screen.lines().find(|line| line.starts_with(&format!("─ {stage} "))).expect("a title").to_owned();
            for fact in facts {
                assert!(title.contains(fact), "zoom {zooms}, {stage}: no `{fact}` in {title}");
            }
        }
    }
}

/// Walks to a stage with the keys for walking alone; the shortest way, found by trying.
fn reach(driver: &mut Driver, wanted: usize) {
    let mut seen = std::collections::HashSet::from([dag(driver).selected()]);
    let mut open = std::collections::VecDeque::from([(dag(driver).clone(), Vec::new())]);
    while let Some((dag, way)) = open.pop_front() {
        if dag.selected() == wanted {
            return driver.keys(&way.join(" "));
        }
        for (key, step) in STEPS {
            let mut next = dag.clone();
            next.walk(step, &driver.runs[0]);
            if seen.insert(next.selected()) {
                let way: Vec<&str> = way.iter().copied().chain([key]).collect();
                open.push_back((next, way));
            }
        }
    }
    panic!("no way to stage {wanted}");
}

const STEPS: [(&str, crate::tui::layout::Step); 4] = [
    ("h", crate::tui::layout::Step::Left),
    ("j", crate::tui::layout::Step::Down),
    ("k", crate::tui::layout::Step::Up),
    ("l", crate::tui::layout::Step::Right),
];

#[test]
fn instances_are_gathered_in_their_stage_and_can_be_listed_and_chosen() {
    let mut driver = on(release(), 120, 40, Charset::Unicode);
    driver.keys("g G");
    assert!(driver.shows("─ rollback-one  ●"), "{}", driver.screen());
    assert!(!driver.shows("rollback-one[0]"));
    driver.keys("]");
    assert!(driver.shows("─ rollback-one[0]  ✗ failed"), "{}", driver.screen());
    driver.keys("]");
    assert!(driver.shows("─ rollback-one[1]  ● running"));
    driver.keys("]");
    assert!(driver.shows("no other instance that way"));
    driver.keys("[ [ space");
    let screen = driver.screen();
    let rows: Vec<&str> = screen.lines().filter(|line| line.contains("rollback-one")).collect();
    assert!(rows.len() >= 4 && rows[1].contains("rollback-one[0]") && rows[2].contains("rollback-one[1]"), "{screen}");
    driver.keys("j");
    assert!(driver.shows("─ rollback-one[0]  ✗ failed"));
    driver.keys("space");
    assert!(driver.shows("─ rollback-one  ●") && !driver.shows("rollback-one[0]"), "{}", driver.screen());
}

#[test]
fn the_next_failed_stage_may_be_an_instance() {
    let mut driver = on(release(), 120, 40, Charset::Unicode);
    driver.keys("g n");
    assert!(driver.shows("─ e2e-tests  ✗ failed"));
    driver.keys("n");
    assert!(driver.shows("─ rollback-one[0]  ✗ failed"));
    driver.keys("n");
    assert!(driver.shows("─ e2e-tests  ✗ failed"), "it goes round");
    driver.keys("N");
    assert!(driver.shows("─ rollback-one[0]  ✗ failed"));
}

#[test]
fn the_critical_path_is_named_summed_up_and_framed() {
    let mut driver = on(release(), 120, 40, Charset::Unicode);
    assert!(!driver.shows("critical"));
    driver.keys("c");
    // build-server 14.1 s, test-server 16.7 s, package-server 1.9 s, release 56.9 s so far.
    assert!(driver.shows("critical 1m29s in 4 stages"), "{}", driver.screen());
    driver.keys("z z g");
    let screen = driver.screen();
    for (stage, critical) in [("build-server", true), ("build-extension", false), ("package-server", true), ("e2e-tests", false)]
    {
        let row = screen.lines().find(|line| line.contains(&format!(" {stage} "))).expect("a row");
        assert_eq!(row.ends_with("critical"), critical, "{row}");
    }
    driver.keys("c");
    assert!(!driver.shows("critical"));
}

#[test]
fn resizing_keeps_the_selection_and_shows_it() {
    let mut driver = on(release(), 200, 50, Charset::Unicode);
    driver.keys("g n");
    let selected = dag(&driver).selected();
    for (width, height) in [(80, 24), (40, 12), (120, 40), (1, 1), (200, 50), (90, 20)] {
        driver.send(Message::Resize { width, height });
        assert_eq!(dag(&driver).selected(), selected);
    }
    assert!(driver.shows("━ e2e-tests ━"), "{}", driver.screen());
}

fn outlines() -> impl Strategy<Value = Vec<StageOutline>> {
    prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..14).prop_map(|stages| {
        let id = |number: usize| StageId::new(&format!("s{number}"));
        let outline = |(number, before): (usize, Vec<prop::sample::Index>)| StageOutline {
            id: id(number),
            name: None,
            component: "shell".to_owned(),
            depends_on: before.iter().filter(|_| number > 0).map(|before| id(before.index(number))).collect(),
            enclosure: None,
            undoes: None,
        };
        stages.into_iter().enumerate().map(outline).collect()
    })
}

/// Something that happens to a stage, or to an instance of it.
fn event(stages: usize, (at, item, kind): (prop::sample::Index, usize, u8)) -> EventKind {
    let written = StageId::new(&format!("s{}", at.index(stages)));
    let stage = if item < 3 { written.inside(&[item]) } else { written };
    let failed = Outcome::failed(StageError::new(crate::model::ErrorKind::Execution, "no"));
    match kind {
        0 => EventKind::AttemptStarted { stage, attempt: 1, config: Value::Null, child: None, unstarted: false },
        1 => EventKind::AttemptFinished { stage, attempt: 1, outcome: Outcome::succeeded(Value::Null), next: Next::Settle },
        2 => EventKind::AttemptFinished { stage, attempt: 1, outcome: failed, next: Next::Settle },
        3 => EventKind::AttemptFinished { stage, attempt: 1, outcome: failed, next: Next::Retry { at: super::driver::START } },
        _ => EventKind::StageSkipped { stage, reason: "branch:s0".to_owned() },
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]
    #[test]
    fn every_stage_can_be_reached_from_every_other_at_every_zoom(stages in outlines(), width in 60u16..160, from in any::<prop::sample::Index>()) {
        let run = Script::of("1v9r8z0-ppppp", "p", stages.clone(), at(0.0)).run();
        let mut driver = on(run, width, 40, Charset::Unicode);
        let from = from.index(stages.len());
        for _ in 0..3 {
            for to in 0..stages.len() {
                reach(&mut driver, from);
                reach(&mut driver, to);
                prop_assert_eq!(dag(&driver).selected(), to);
            }
            driver.keys("z");
        }
    }

    #[test]
    fn nothing_moves_while_a_run_goes_on(stages in outlines(), width in 60u16..160,
        happens in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, 0u8..5), 1..30)) {
        let run = Script::of("1v9r8z0-ppppp", "p", stages.clone(), at(0.0)).run();
        let mut driver = on(run.clone(), width, 40, Charset::Unicode);
        driver.keys("g");
        // What is drawn with everything blanked that tells of a status: titles and frames stay.
        let titles = |driver: &Driver| {
            let screen = driver.screen();
            let places = (0..stages.len()).map(|number| {
                let title = format!(" s{number} ");
                screen.lines().skip(3).enumerate().find_map(|(y, line)| line.find(&title).map(|x| (line[..x].chars().count(), y)))
            });
            places.collect::<Vec<_>>()
        };
        let before = titles(&driver);
        for (seq, happens) in (run.seq + 1..).zip(happens) {
            let event = Event { seq, at: at(90.0), run: run.id.clone(), kind: event(stages.len(), happens) };
            driver.reply(Reply::RunEvent(Box::new(event)));
            prop_assert_eq!(&titles(&driver), &before);
        }
    }
}
