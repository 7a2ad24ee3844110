use std::time::Duration;

use super::{Analysis, Limits, Outcome, Verdict};
use crate::model::Timestamp;

/// `s`uccess, `f`ailure, `i`nconclusive, `e`rror: one measurement a second. Gives the verdict and how many it took.
fn run(limits: Limits, script: &str) -> (Option<Verdict>, usize) {
    let mut analysis = Analysis::new(Limits { interval: Duration::from_secs(1), ..limits }, Timestamp(0));
    let mut taken = 0;
    for letter in script.chars() {
        let outcome = match letter {
            's' => Outcome::Success,
            'f' => Outcome::Failure,
            'i' => Outcome::Inconclusive,
            _ => Outcome::Error,
        };
        let Some(at) = analysis.next_at() else { break };
        assert_eq!(at, Timestamp(taken as i64 * 1000));
        analysis.measure(outcome, at);
        taken += 1;
    }
    (analysis.verdict(), taken)
}

fn count(count: u32) -> Limits {
    Limits { count, ..Limits::default() }
}

#[test]
fn it_is_successful_when_all_measurements_were_made() {
    assert_eq!(run(count(3), "ss"), (None, 2));
    assert_eq!(run(count(3), "ssss"), (Some(Verdict::Successful), 3));
}

#[test]
fn one_failure_fails_it_by_default_and_a_limit_allows_more() {
    assert_eq!(run(count(5), "sf"), (Some(Verdict::Failed), 2));
    let limits = Limits { failures: 1, ..count(4) };
    assert_eq!(run(limits.clone(), "sfsf"), (Some(Verdict::Failed), 4));
    assert_eq!(run(limits, "sfss"), (Some(Verdict::Successful), 4));
}

#[test]
fn errors_are_no_measurements_and_five_in_a_row_are_an_error() {
    assert_eq!(run(count(2), "seeeees"), (Some(Verdict::Error), 6));
    assert_eq!(run(count(3), "seeeeseeees"), (Some(Verdict::Successful), 11));
    assert_eq!(run(count(1), "eeee"), (None, 4), "missing data is no success");
}

#[test]
fn an_inconclusive_measurement_makes_it_inconclusive_by_default() {
    assert_eq!(run(count(3), "si"), (Some(Verdict::Inconclusive), 2));
    assert_eq!(run(Limits { inconclusive: 9, ..count(3) }, "iii"), (Some(Verdict::Inconclusive), 3), "nothing was a success");
}

#[test]
fn a_verdict_never_changes() {
    let mut analysis = Analysis::new(count(2), Timestamp(0));
    analysis.measure(Outcome::Failure, Timestamp(0));
    assert_eq!(analysis.measure(Outcome::Success, Timestamp(1)), Some(Verdict::Failed));
    assert_eq!(analysis.next_at(), None);
}
