//! Laws that hold whatever people, clocks and restarts do, checked against a book that knows nothing of how gates decide.

mod book;
mod town;

use std::cell::Cell;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use town::Town;

const HOUR: i64 = 3_600_000;

#[derive(Debug, Clone, Copy)]
enum Move {
    Approve {
        gate: usize,
        person: usize,
    },
    Reject {
        gate: usize,
        person: usize,
    },
    /// Sends a decision that was written when the gate was looked at earlier.
    Replay {
        person: usize,
        pick: usize,
    },
    TakeLock {
        gate: usize,
    },
    GiveLock {
        gate: usize,
    },
    Start {
        gate: usize,
    },
    ChangeSubject {
        gate: usize,
        field: usize,
    },
    ChangeRules,
    ChangeGroup {
        person: usize,
        group: usize,
    },
    BecomeService {
        person: usize,
    },
    Clock {
        by: i64,
    },
    Hold {
        on: bool,
    },
    Quarantine {
        artefact: usize,
        on: bool,
    },
    Restart,
    /// A new run takes the place of one whose gate is closed.
    Renew {
        gate: usize,
    },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let gate = || 0..2_usize;
    let person = || 0..5_usize;
    let one = prop_oneof![
        14 => (gate(), person()).prop_map(|(gate, person)| Move::Approve { gate, person }),
        1 => (gate(), person()).prop_map(|(gate, person)| Move::Reject { gate, person }),
        2 => (person(), any::<usize>()).prop_map(|(person, pick)| Move::Replay { person, pick }),
        6 => gate().prop_map(|gate| Move::TakeLock { gate }),
        2 => gate().prop_map(|gate| Move::GiveLock { gate }),
        14 => gate().prop_map(|gate| Move::Start { gate }),
        2 => (gate(), 0..4_usize).prop_map(|(gate, field)| Move::ChangeSubject { gate, field }),
        1 => Just(Move::ChangeRules),
        2 => (person(), 0..2_usize).prop_map(|(person, group)| Move::ChangeGroup { person, group }),
        1 => person().prop_map(|person| Move::BecomeService { person }),
        3 => (-3 * HOUR..3 * HOUR).prop_map(|by| Move::Clock { by }),
        1 => Just(Move::Clock { by: 24 * HOUR }),
        1 => any::<bool>().prop_map(|on| Move::Hold { on }),
        1 => (0..2_usize, any::<bool>()).prop_map(|(artefact, on)| Move::Quarantine { artefact, on }),
        2 => Just(Move::Restart),
        4 => gate().prop_map(|gate| Move::Renew { gate }),
    ];
    proptest::collection::vec(one, 1..90)
}

#[test]
fn no_protected_stage_starts_without_a_quorum_for_exactly_its_subject() {
    let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (started, waited) = (Cell::new(0), Cell::new(0));
    runner
        .run(&moves(), |moves| {
            let mut town = Town::new();
            for one in moves {
                town.make(one)?;
            }
            started.set(started.get() + town.started);
            waited.set(waited.get() + town.held_back);
            Ok(())
        })
        .expect("the laws hold");
    assert!(started.get() > 100, "only {} starts: the laws were hardly tried", started.get());
    assert!(waited.get() > 1000, "only {} were held back: the laws were hardly tried", waited.get());
}
