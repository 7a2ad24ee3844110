//! What the stable copy and the candidate answered, and whose turn it is.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

/// So many requests say something about a copy.
const ENOUGH: u64 = 5;

/// Counts since the candidate came; the stable copy first.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    turn: AtomicU64,
    requests: [AtomicU64; 2],
    errors: [AtomicU64; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    requests: u64,
    errors: u64,
}

impl Traffic {
    /// Spread evenly: at ten percent it is every tenth request.
    pub(super) fn candidate_is_next(&self, weight: u8) -> bool {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let share = |n: u64| n * u64::from(weight) / 100;
        share(turn + 1) > share(turn)
    }

    pub(super) fn count(&self, candidate: bool, failed: bool) {
        let side = usize::from(candidate);
        self.requests[side].fetch_add(1, Ordering::Relaxed);
        self.errors[side].fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    pub(super) fn begin_anew(&self) {
        self.requests.iter().chain(&self.errors).for_each(|count| count.store(0, Ordering::Relaxed));
    }

    pub(super) fn counted(&self) -> [Counted; 2] {
        let of = |side: usize| Counted {
            requests: self.requests[side].load(Ordering::Relaxed),
            errors: self.errors[side].load(Ordering::Relaxed),
        };
        [of(0), of(1)]
    }
}

impl Counted {
    /// Fewer requests than that say nothing.
    pub(super) fn error_rate(self) -> Option<f64> {
        (self.requests >= ENOUGH).then(|| self.errors as f64 / self.requests as f64)
    }

    pub(super) fn to_json(self, version: &str) -> Value {
        json!({"version": version, "requests": self.requests, "errors": self.errors, "error_rate": self.error_rate()})
    }

    pub(super) fn to_metrics(self, side: &str, version: &str) -> String {
        let labels = format!("side=\"{side}\",version=\"{version}\"");
        format!("front_requests_total{{{labels}}} {}\nfront_errors_total{{{labels}}} {}\n", self.requests, self.errors)
    }
}

#[cfg(test)]
mod tests {
    use super::Traffic;

    #[test]
    fn the_candidate_gets_its_share_and_no_more() {
        for (weight, expected) in [(0, 0), (10, 20), (50, 100), (100, 200)] {
            let traffic = Traffic::default();
            assert_eq!((0..200).filter(|_| traffic.candidate_is_next(weight)).count(), expected, "{weight} %");
        }
    }

    #[test]
    fn without_enough_requests_there_is_no_rate() {
        let traffic = Traffic::default();
        (0..10).for_each(|n| traffic.count(true, n % 2 == 0));
        (0..4).for_each(|_| traffic.count(false, true));
        let [stable, candidate] = traffic.counted();
        assert_eq!((stable.error_rate(), candidate.error_rate()), (None, Some(0.5)));
        traffic.begin_anew();
        assert_eq!(traffic.counted()[1].error_rate(), None);
    }
}
