//! A small world for the tests of policy: one protected environment, some people, one subject.

use std::collections::{BTreeMap, BTreeSet};

use super::gate::{Refused, Request};
use super::quorum::Deciders;
use super::start::{Facts, Start};
use super::subject;
use crate::model::{
    Access, Answer, Environment, Excluded, Gate, GateEvent, GateFact, Grant, Involvement, Lock, LockEvent, Opening, People,
    Person, Quorum, Release, ReleaseEvent, ReleaseFact, ReleaseRecord, Role, Rule, Subject, SubjectKind, Timestamp,
};

pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Somebody whose uid follows from the name.
pub fn person(name: &str, groups: &[&str]) -> Person {
    let uid = name.bytes().fold(1000, |uid: u32, byte| uid.wrapping_mul(31).wrapping_add(u32::from(byte)));
    Person { name: name.to_owned(), uid: Some(uid), groups: set(groups), service: false }
}

pub fn rule(group: &str, min: u32) -> Rule {
    Rule { name: group.to_owned(), people: People { users: set(&[]), groups: set(&[group]) }, min }
}

/// Production, where `rules` decide.
pub fn production(rules: Vec<Rule>) -> Environment {
    Environment { protected: true, rules, ..Environment::open("production") }
}

/// A deployment of `api` to an environment with one rule.
pub fn subject() -> Subject {
    subject_for(&production(vec![rule("release", 1)]))
}

pub fn subject_for(environment: &Environment) -> Subject {
    Subject {
        environment: environment.name.clone(),
        service: Some("api".to_owned()),
        kind: SubjectKind::Deploy,
        run: "run".into(),
        stage: "ship".into(),
        pipeline_digest: "p1".to_owned(),
        artefacts: BTreeMap::from([("api.tar".to_owned(), "a1".to_owned())]),
        inputs_hash: "i1".to_owned(),
        upstream: BTreeMap::from([("build".into(), "o1".to_owned())]),
        live_release: Some("r1".into()),
        policy_hash: subject::policy_hash(environment),
    }
}

/// A gate for a deployment to an environment, opened at 0 and requested by `starter`.
pub fn gate(environment: &Environment) -> Gate {
    Gate::opened(&opened(environment)).expect("opens")
}

fn opened(environment: &Environment) -> GateEvent {
    let excluded = vec![Excluded { name: "starter".to_owned(), uid: person("starter", &[]).uid, part: Involvement::StartedRun }];
    let opening = super::gate::opening(subject_for(environment), environment, Vec::new(), excluded, Quorum::Rules, Timestamp(0));
    GateFact::Opened { opening: Box::new(opening), requested_by: "starter".to_owned() }.of(&"gate".into(), Timestamp(0))
}

/// A gate and what it depends on; every event goes through the fold.
#[derive(Clone)]
pub struct World {
    pub environment: Environment,
    pub access: Access,
    /// What would start now.
    pub subject: Subject,
    pub excluded: Vec<Excluded>,
    pub people: Vec<Person>,
    pub lock: Lock,
    pub gate: Gate,
    pub log: Vec<GateEvent>,
}

impl World {
    pub fn new(environment: Environment) -> Self {
        let grant = |role, users: &[&str], groups: &[&str]| Grant {
            role,
            people: People { users: set(users), groups: set(groups) },
            environments: None,
        };
        let grants = vec![
            grant(Role::Approver, &[], &["release", "security"]),
            grant(Role::Deployer, &[], &["ops"]),
            grant(Role::Admin, &["root"], &[]),
        ];
        let gate = gate(&environment);
        let opened = opened(&environment);
        Self {
            access: Access { grants },
            subject: gate.subject.clone(),
            excluded: gate.excluded.clone(),
            people: vec![person("dana", &["release"]), person("emil", &["release"])],
            lock: Lock::default(),
            log: vec![opened],
            environment,
            gate,
        }
    }

    pub fn deciders(&self) -> Deciders<'_> {
        Deciders { environment: &self.environment, access: Some(&self.access), engine_uid: 0 }
    }

    /// A request as somebody would send it who has just looked.
    pub fn request(&self, answer: Answer) -> Request {
        let digest = self.gate.digest.clone();
        Request { gate: self.gate.id.clone(), generation: self.gate.generation, digest, answer, reason: "seen".to_owned() }
    }

    pub fn approve(&mut self, person: &Person, now: i64) -> Result<Vec<GateEvent>, Refused> {
        self.answer(Answer::Approve, person, now)
    }

    pub fn answer(&mut self, answer: Answer, person: &Person, now: i64) -> Result<Vec<GateEvent>, Refused> {
        self.decide(&self.request(answer), person, now)
    }

    pub fn decide(&mut self, request: &Request, person: &Person, now: i64) -> Result<Vec<GateEvent>, Refused> {
        let result = super::gate::decide(&self.gate, &self.deciders(), request, person, Timestamp(now));
        let events = match &result {
            Ok(events) => events.clone(),
            Err(refused) => refused.events.clone(),
        };
        self.record(&events);
        result
    }

    pub fn record(&mut self, events: &[GateEvent]) {
        events.iter().for_each(|event| self.gate.apply(event));
        self.log.extend_from_slice(events);
    }

    /// Gives the lock to the gate's run.
    pub fn acquire(&mut self) {
        self.lock.apply(&LockEvent::Acquired { run: self.gate.subject.run.clone(), fence: 1, at: Timestamp(0) });
    }

    pub fn exclude(&mut self, person: &Person) {
        self.excluded.push(Excluded { name: person.name.clone(), uid: person.uid, part: Involvement::ChangedInputs });
    }

    /// What a generation would begin with now.
    pub fn opening(&self, now: i64) -> Opening {
        let subject = Subject { policy_hash: subject::policy_hash(&self.environment), ..self.subject.clone() };
        super::gate::opening(subject, &self.environment, Vec::new(), self.excluded.clone(), Quorum::Rules, Timestamp(now))
    }

    pub fn facts<'a>(&'a self, opening: &'a Opening, now: i64) -> Facts<'a> {
        let deciders = self.deciders();
        Facts { opening, deciders, people: &self.people, lock: &self.lock, against: &[], bypass: None, now: Timestamp(now) }
    }

    /// Tries to start, and records what follows.
    pub fn start(&mut self, now: i64) -> Start {
        let opening = self.opening(now);
        let start = super::start::start(&self.gate, &self.facts(&opening, now));
        match &start {
            Start::Go { event, .. } | Start::Renew { event } => self.record(std::slice::from_ref(event)),
            Start::Refuse(refused) => self.record(&refused.events),
            Start::Wait { .. } => {}
        }
        start
    }
}

/// A release of `api` in production whose run was created at `at`, and which has been stable since then.
pub fn released(at: i64, version: &str) -> Release {
    let record = ReleaseRecord {
        id: format!("release-{at}").as_str().into(),
        environment: "production".to_owned(),
        service: "api".to_owned(),
        version: version.to_owned(),
        kind: SubjectKind::Deploy,
        artefacts: BTreeMap::from([("api.tar".to_owned(), format!("sha-{version}"))]),
        pipeline_hash: "p1".to_owned(),
        inputs: serde_json::Value::Null,
        run: format!("run-{at}").as_str().into(),
        stage: "ship".into(),
        run_created_at: Timestamp(at),
        by: "ada".to_owned(),
        bake: std::time::Duration::ZERO,
        back: None,
    };
    let id = record.id.clone();
    let event = |fact| ReleaseEvent { release: id.clone(), at: Timestamp(at), fact };
    let mut release = Release::created(&event(ReleaseFact::Created(Box::new(record)))).expect("creates");
    release.apply(&event(ReleaseFact::Verified));
    release.apply(&event(ReleaseFact::Stable));
    release
}
