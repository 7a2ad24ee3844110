//! The system under the laws: two runs that want to change one environment, some people, a clock that jumps.

use std::time::Duration;

use proptest::test_runner::TestCaseError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::book::{Book, FROZEN, GROUPS, Now, Rules};
use super::{HOUR, Move};
use crate::model::{
    Access, Answer, Environment, Excluded, Freeze, Gate, GateEvent, GateFact, Grant, Involvement, Lock, LockEvent, Opening,
    People, Person, Quorum, Role, Standing, StandingEvent, Stop, Subject, Timestamp,
};
use crate::policy::gate::{self, Request};
use crate::policy::lock::{Acquire, acquire, release};
use crate::policy::quorum::Deciders;
use crate::policy::scene::{person, production, rule, set, subject_for};
use crate::policy::start::{Facts, Start, start};
use crate::policy::{standing, subject};

/// Rules that the environment changes between: one person in two groups is not enough for any but the first.
const RULES: [Rules; 3] = [[1, 0], [1, 1], [2, 1]];
const ARTEFACTS: [&str; 2] = ["a1", "a2"];

struct Run {
    subject: Subject,
    /// People, by place, who had a part in it.
    apart: Vec<usize>,
    gate: Gate,
    log: Vec<GateEvent>,
}

pub struct Town {
    now: i64,
    rules: usize,
    environment: Environment,
    access: Access,
    people: Vec<Person>,
    runs: [Run; 2],
    made: usize,
    lock: Lock,
    lock_log: Vec<LockEvent>,
    standing: Standing,
    standing_log: Vec<StandingEvent>,
    sent: Vec<(usize, Request)>,
    book: Book,
    pub started: usize,
    pub held_back: usize,
}

impl Town {
    pub fn new() -> Self {
        let environment = environment(0);
        let groups: [&[&str]; 5] = [&GROUPS, &GROUPS, &["release"], &["security"], &GROUPS];
        let people: Vec<Person> = groups.iter().enumerate().map(|(n, groups)| person(&format!("p{n}"), groups)).collect();
        let approvers = People { users: set(&[]), groups: set(&GROUPS) };
        let access = Access { grants: vec![Grant { role: Role::Approver, people: approvers, environments: None }] };
        let runs = [0, 1].map(|n| Run::new(n, n, &environment, &people, 17 * HOUR));
        Self {
            now: 17 * HOUR,
            rules: 0,
            environment,
            access,
            people,
            runs,
            made: 2,
            lock: Lock::default(),
            lock_log: Vec::new(),
            standing: Standing::default(),
            standing_log: Vec::new(),
            sent: Vec::new(),
            book: Book::default(),
            started: 0,
            held_back: 0,
        }
    }

    pub fn make(&mut self, one: Move) -> Result<(), TestCaseError> {
        match one {
            Move::Approve { gate, person } => self.look_and_decide(gate, person, Answer::Approve),
            Move::Reject { gate, person } => self.look_and_decide(gate, person, Answer::Reject),
            Move::Replay { person, pick } => {
                if let Some((gate, request)) = self.sent.get(pick % self.sent.len().max(1)).cloned() {
                    self.decide(gate, person, &request);
                }
            }
            Move::TakeLock { gate } => return self.take_lock(gate),
            Move::GiveLock { gate } => return self.give_lock(gate),
            Move::Start { gate } => return self.start(gate),
            Move::ChangeSubject { gate, field } => self.runs[gate].change(field),
            Move::ChangeRules => self.change_rules(),
            Move::ChangeGroup { person, group } => {
                let groups = &mut self.people[person].groups;
                if !groups.remove(GROUPS[group]) {
                    groups.insert(GROUPS[group].to_owned());
                }
            }
            Move::BecomeService { person } => self.people[person].service ^= true,
            Move::Clock { by } => self.now += by,
            Move::Hold { on } => {
                self.book.held = on;
                let stop = self.stop();
                self.stand(if on { StandingEvent::Held(stop) } else { StandingEvent::HoldLifted(stop) });
            }
            Move::Quarantine { artefact, on } => self.quarantine(ARTEFACTS[artefact].to_owned(), on),
            Move::Restart => self.restart(),
            Move::Renew { gate } => return self.renew(gate),
        }
        Ok(())
    }

    fn look_and_decide(&mut self, at: usize, person: usize, answer: Answer) {
        let gate = &self.runs[at].gate;
        let (digest, generation) = (gate.digest[..12].to_owned(), gate.generation);
        let request = Request { gate: gate.id.clone(), generation, digest, answer, reason: "seen".to_owned() };
        self.sent.push((at, request.clone()));
        self.decide(at, person, &request);
    }

    fn decide(&mut self, at: usize, person: usize, request: &Request) {
        let deciders = Deciders { environment: &self.environment, access: Some(&self.access), engine_uid: 0 };
        let (run, person) = (&mut self.runs[at], &self.people[person]);
        let result = gate::decide(&run.gate, &deciders, request, person, Timestamp(self.now));
        // What a person looks at is what the gate shows, which may be behind what would start.
        let shown = run.gate.subject.clone();
        match result {
            Ok(events) => {
                match request.answer {
                    Answer::Approve => self.book.yes(&run.gate.id, &shown, RULES[self.rules], person, events[0].at.0),
                    Answer::Reject | Answer::Withdraw => self.book.veto(&run.gate.id),
                }
                run.record(&events);
            }
            Err(refused) => run.record(&refused.events),
        }
    }

    fn take_lock(&mut self, at: usize) -> Result<(), TestCaseError> {
        let run = self.runs[at].subject.run.clone();
        match acquire(&self.lock, &run, Timestamp(self.now)) {
            Acquire::Held { fence, event } => {
                self.lock_events(event.into_iter().collect());
                self.book.took_lock(&run, fence)
            }
            Acquire::Waiting { event, .. } => {
                self.lock_events(event.into_iter().collect());
                Ok(())
            }
        }
    }

    fn give_lock(&mut self, at: usize) -> Result<(), TestCaseError> {
        let run = self.runs[at].subject.run.clone();
        // A run that was never told believes in the token it has seen last: any.
        let fence = self.lock.fence;
        let Ok(events) = release(&self.lock, &run, fence, Timestamp(self.now)) else {
            return Ok(());
        };
        self.book.gave_lock(&run);
        for event in &events {
            if let LockEvent::Acquired { run, fence, .. } = event {
                self.book.took_lock(run, *fence)?;
            }
        }
        self.lock_events(events);
        Ok(())
    }

    fn start(&mut self, at: usize) -> Result<(), TestCaseError> {
        let run = &self.runs[at];
        let subject = Subject { policy_hash: subject::policy_hash(&self.environment), ..run.subject.clone() };
        let opening = run.opening(subject.clone(), &self.environment, &self.people, self.now);
        let against = standing::against(&self.standing, &subject, true);
        let facts = Facts {
            opening: &opening,
            deciders: Deciders { environment: &self.environment, access: Some(&self.access), engine_uid: 0 },
            people: &self.people,
            lock: &self.lock,
            against: &against,
            bypass: None,
            now: Timestamp(self.now),
        };
        let verdict = start(&run.gate, &facts);
        let run = &mut self.runs[at];
        match verdict {
            Start::Go { fence, event } => {
                let rules = RULES[self.rules];
                let now = Now { subject: &subject, rules, people: &self.people, apart: &run.apart, at: event.at.0 };
                self.book.start(&run.gate.id, fence, &now)?;
                self.started += 1;
                run.record(&[event]);
            }
            Start::Renew { event } => run.record(&[event]),
            Start::Refuse(refused) => run.record(&refused.events),
            Start::Wait { .. } => self.held_back += 1,
        }
        Ok(())
    }

    fn change_rules(&mut self) {
        self.rules = (self.rules + 1) % RULES.len();
        self.environment = environment(self.rules);
    }

    fn stop(&self) -> Stop {
        Stop { by: "p0".to_owned(), at: Timestamp(self.now), reason: "because".to_owned() }
    }

    fn quarantine(&mut self, digest: String, on: bool) {
        let stop = self.stop();
        if on {
            self.book.quarantined.insert(digest.clone());
            self.stand(StandingEvent::Quarantined { digest, stop });
        } else {
            self.book.quarantined.remove(&digest);
            self.stand(StandingEvent::QuarantineLifted { digest, stop });
        }
    }

    fn stand(&mut self, event: StandingEvent) {
        self.standing.apply(&event);
        self.standing_log.push(event);
    }

    fn lock_events(&mut self, events: Vec<LockEvent>) {
        events.iter().for_each(|event| self.lock.apply(event));
        self.lock_log.extend(events);
    }

    /// Everything that is not in the records is forgotten.
    fn restart(&mut self) {
        self.lock = Lock::default();
        reread(&self.lock_log).iter().for_each(|event| self.lock.apply(event));
        self.standing = Standing::default();
        reread(&self.standing_log).iter().for_each(|event| self.standing.apply(event));
        for run in &mut self.runs {
            let log: Vec<GateEvent> = reread(&run.log);
            run.gate = Gate::opened(&log[0]).expect("a log begins with its opening");
            log[1..].iter().for_each(|event| run.gate.apply(event));
        }
    }

    fn renew(&mut self, at: usize) -> Result<(), TestCaseError> {
        if self.runs[at].gate.status.is_open() {
            return Ok(());
        }
        self.give_lock(at)?;
        self.runs[at] = Run::new(self.made, at, &self.environment, &self.people, self.now);
        self.made += 1;
        Ok(())
    }
}

impl Run {
    fn new(n: usize, starter: usize, environment: &Environment, people: &[Person], now: i64) -> Self {
        let subject = Subject { run: format!("run-{n}").as_str().into(), ..subject_for(environment) };
        let opening = opening(subject.clone(), environment, &[starter], people, now);
        let fact = GateFact::Opened { opening: Box::new(opening), requested_by: people[starter].name.clone() };
        let opened = fact.of(&format!("gate-{n}").as_str().into(), Timestamp(now));
        Self { subject, apart: vec![starter], gate: Gate::opened(&opened).expect("opens"), log: vec![opened] }
    }

    fn opening(&self, subject: Subject, environment: &Environment, people: &[Person], now: i64) -> Opening {
        opening(subject, environment, &self.apart, people, now)
    }

    fn record(&mut self, events: &[GateEvent]) {
        events.iter().for_each(|event| self.gate.apply(event));
        self.log.extend_from_slice(events);
    }

    /// Changes what would start, back and forth. Who changes the inputs has a part in it.
    fn change(&mut self, field: usize) {
        let subject = &mut self.subject;
        let other = |text: &str, one: &str, two: &str| if text == one { two.to_owned() } else { one.to_owned() };
        match field {
            0 => subject.pipeline_digest = other(&subject.pipeline_digest, "p1", "p2"),
            1 => {
                let digest = other(&subject.artefacts["api.tar"], ARTEFACTS[0], ARTEFACTS[1]);
                subject.artefacts.insert("api.tar".to_owned(), digest);
            }
            2 => subject.live_release = Some(if subject.live_release == Some("r1".into()) { "r2".into() } else { "r1".into() }),
            _ => {
                subject.inputs_hash = other(&subject.inputs_hash, "i1", "i2");
                self.apart.push(2);
            }
        }
    }
}

fn opening(subject: Subject, environment: &Environment, apart: &[usize], people: &[Person], now: i64) -> Opening {
    let excluded = apart.iter().map(|at| &people[*at]);
    let excluded = excluded
        .map(|person| Excluded { name: person.name.clone(), uid: person.uid, part: Involvement::StartedRun })
        .collect::<Vec<_>>();
    gate::opening(subject, environment, Vec::new(), excluded, Quorum::Rules, Timestamp(now))
}

fn environment(rules: usize) -> Environment {
    let needs = GROUPS.iter().zip(RULES[rules]).filter(|(_, min)| *min > 0);
    let rules = needs.map(|(group, min)| rule(group, min)).collect();
    let freeze = Freeze {
        cron: format!("0 {FROZEN} * * *"),
        duration: Duration::from_secs(3600),
        timezone: "UTC".to_owned(),
        reason: "evening".to_owned(),
    };
    Environment { freeze: vec![freeze], ..production(rules) }
}

fn reread<T: Serialize + DeserializeOwned>(log: &[T]) -> Vec<T> {
    let text = serde_json::to_string(log).expect("serializes");
    serde_json::from_str(&text).expect("reads back")
}
