//! Much at once: what is followed, how rows and lines tell one piece of work from another, how long things waited.

use serde_json::Value;

use super::driver::{Driver, Script, at};
use super::graphs::on;
use crate::model::{Enclosure, Event, EventKind, Next, Outcome, Part, Run, RunStatus, StageId, StageOutline};
use crate::tui::backend::Reply;
use crate::tui::glyph::Charset;
use crate::tui::screen::Screen;

fn outline(id: &str, component: &str, enclosure: Option<(&str, u32)>) -> StageOutline {
    let inside = |(stage, position): (&str, u32)| Enclosure { stage: StageId::new(stage), part: Part::Loop, position };
    let depends_on = enclosure.iter().map(|(owner, _)| StageId::new(owner)).collect();
    StageOutline {
        id: StageId::new(id),
        name: None,
        component: component.to_owned(),
        depends_on,
        enclosure: enclosure.map(inside),
        undoes: None,
    }
}

/// A loop over 200 items with two stages for each; `one` and `two` of them are over.
fn fleet(one: usize, two: usize) -> Run {
    let stages = vec![
        outline("fleet", "foreach", None),
        outline("one-host-of-the-fleet-is-checked", "shell", Some(("fleet", 0))),
        outline("two", "shell", Some(("fleet", 1))),
    ];
    let mut script = Script::of("1v9r8z0-lllll", "fleet", stages, at(0.0)).start("fleet", 1, at(0.1));
    script = script.phase("fleet", "items", 1, Some(200), at(0.1));
    for (written, over) in [("one-host-of-the-fleet-is-checked", one), ("two", two)] {
        for item in 0..over {
            let stage = format!("{written}[{item}]");
            script = script.start(&stage, 1, at(1.0)).ok(&stage, 1, at(2.0), Value::Null);
        }
    }
    script.run()
}

#[test]
fn a_row_of_the_list_always_says_which_instance_it_is() {
    for (width, height, whole) in [(120, 40, true), (80, 24, false)] {
        let mut driver = on(fleet(40, 30), width, height, Charset::Unicode);
        driver.keys("z z g j space j j j j j j j j");
        let screen = driver.screen();
        let row = screen.lines().find(|line| line.contains("[7]")).unwrap_or_default();
        assert_eq!(row.contains("one-host-of-the-fleet-is-checked[7]"), whole, "{screen}");
        assert!(row.contains("one-host-of") && row.contains("succeeded"), "{screen}");
    }
}

#[test]
fn every_stage_in_a_loop_counts_its_own_instances() {
    let mut driver = on(fleet(36, 12), 120, 40, Charset::Unicode);
    for zoom in ["boxes", "lines", "list"] {
        let screen = driver.screen();
        assert!(screen.contains("36/200") && screen.contains("12/200"), "{zoom}: {screen}");
        driver.keys("z");
    }
}

#[test]
fn lines_tell_times_and_attempts_where_there_is_room() {
    let stages: &[(&str, &str, &[&str])] = &[("fetch", "shell", &[]), ("build", "shell", &["fetch"])];
    let script = Script::new("1v9r8z0-nnnnn", "short", stages, at(0.0))
        .start("fetch", 1, at(1.0))
        .fail("fetch", 1, at(2.0), "HTTP 503", Next::Retry { at: at(3.0) })
        .start("fetch", 2, at(3.0))
        .ok("fetch", 2, at(5.5), Value::Null)
        .start("build", 1, at(5.5));
    let mut driver = on(script.run(), 120, 40, Charset::Unicode);
    driver.keys("z");
    let screen = driver.screen();
    let graph = screen.lines().find(|line| line.contains("fetch ok")).unwrap_or_default();
    assert!(graph.contains("✓ fetch ok ×2 4.5s") && graph.contains("● build run 1m24s"), "{screen}");
}

fn selected(driver: &Driver) -> String {
    let Some(Screen::Run(screen)) = driver.app.shown() else { panic!("not on a run") };
    let run = screen.run.as_ref().expect("a run");
    run.stages.get_index(screen.dag.selected()).expect("a stage").0.to_string()
}

#[test]
fn the_stage_that_is_followed_is_the_same_until_it_ends() {
    let stages: &[(&str, &str, &[&str])] =
        &[("a", "shell", &[]), ("b", "shell", &[]), ("c", "shell", &[]), ("d", "shell", &[]), ("e", "shell", &[])];
    let run = Script::new("1v9r8z0-ppppp", "parallel", stages, at(0.0)).start("b", 1, at(1.0)).run();
    let (id, mut seq) = (run.id.clone(), run.seq);
    let mut driver = on(run, 120, 40, Charset::Unicode);
    assert_eq!(selected(&driver), "b");
    let mut then = |kind, seconds, expected: &str| {
        seq += 1;
        driver.reply(Reply::RunEvent(Box::new(Event { seq, at: at(seconds), run: id.clone(), kind })));
        assert_eq!(selected(&driver), expected, "after {seconds}");
    };
    let start = |stage: &str| EventKind::AttemptStarted {
        stage: StageId::new(stage),
        attempt: 1,
        config: Value::Null,
        child: None,
        unstarted: false,
    };
    let end =
        |stage: &str, outcome| EventKind::AttemptFinished { stage: StageId::new(stage), attempt: 1, outcome, next: Next::Settle };
    let good = || Outcome::succeeded(Value::Null);
    then(start("c"), 2.0, "b");
    then(start("a"), 3.0, "b");
    then(start("d"), 4.0, "b");
    then(end("b", good()), 5.0, "c");
    let bad = Outcome::failed(crate::model::StageError::new(crate::model::ErrorKind::Execution, "no"));
    then(end("a", bad), 6.0, "c");
    then(end("c", good()), 7.0, "a");
    then(start("e"), 8.0, "a");
}

#[test]
fn the_critical_path_names_the_time_that_was_waited() {
    let stages: &[(&str, &str, &[&str])] = &[("a", "shell", &[]), ("b", "shell", &["a"])];
    let run = Script::new("1v9r8z0-wwwww", "waited", stages, at(0.0))
        .start("a", 1, at(1.0))
        .ok("a", 1, at(4.0), Value::Null)
        .start("b", 1, at(12.0))
        .ok("b", 1, at(15.7), Value::Null)
        .end(RunStatus::Succeeded, at(15.9), None);
    let mut driver = on(run.run(), 120, 40, Charset::Unicode);
    driver.keys("c");
    assert!(driver.shows("critical 6.7s in 2 stages +9.2s waiting"), "{}", driver.screen());
}
