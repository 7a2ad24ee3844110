//! The process that a rollout is: reads its plan from standard input, tells what it does on standard output, and leaves the
//! result in `$FLOWDECK_OUTPUT`.
//!
//! Told to end (TERM), it moves traffic back first. Must not decide anything: that is the machine's.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::machine::{Act, Input, Machine, Move};
use super::perform;
use super::plan::Plan;
use super::reading::Reading;
use crate::model::Timestamp;
use crate::operators::program::say_bytes;
use crate::operators::{Egress, Http};

/// Ends of moves and measurements that may wait to be looked at.
const QUEUE: usize = 64;

/// Does a rollout to its end. Exit code 0 when its result was written, whatever it is.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("the rollout cannot go on: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    // The plan may hold secrets, and an error of its reader some of the plan.
    let plan: Plan = serde_json::from_str(&text).map_err(|_| "the plan on standard input cannot be read")?;
    drop(text);
    let egress = plan.allow.as_ref().map_or_else(|| Ok(Egress::default()), |rules| Egress::only(rules))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(roll_out(plan, Http::new(egress)));
    // What still measures is of no interest any more.
    runtime.shutdown_background();
    done
}

async fn roll_out(plan: Plan, http: Http) -> Result<(), Box<dyn std::error::Error>> {
    let clock = Clock::start();
    let mut told_to_end = signal(SignalKind::terminate())?;
    let mut machine = Machine::new(plan.course.clone());
    let world = World { plan: Arc::new(plan), http, ends: mpsc::channel(QUEUE) };
    let World { plan, http, ends: (done, mut ends) } = world;
    let mut acts = machine.handle(Input::Begin, clock.now());
    loop {
        for act in acts {
            match act {
                Act::Say(line) => say(&line),
                Act::Save => save(&machine)?,
                Act::Move(to) => begin_move(to, &plan, &http, &done),
                Act::Measure { step, check } => begin_measurement(step, check, &plan, &http, &done),
            }
        }
        if machine.is_over() {
            return Ok(());
        }
        let due = machine.due();
        let input = tokio::select! {
            biased;
            _ = told_to_end.recv() => Input::Stop,
            Some(input) = ends.recv() => input,
            () = clock.sleep_until(due.unwrap_or_default()), if due.is_some() => Input::Time,
        };
        acts = machine.handle(input, clock.now());
    }
}

struct World {
    plan: Arc<Plan>,
    http: Http,
    ends: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
}

fn begin_move(to: Move, plan: &Arc<Plan>, http: &Http, done: &mpsc::Sender<Input>) {
    let (plan, http, done) = (Arc::clone(plan), http.clone(), done.clone());
    tokio::spawn(async move {
        let action = match to {
            Move::Step(step) => plan.steps.get(step).map(|step| &step.set),
            Move::Back => Some(&plan.back),
        };
        let result = match action {
            Some(action) => perform::act(action, &http).await,
            None => Err("the plan has no such step".to_owned()),
        };
        // Nobody waits for it once the rollout is over.
        let _ = done.send(Input::Moved(result)).await;
    });
}

fn begin_measurement(step: usize, check: usize, plan: &Arc<Plan>, http: &Http, done: &mpsc::Sender<Input>) {
    let (plan, http, done) = (Arc::clone(plan), http.clone(), done.clone());
    tokio::spawn(async move {
        let probe = plan.steps.get(step).and_then(|step| step.probes.get(check));
        let reading = match (probe, plan.course.checks.get(check)) {
            (Some(probe), Some(limits)) => Reading::of(limits, perform::measure(probe, &http).await, &plan.names),
            _ => Reading::failed("the plan has no such check"),
        };
        let _ = done.send(Input::Measured { step, check, reading }).await;
    });
}

/// Appends what has been reached to the stage's output; later lines go over earlier ones. Measurements only in the last one:
/// the file is bounded, and steps may be many.
fn save(machine: &Machine) -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = std::env::var_os("FLOWDECK_OUTPUT") else { return Ok(()) };
    let mut reached = machine.record().to_json();
    if let Some(fields) = reached.as_object_mut().filter(|_| !machine.is_over()) {
        fields.remove("analysis");
    }
    let line = format!("{reached}\n");
    OpenOptions::new().append(true).create(true).open(path)?.write_all(line.as_bytes())?;
    Ok(())
}

fn say(line: &str) {
    say_bytes(format!("{line}\n").as_bytes());
}

/// Points in time that no change of the system's clock moves.
#[derive(Debug, Clone, Copy)]
struct Clock {
    began: Instant,
    at: Timestamp,
}

impl Clock {
    fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), at: Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)) }
    }

    fn now(&self) -> Timestamp {
        self.at.after(self.began.elapsed())
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.now())).await;
    }
}
