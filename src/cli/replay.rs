//! `flowdeck runs replay`: a run that has ended, once more: in the console, or as sentences.

use std::io::IsTerminal;
use std::time::Duration;

use super::{Context, Handoff, exit, plain};
use crate::client::{Client, ClientError};
use crate::model::{Event, RunId, Timestamp};

/// How the console plays it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    pub speed: f64,
    pub from: From,
}

/// Where a replay begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum From {
    Start,
    /// Milliseconds after the run's creation.
    After(i64),
    At(Timestamp),
}

impl From {
    fn moment(self, created: Timestamp) -> Timestamp {
        match self {
            Self::Start => created,
            Self::After(millis) => Timestamp(created.0.saturating_add(millis)),
            Self::At(at) => at,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  flowdeck runs replay last                       in the console, ten times as fast as it was
  flowdeck runs replay last --speed 60 --from 5m  from five minutes after its start
  flowdeck runs replay last --plain               what happened when, without waiting";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// An id, a unique part of one, or `last`
    #[arg(value_parser = super::runs::named)]
    id: String,
    /// How many times as fast as it was [default: 10; with --plain it does not wait]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    speed: Option<f64>,
    /// Begin here: a time since the start, such as `90s`, or a point in time, such as `2026-11-21T10:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<From>,
    /// As append-only lines with the time since the start
    #[arg(long)]
    plain: bool,
}

fn speed(text: &str) -> Result<f64, &'static str> {
    let speed = text.trim_end_matches('x').parse::<f64>().ok();
    speed.filter(|speed| (0.01..=100_000.0).contains(speed)).ok_or("a number from 0.01 to 100000")
}

fn from(text: &str) -> Result<From, String> {
    if let Ok(after) = crate::config::duration(text) {
        return Ok(From::After(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)));
    }
    let at = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    at.map(From::At)
        .map_err(|_| "a time since the start, such as `90s`, or a point in time, such as `2026-11-21T10:00:00Z`".to_owned())
}

pub async fn run(args: Args, json: bool, context: &Context, client: &Client) -> Result<Handoff, ClientError> {
    let run = client.run(&args.id).await?;
    if !run.status.is_final() {
        errln!("error: run {} is {}; only a run that has ended can be replayed", run.id, run.status);
        errln!("help: `flowdeck runs logs {} --follow` follows it", run.id);
        return Ok(Handoff::Exit(exit::USAGE));
    }
    let from = args.from.unwrap_or(From::Start);
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !args.plain && !json {
        let replay = Replay { speed: args.speed.unwrap_or(10.0), from };
        return Ok(Handoff::Console { context: Box::new(context.clone()), run: Some(run.id), replay: Some(replay) });
    }
    let moment = from.moment(run.created_at);
    if json {
        document(client, &run.id, moment).await?;
    } else {
        tell(client, &run.id, args.speed, moment).await?;
    }
    Ok(Handoff::Exit(exit::SUCCESS))
}

/// The events as one document, written while they are read.
async fn document(client: &Client, id: &RunId, from: Timestamp) -> Result<(), ClientError> {
    outln!("{{\"id\": {}, \"events\": [", serde_json::json!(id));
    let mut comma = ' ';
    let mut pages = Pages { client, id, after: 0 };
    while let Some(events) = pages.next().await? {
        for event in events.iter().filter(|event| event.at >= from) {
            outln!("{comma}{}", serde_json::json!(event));
            comma = ',';
        }
    }
    outln!("]}}");
    Ok(())
}

/// The sentences of the run; with a speed, at their time.
async fn tell(client: &Client, id: &RunId, speed: Option<f64>, from: Timestamp) -> Result<(), ClientError> {
    let mut teller = plain::Teller::new(id);
    let mut pages = Pages { client, id, after: 0 };
    let mut last = from;
    while let Some(events) = pages.next().await? {
        for event in &events {
            if let Some(speed) = speed.filter(|_| event.at > last) {
                tokio::time::sleep(Duration::from_secs_f64(event.at.since(last).as_secs_f64() / speed)).await;
            }
            last = last.max(event.at);
            teller.tell(event, event.at >= from).await;
        }
    }
    teller.finish().await;
    Ok(())
}

/// A run's events, a page at a time.
struct Pages<'a> {
    client: &'a Client,
    id: &'a RunId,
    after: u64,
}

impl Pages<'_> {
    async fn next(&mut self) -> Result<Option<Vec<Event>>, ClientError> {
        let events = self.client.journal(self.id, self.after).await?;
        let last = events.last().map(|event| event.seq);
        self.after = last.unwrap_or(self.after);
        Ok(last.map(|_| events))
    }
}
