//! Laws that hold for every pipeline and every order of events.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::World;
use super::crashes::end;
use crate::model::{EventKind, Run, RunStatus, StageStatus};

/// A random graph: stage `n` may depend on earlier ones, and some stages have another that undoes them.
fn graph() -> impl Strategy<Value = String> {
    proptest::collection::vec((any::<u16>(), 0..4_u8), 1..14).prop_map(|stages| {
        let list: Vec<String> = stages
            .iter()
            .enumerate()
            .map(|(n, (mask, kind))| {
                let after: Vec<String> = (0..n).filter(|m| mask >> (m % 16) & 1 == 1).map(|m| format!("s{m}")).collect();
                let more = match kind {
                    0 => ", on_error: continue",
                    1 => ", error_handling: {on_error: retry, max_retries: 1, retry_delay: 10}",
                    2 => ", idempotent: true",
                    _ => "",
                };
                let after = after.join(", ");
                let undo = match mask >> 12 {
                    0..6 => return format!("{{id: s{n}, type: shell, config: {{run: x}}, depends_on: [{after}]{more}}}"),
                    6 | 7 => ", error_handling: {on_error: retry, max_retries: 1, retry_delay: 10}",
                    8 => ", idempotent: true",
                    9 => ", on_unknown: fail",
                    10 => ", when: 'true'",
                    _ => "",
                };
                format!(
                    "{{id: s{n}, type: shell, config: {{run: x}}, depends_on: [{after}], compensate: u{n}{more}}},
                     {{id: u{n}, type: shell, config: {{run: x}}{undo}}}"
                )
            })
            .collect();
        format!("{{id: p, max_concurrency: 3, stages: [{}]}}", list.join(",\n"))
    })
}

#[derive(Debug, Clone)]
enum Move {
    End(usize, &'static str),
    Wait,
    Crash,
    Cancel,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let verb = prop_oneof![6 => Just("ok"), 1 => Just("fail"), 1 => Just("timeout"), 1 => Just("unknown")];
    let one = prop_oneof![
        12 => (any::<usize>(), verb).prop_map(|(pick, verb)| Move::End(pick, verb)),
        3 => Just(Move::Wait),
        3 => Just(Move::Crash),
        1 => Just(Move::Cancel),
    ];
    proptest::collection::vec(one, 0..60)
}

fn running(world: &World) -> Vec<String> {
    let stages = world.scheduler.run().stages.values();
    stages.filter(|stage| stage.status == StageStatus::Running).map(|stage| stage.id.to_string()).collect()
}

fn make(world: &mut World, one: &Move) {
    if world.scheduler.is_finished() {
        return;
    }
    match one {
        Move::End(pick, verb) => {
            let running = running(world);
            if !running.is_empty() {
                world.step(&format!("{verb} {}", running[pick % running.len()]));
            }
        }
        Move::Wait => world.step("after 10"),
        Move::Crash => world.step("crash"),
        Move::Cancel => world.step("cancel"),
    }
}

/// Answers and ends everything until the run is over.
fn finish(world: &mut World) {
    for _ in 0..400 {
        if world.scheduler.is_finished() {
            return;
        }
        let asked: Vec<String> = {
            let stages = world.scheduler.run().stages.values();
            stages.filter(|stage| stage.status == StageStatus::Unknown).map(|stage| stage.id.to_string()).collect()
        };
        asked.iter().for_each(|id| world.step(&format!("resolve {id} succeed")));
        if let Some(id) = running(world).first() {
            world.step(&format!("ok {id}"));
        }
        world.step("after 10");
    }
}

proptest! {
    #[test]
    fn every_run_ends_and_its_journal_tells_the_same_story(text in graph(), moves in moves()) {
        let mut world = World::new(&text);
        for one in &moves {
            make(&mut world, one);
            prop_assert!(world.scheduler.running() <= 3);
            let folded = Run::fold(&world.journal).expect("a journal begins with its run");
            prop_assert_eq!(folded.status, world.scheduler.run().status);
            prop_assert_eq!(&folded.stages, &world.scheduler.run().stages);
        }
        finish(&mut world);
        prop_assert!(world.scheduler.is_finished(), "stuck: {:?}", world.scheduler.run().status);
    }

    #[test]
    fn nothing_starts_before_its_dependencies_ended_and_nothing_runs_twice_unasked(text in graph(), moves in moves()) {
        let mut world = World::new(&text);
        for one in &moves {
            make(&mut world, one);
        }
        finish(&mut world);
        let mut run = Run::created(&world.journal[0]).expect("created");
        for event in &world.journal[1..] {
            if let EventKind::AttemptStarted { stage, attempt, .. } = &event.kind {
                let before = &run.stages[stage];
                let ended = before.undoes.is_some() || before.depends_on.iter().all(|id| run.stages[id].status.is_final());
                prop_assert!(ended, "{stage} started before its dependencies ended");
                let may = matches!(before.status, StageStatus::Pending | StageStatus::Retrying);
                prop_assert!(may, "{stage} attempt {attempt} started while {}", before.status);
            }
            run.apply(event);
        }
    }

    #[test]
    fn what_began_in_a_run_that_did_not_succeed_is_undone_once_and_in_reverse(text in graph(), moves in moves()) {
        let mut world = World::new(&text);
        for one in &moves {
            make(&mut world, one);
        }
        finish(&mut world);
        let run = world.scheduler.run();
        for undo in run.stages.values().filter(|stage| stage.undoes.is_some()) {
            let needed = run.status != RunStatus::Succeeded && run.has_to_undo(undo);
            prop_assert_eq!(undo.has_begun(), needed, "{} of a {} run", undo.id, run.status);
            let done = undo.attempts.iter().position(|attempt| attempt.status == StageStatus::Succeeded);
            prop_assert!(done.is_none_or(|done| done + 1 == undo.attempts.len()), "{} went on after it was done", undo.id);
        }
        let started = world.journal.iter().filter_map(|event| match &event.kind {
            EventKind::AttemptStarted { stage, attempt: 1, .. } => Some(stage),
            _ => None,
        });
        let (undone, begun): (Vec<_>, Vec<_>) = started.partition(|stage| run.stages[*stage].undoes.is_some());
        let mut begun: Vec<_> = begun.into_iter().filter(|stage| undone.iter().any(|undo| run.stages[*undo].undoes.as_ref() == Some(*stage))).collect();
        begun.reverse();
        let undone: Vec<_> = undone.into_iter().filter_map(|undo| run.stages[undo].undoes.as_ref()).collect();
        prop_assert_eq!(undone, begun);
    }

    #[test]
    fn crashes_change_nothing_about_what_a_run_comes_to(text in graph(), moves in moves()) {
        let played = |crashes: bool| {
            let mut world = World::new(&text);
            for one in moves.iter().filter(|one| crashes || !matches!(one, Move::Crash)) {
                make(&mut world, one);
            }
            finish(&mut world);
            end(world.scheduler.run())
        };
        prop_assert_eq!(played(true), played(false));
    }
}
