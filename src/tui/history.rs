//! What was seen of each service since the console opened: the last looks, no more than a fixed number of them.

use std::collections::{BTreeMap, VecDeque};

use super::backend::{Service, ServiceStatus};
use super::figures;

/// Looks kept for each service.
const KEPT: usize = 240;

/// One look at a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    status: ServiceStatus,
    latency_ms: Option<u64>,
}

/// The looks at one service, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track(VecDeque<Look>);

/// The looks at all services, by environment and name.
#[derive(Debug, Clone, Default)]
pub struct History(BTreeMap<(String, String), Track>);

impl History {
    /// Keeps a look at these services; those that are named no more are forgotten.
    pub fn keep(&mut self, services: &[Service]) {
        let key = |service: &Service| (service.environment.clone(), service.name.clone());
        let mut old = std::mem::take(&mut self.0);
        for service in services {
            let mut track = old.remove(&key(service)).unwrap_or_default();
            if track.0.len() == KEPT {
                track.0.pop_front();
            }
            track.0.push_back(Look { status: service.status, latency_ms: service.latency_ms });
            self.0.insert(key(service), track);
        }
    }

    pub fn of(&self, service: &Service) -> Option<&Track> {
        self.0.get(&(service.environment.clone(), service.name.clone()))
    }
}

impl Track {
    /// The share of looks that found it healthy, of those that found out anything.
    pub fn uptime(&self) -> String {
        let of = |status| self.0.iter().filter(|look| look.status == status).count();
        let healthy = of(ServiceStatus::Healthy);
        figures::share(healthy, healthy + of(ServiceStatus::Unhealthy))
    }

    /// The latency that this share of answers did not exceed.
    pub fn latency(&self, percent: usize) -> Option<u64> {
        let known: Vec<u64> = self.0.iter().filter_map(|look| look.latency_ms).collect();
        figures::percentile(&known, percent)
    }

    /// The last `count` latencies, oldest first.
    pub fn latencies(&self, count: usize) -> impl Iterator<Item = Option<u64>> + Clone {
        self.0.iter().skip(self.0.len().saturating_sub(count)).map(|look| look.latency_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{History, KEPT};
    use crate::tui::backend::{Service, ServiceStatus};

    fn service(name: &str, status: ServiceStatus, latency_ms: Option<u64>) -> Service {
        let (environment, url) = (String::new(), String::new());
        Service { name: name.to_owned(), environment, version: None, status, latency_ms, url }
    }

    #[test]
    fn a_service_is_known_by_its_last_looks_only() {
        let mut history = History::default();
        for millis in 0..2 * KEPT as u64 {
            history.keep(&[service("shop", ServiceStatus::Healthy, Some(millis))]);
        }
        let track = history.of(&service("shop", ServiceStatus::Unknown, None)).expect("seen");
        assert_eq!(track.latencies(usize::MAX).count(), KEPT);
        assert_eq!(track.latencies(2).collect::<Vec<_>>(), [Some(478), Some(479)]);
        assert_eq!((track.latency(50), track.latency(99)), (Some(359), Some(477)));
    }

    #[test]
    fn uptime_counts_what_was_found_out_and_nothing_else() {
        let mut history = History::default();
        let looks = [ServiceStatus::Unknown, ServiceStatus::Healthy, ServiceStatus::Unhealthy, ServiceStatus::Healthy];
        for status in looks {
            history.keep(&[service("shop", status, None)]);
        }
        let shop = service("shop", ServiceStatus::Unknown, None);
        assert_eq!(history.of(&shop).expect("seen").uptime(), "66.6%");
        history.keep(&[service("mail", ServiceStatus::Unknown, None)]);
        assert_eq!(history.of(&shop), None, "a service taken out of the workspace is forgotten");
        assert_eq!(history.of(&service("mail", ServiceStatus::Unknown, None)).expect("seen").uptime(), "n/a");
    }
}
