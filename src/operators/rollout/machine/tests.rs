use std::time::Duration;

use serde_json::{Value, json};

use super::super::plan::{Check, Course, Step};
use super::super::reading::Reading;
use super::{Act, Input, Machine, Move};
use crate::model::Timestamp;
use crate::policy::analysis::Outcome;

const MINUTE: Duration = Duration::from_secs(60);

fn course(weights: &[u8], checks: Vec<Check>) -> Course {
    let steps = weights.iter().map(|&weight| Step { weight, bake: MINUTE, judged: true });
    Course { title: "canary".to_owned(), steps: steps.collect(), checks, rollback: true }
}

fn check(name: &str) -> Check {
    Check {
        name: name.to_owned(),
        initial_delay: Duration::ZERO,
        interval: Duration::from_secs(20),
        count: None,
        failures: 0,
        consecutive_errors: 1,
        inconclusive: 0,
        success_if: None,
        failure_if: None,
    }
}

fn reading(outcome: Outcome) -> Reading {
    Reading { outcome, value: json!(7), why: (outcome != Outcome::Success).then(|| "because".to_owned()) }
}

/// A world in which moves and measurements take no time, and time passes only when nothing else happens.
struct World {
    machine: Machine,
    now: Timestamp,
    /// Where traffic was moved, and when, in seconds.
    moves: Vec<(Move, i64)>,
    measured: Vec<(usize, usize, i64)>,
    said: Vec<String>,
}

impl World {
    fn new(course: Course) -> Self {
        Self { machine: Machine::new(course), now: Timestamp(0), moves: Vec::new(), measured: Vec::new(), said: Vec::new() }
    }

    /// Goes on until it is over, or until `until`.
    fn run(&mut self, moved: impl Fn(Move) -> Result<(), String>, measured: impl Fn(usize, usize) -> Reading, until: Timestamp) {
        let mut inputs = vec![if self.moves.is_empty() { Input::Begin } else { Input::Time }];
        loop {
            while let Some(input) = inputs.pop() {
                for act in self.machine.handle(input, self.now) {
                    match act {
                        Act::Say(line) => self.said.push(line),
                        Act::Save => {}
                        Act::Move(to) => {
                            self.moves.push((to, self.now.0 / 1000));
                            inputs.push(Input::Moved(moved(to)));
                        }
                        Act::Measure { step, check } => {
                            self.measured.push((step, check, self.now.0 / 1000));
                            inputs.push(Input::Measured { step, check, reading: measured(step, check) });
                        }
                    }
                }
            }
            match self.machine.due() {
                Some(at) if !self.machine.is_over() && at <= until => self.now = at,
                _ => return,
            }
            inputs.push(Input::Time);
        }
    }

    fn ending(&mut self, measured: impl Fn(usize, usize) -> Reading) -> Value {
        self.run(|_| Ok(()), measured, Timestamp(i64::MAX));
        assert!(self.machine.is_over(), "{:?}", self.machine);
        self.machine.record().to_json()
    }
}

#[test]
fn a_healthy_rollout_takes_every_step_after_its_bake_time_and_is_measured_throughout() {
    let mut world = World::new(course(&[10, 50, 100], vec![check("errors")]));
    let record = world.ending(|_, _| reading(Outcome::Success));
    assert_eq!(world.moves, [(Move::Step(0), 0), (Move::Step(1), 60), (Move::Step(2), 120)]);
    let times: Vec<i64> = world.measured.iter().map(|(_, _, at)| *at).collect();
    assert_eq!(times, [0, 20, 40, 60, 80, 100, 120, 140, 160]);
    assert_eq!(record["verdict"], "successful");
    assert_eq!((&record["weight"], &record["steps_done"], &record["rolled_back"]), (&json!(100), &json!(3), &json!(false)));
    assert_eq!(world.now, Timestamp(180_000), "the last step bakes, too");
}

#[test]
fn a_bad_measurement_moves_traffic_back_at_once_and_names_itself() {
    let mut world = World::new(course(&[10, 50], vec![check("errors")]));
    let outcome = |step, _| reading(if step == 1 { Outcome::Failure } else { Outcome::Success });
    let record = world.ending(outcome);
    assert_eq!(world.moves.last(), Some(&(Move::Back, 60)));
    assert_eq!((&record["verdict"], &record["weight"], &record["rolled_back"]), (&json!("failed"), &json!(0), &json!(true)));
    assert_eq!(record["finding"]["message"], "the analysis `errors` failed at 50 %: 7; because");
    assert_eq!(record["steps_done"], 1);
}

#[test]
fn with_on_failure_stop_traffic_stays_where_it_is() {
    let mut world = World::new(Course { rollback: false, ..course(&[10], vec![check("errors")]) });
    let record = world.ending(|_, _| reading(Outcome::Failure));
    assert_eq!(world.moves, [(Move::Step(0), 0)]);
    assert_eq!((&record["verdict"], &record["weight"], &record["rolled_back"]), (&json!("failed"), &json!(10), &json!(false)));
}

#[test]
fn what_cannot_be_measured_leaves_traffic_where_it_is_and_is_no_success() {
    for (outcome, verdict) in [(Outcome::Error, "error"), (Outcome::Inconclusive, "inconclusive")] {
        let mut world = World::new(course(&[10, 100], vec![check("errors")]));
        let record = world.ending(|_, _| reading(outcome));
        assert_eq!(world.moves, [(Move::Step(0), 0)], "{verdict}");
        assert_eq!((&record["verdict"], &record["weight"]), (&json!(verdict), &json!(10)));
    }
}

#[test]
fn one_error_is_measured_again_after_the_interval() {
    let mut world = World::new(course(&[100], vec![Check { count: Some(1), ..check("errors") }]));
    let tries = std::cell::Cell::new(0);
    let record = world.ending(|_, _| {
        tries.set(tries.get() + 1);
        reading(if tries.get() == 1 { Outcome::Error } else { Outcome::Success })
    });
    assert_eq!(world.measured.iter().map(|(_, _, at)| *at).collect::<Vec<_>>(), [0, 20]);
    assert_eq!(record["verdict"], "successful");
}

#[test]
fn a_step_without_bake_time_is_judged_as_well_unless_it_says_not() {
    let mut course = course(&[50, 100], vec![check("errors")]);
    course.steps[0].bake = Duration::ZERO;
    course.steps[1] = Step { weight: 100, bake: Duration::ZERO, judged: false };
    let mut world = World::new(course);
    world.ending(|_, _| reading(Outcome::Success));
    assert_eq!(world.measured, [(0, 0, 0)]);
}

#[test]
fn a_step_waits_for_the_slowest_check() {
    let slow = Check { count: Some(3), interval: MINUTE, initial_delay: Duration::from_secs(30), ..check("slow") };
    let mut world = World::new(course(&[10, 100], vec![check("errors"), slow]));
    world.run(|_| Ok(()), |_, _| reading(Outcome::Success), Timestamp(150_000));
    assert_eq!(world.moves, [(Move::Step(0), 0), (Move::Step(1), 150)]);
}

#[test]
fn a_move_that_fails_is_a_failure_and_traffic_goes_back() {
    let mut world = World::new(course(&[10, 100], Vec::new()));
    let moved = |to| if to == Move::Step(1) { Err("exit code 3".to_owned()) } else { Ok(()) };
    world.run(moved, |_, _| reading(Outcome::Success), Timestamp(i64::MAX));
    let record = world.machine.record().to_json();
    assert_eq!(record["finding"]["message"], "traffic could not be moved to 100 %: exit code 3");
    assert_eq!((&record["verdict"], &record["rolled_back"]), (&json!("failed"), &json!(true)));
}

#[test]
fn traffic_that_cannot_be_moved_back_is_said_to_be_nobody_knows_where() {
    let mut world = World::new(course(&[10], vec![check("errors")]));
    let moved = |to| if to == Move::Back { Err("no answer".to_owned()) } else { Ok(()) };
    world.run(moved, |_, _| reading(Outcome::Failure), Timestamp(i64::MAX));
    let record = world.machine.record().to_json();
    assert_eq!((&record["weight"], &record["rolled_back"]), (&Value::Null, &json!(false)));
    assert!(record["finding"]["message"].as_str().unwrap().ends_with("and traffic could not be moved back: no answer"));
}

#[test]
fn told_to_end_it_moves_traffic_back_and_after_a_move_under_way_not_during_it() {
    let mut machine = Machine::new(course(&[10, 100], Vec::new()));
    machine.handle(Input::Begin, Timestamp(0));
    let acts = machine.handle(Input::Stop, Timestamp(1));
    assert!(!acts.iter().any(|act| matches!(act, Act::Move(_))), "{acts:?}");
    let acts = machine.handle(Input::Moved(Ok(())), Timestamp(2));
    assert!(acts.contains(&Act::Move(Move::Back)), "{acts:?}");
    assert!(machine.handle(Input::Stop, Timestamp(3)).is_empty(), "said once is enough");
    machine.handle(Input::Moved(Ok(())), Timestamp(4));
    assert!(machine.is_over());
    let record = machine.record().to_json();
    assert_eq!((&record["verdict"], &record["rolled_back"]), (&Value::Null, &json!(true)));
}

#[test]
fn an_answer_from_an_earlier_step_counts_for_nothing() {
    let mut world = World::new(course(&[10, 100], vec![check("errors")]));
    world.run(|_| Ok(()), |_, _| reading(Outcome::Success), Timestamp(60_000));
    let late = Input::Measured { step: 0, check: 0, reading: reading(Outcome::Failure) };
    world.machine.handle(late, world.now);
    assert!(!world.machine.is_over());
}
