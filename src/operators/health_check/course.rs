//! When a health check is over, and whether it passes. Pure: time is an argument.

use std::time::Duration;

/// How several services are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Healthy,
    /// At least two thirds are well.
    Degraded,
    Unhealthy,
}

/// How long is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// Asks again until all are well, at most until `deadline`.
    pub(super) until_healthy: bool,
    /// They have to stay well for so long.
    pub(super) hold: Duration,
    pub(super) interval: Duration,
    pub(super) deadline: Duration,
    /// Degraded is not well.
    pub(super) strict: bool,
}

/// Since when they are well, from the beginning of the check.
#[derive(Debug, Default)]
pub(super) struct State {
    since: Option<Duration>,
    held: bool,
}

impl Verdict {
    pub(super) fn of(healthy: usize, total: usize) -> Self {
        match healthy {
            all if all == total => Self::Healthy,
            some if 3 * some >= 2 * total => Self::Degraded,
            _ => Self::Unhealthy,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Course {
    fn is_well(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Healthy => true,
            Verdict::Degraded => !self.strict,
            Verdict::Unhealthy => false,
        }
    }

    /// Takes what was found at `at`; gives how long to wait before asking again, or nothing when it is over.
    pub(super) fn next(&self, state: &mut State, verdict: Verdict, at: Duration) -> Option<Duration> {
        // Whoever waits for them to be healthy is content with less only when there is no time left.
        let begins = verdict == Verdict::Healthy || (self.is_well(verdict) && (!self.until_healthy || at >= self.deadline));
        match state.since {
            None if begins => state.since = Some(at),
            Some(_) if !self.is_well(verdict) => state.since = None,
            None | Some(_) => {}
        }
        match state.since {
            Some(since) if at.saturating_sub(since) >= self.hold => {
                state.held = true;
                None
            }
            Some(since) => Some(self.interval.min((since + self.hold).saturating_sub(at))),
            None if self.until_healthy && at < self.deadline => Some(self.interval.min(self.deadline - at)),
            None => None,
        }
    }

    /// Whether the stage succeeds, once it is over.
    pub(super) fn passes(&self, state: &State, verdict: Verdict) -> bool {
        state.held && self.is_well(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Duration, State, Verdict};

    const SECOND: Duration = Duration::from_secs(1);

    fn course(until_healthy: bool, hold: u32) -> Course {
        Course { until_healthy, hold: SECOND * hold, interval: SECOND, deadline: SECOND * 10, strict: false }
    }

    /// Asks at the times that the course says; gives when it is over, in seconds, and whether it passes.
    fn run(course: Course, verdict: impl Fn(u64) -> Verdict) -> (u64, bool) {
        let (mut state, mut at) = (State::default(), Duration::ZERO);
        while let Some(wait) = course.next(&mut state, verdict(at.as_secs()), at) {
            at += wait;
        }
        (at.as_secs(), course.passes(&state, verdict(at.as_secs())))
    }

    #[test]
    fn two_thirds_are_degraded_and_less_is_unhealthy() {
        let names: Vec<&str> = (0..=3).map(|healthy| Verdict::of(healthy, 3).name()).collect();
        assert_eq!(names, ["unhealthy", "unhealthy", "degraded", "healthy"]);
        assert_eq!(Verdict::of(1, 2), Verdict::Unhealthy);
    }

    #[test]
    fn without_more_one_look_is_enough() {
        assert_eq!(run(course(false, 0), |_| Verdict::Healthy), (0, true));
        assert_eq!(run(course(false, 0), |_| Verdict::Degraded), (0, true));
        assert_eq!(run(course(false, 0), |_| Verdict::Unhealthy), (0, false));
        assert_eq!(run(Course { strict: true, ..course(false, 0) }, |_| Verdict::Degraded), (0, false));
    }

    #[test]
    fn until_healthy_waits_for_all_and_gives_up_at_the_deadline() {
        let from = |second| move |at| if at >= second { Verdict::Healthy } else { Verdict::Degraded };
        assert_eq!(run(course(true, 0), from(4)), (4, true));
        assert_eq!(run(course(true, 0), |_| Verdict::Unhealthy), (10, false));
        assert_eq!(run(course(true, 0), |_| Verdict::Degraded), (10, true), "degraded is no failure unless it is to be one");
    }

    #[test]
    fn they_have_to_stay_well_and_begin_anew_after_a_relapse() {
        assert_eq!(run(course(false, 5), |_| Verdict::Healthy), (5, true));
        assert_eq!(run(course(false, 5), |at| if at == 3 { Verdict::Unhealthy } else { Verdict::Healthy }), (3, false));
        assert_eq!(run(course(true, 5), |at| if at == 3 { Verdict::Unhealthy } else { Verdict::Healthy }), (9, true));
        assert_eq!(run(course(true, 5), |at| if at % 3 == 0 { Verdict::Unhealthy } else { Verdict::Healthy }), (12, false));
    }
}
