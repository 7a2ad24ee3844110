use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dag, Level, Picture, Scene, Zoom, near};
use crate::model::{Actor, Event, EventKind, PipelineRef, Run, RunId, StageId, StageOutline, Timestamp};
use crate::tui::glyph::Charset;
use crate::tui::layout::Step;
use crate::tui::widget::paint::{Look, Paint};

fn run(stages: &[(&str, &[&str])]) -> Run {
    let outline = |(id, after): &(&str, &[&str])| StageOutline {
        id: StageId::new(id),
        name: None,
        component: "shell".to_owned(),
        depends_on: after.iter().map(|id| StageId::new(id)).collect(),
        enclosure: None,
        undoes: None,
    };
    let kind = EventKind::RunCreated {
        pipeline: PipelineRef { id: "p".to_owned(), name: "p".to_owned(), ..PipelineRef::default() },
        stages: stages.iter().map(outline).collect(),
        inputs: serde_json::Value::Null,
        actor: Actor::engine(),
        workspace: String::new(),
        rerun_of: None,
        environment: None,
        environment_names: Vec::new(),
        timeout_ms: None,
        reused: Vec::new(),
        parent: None,
        includes: Vec::new(),
        protected: Vec::new(),
        rollback: None,
    };
    Run::created(&Event { seq: 1, at: Timestamp(0), run: RunId::from_text("r"), kind }).expect("created")
}

fn dag(run: &Run) -> Dag {
    let mut dag = Dag::new();
    let job = dag.update(run, Charset::Unicode).expect("a new graph");
    dag.accept(Box::new(Picture::of(&job)));
    dag
}

fn draw(dag: &mut Dag, run: &Run, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    dag.fit(area, height, run, Timestamp(0));
    let mut buffer = Buffer::empty(area);
    let scene = Scene { run, now: Timestamp(0), others: &[], focused: true };
    dag.draw(&mut Paint::new(&mut buffer, &Look::default()), area, height, &scene);
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect::<Vec<_>>().join("\n")
}

const DIAMOND: &[(&str, &[&str])] = &[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])];

#[test]
fn edges_join_the_boxes_they_belong_to() {
    let run = run(DIAMOND);
    let mut dag = dag(&run);
    dag.zoom = Zoom::Lines;
    let expected = "           ╭─▸○ b todo ──┬─▸○ d todo\n○ a todo ──┴─▸○ c todo ──╯";
    assert_eq!(draw(&mut dag, &run, 60, 2), expected);
}

#[test]
fn the_zoom_is_chosen_by_what_fits_and_then_by_the_user() {
    let run = run(DIAMOND);
    let mut dag = dag(&run);
    assert_eq!(dag.level(120, 6), Level::Boxes);
    assert_eq!(dag.level(120, 3), Level::Lines, "boxes are too high");
    dag.cycle_zoom(120, 6);
    assert_eq!(dag.level(120, 6), Level::Lines);
    dag.cycle_zoom(120, 6);
    assert_eq!(dag.level(120, 6), Level::List);
}

#[test]
fn the_picture_stays_as_it_is_while_statuses_change() {
    let mut run = run(DIAMOND);
    let mut dag = dag(&run);
    let kind = EventKind::AttemptStarted {
        stage: StageId::new("a"),
        attempt: 1,
        config: serde_json::Value::Null,
        child: None,
        unstarted: false,
    };
    run.apply(&Event { seq: 2, at: Timestamp(0), run: RunId::from_text("r"), kind });
    assert_eq!(dag.update(&run, Charset::Unicode), None);
    assert!(dag.picture().is_some());
}

#[test]
fn a_layout_that_comes_too_late_is_not_shown() {
    let (old, new) = (run(DIAMOND), run(&[("x", &[])]));
    let mut dag = Dag::new();
    let late = dag.update(&old, Charset::Unicode).expect("a new graph");
    let job = dag.update(&new, Charset::Unicode).expect("another graph");
    dag.accept(Box::new(Picture::of(&late)));
    assert!(dag.picture().is_none());
    assert!(draw(&mut dag, &new, 40, 5).contains("drawing the graph"));
    dag.accept(Box::new(Picture::of(&job)));
    assert!(draw(&mut dag, &new, 40, 5).contains("x"));
}

#[test]
fn the_selected_stage_is_brought_into_view() {
    let names: Vec<String> = (0..30).map(|n| format!("stage-{n}")).collect();
    let after: Vec<Vec<&str>> = (0..30).map(|n| if n == 0 { vec![] } else { vec![names[n - 1].as_str()] }).collect();
    let stages: Vec<(&str, &[&str])> = names.iter().zip(&after).map(|(name, after)| (name.as_str(), after.as_slice())).collect();
    let run = run(&stages);
    let mut dag = dag(&run);
    for number in 0..30 {
        let shown = draw(&mut dag, &run, 60, 5);
        assert!(shown.contains(&format!(" stage-{number} ")), "{number}\n{shown}");
        dag.walk(Step::Right, &run);
    }
    assert_eq!(dag.selected(), 29);
}

#[test]
fn a_view_moves_no_farther_than_it_must() {
    assert_eq!(near(0, 10, 20, 50, 8), 0);
    assert_eq!(near(0, 60, 70, 50, 8), 28);
    assert_eq!(near(100, 60, 70, 50, 8), 52);
    assert_eq!(near(0, 60, 200, 50, 8), 60, "what does not fit is shown from its start");
}
