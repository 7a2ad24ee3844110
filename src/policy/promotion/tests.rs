use std::time::Duration;

use super::{Candidate, Missing, can_promote};
use crate::model::{Environment, Release, ReleaseVerdict, Standing, Stop, Timestamp};
use crate::policy::scene::released;

fn staged() -> Release {
    let mut release = released(10, "1.0");
    release.record.environment = "staging".to_owned();
    release
}

/// What is missing at `now` for a release that was verified at 10 and must bake for 100 ms, after a change of the candidate.
fn missing(release: &Release, now: i64, change: impl FnOnce(&mut Candidate<'_>)) -> Vec<String> {
    let from = Environment { bake: Duration::from_millis(100), ..Environment::open("staging") };
    let standing = Standing::default();
    let artefacts = staged().record.artefacts;
    let mut candidate = Candidate {
        from: &from,
        there: Some(release),
        version: "1.0",
        artefacts: &artefacts,
        smoke_tested_at: Some(Timestamp(12)),
        healthy_since: Some(Timestamp(5)),
        standing: &standing,
    };
    change(&mut candidate);
    can_promote(&candidate, Timestamp(now)).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn a_release_that_is_deployed_tested_and_baked_may_go_on() {
    assert_eq!(missing(&staged(), 110, |_| ()), [""; 0]);
    assert_eq!(missing(&staged(), 109, |_| ()), ["it must stay healthy in staging for 1 s more"]);
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let all = missing(&Release { verdict: ReleaseVerdict::Bad, ..staged() }, 110, |candidate| {
        candidate.smoke_tested_at = Some(Timestamp(9));
        candidate.healthy_since = None;
    });
    assert_eq!(all, ["it was found bad in staging", "it was not smoke-tested in staging", "it is not healthy in staging"]);
}

#[test]
fn other_artefacts_under_the_same_version_are_another_release() {
    let mut other = staged();
    other.record.artefacts.insert("api.tar".to_owned(), "sha-other".to_owned());
    assert_eq!(missing(&other, 110, |_| ()), ["it is not deployed to staging"]);
    assert_eq!(missing(&staged(), 110, |candidate| candidate.there = None), ["it is not deployed to staging"]);
    let deploying = Release { verdict: ReleaseVerdict::Deploying, ..staged() };
    assert_eq!(missing(&deploying, 110, |_| ()), ["it is not deployed to staging"]);
}

#[test]
fn health_counts_from_the_last_trouble() {
    let ill = |candidate: &mut Candidate<'_>| candidate.healthy_since = Some(Timestamp(50));
    assert_eq!(missing(&staged(), 149, ill), ["it must stay healthy in staging for 1 s more"]);
    assert_eq!(missing(&staged(), 150, ill), [""; 0]);
}

#[test]
fn what_is_in_quarantine_there_is_not_promoted() {
    let mut standing = Standing::default();
    let stop = Stop { by: "olaf".to_owned(), at: Timestamp(0), reason: "cve".to_owned() };
    standing.quarantined.insert("sha-1.0".to_owned(), stop);
    let release = staged();
    let candidate = Candidate {
        from: &Environment::open("staging"),
        there: Some(&release),
        version: "1.0",
        artefacts: &release.record.artefacts,
        smoke_tested_at: Some(Timestamp(12)),
        healthy_since: Some(Timestamp(5)),
        standing: &standing,
    };
    assert_eq!(can_promote(&candidate, Timestamp(110)), Err(vec![Missing::Quarantined { artefact: "api.tar".to_owned() }]));
}
