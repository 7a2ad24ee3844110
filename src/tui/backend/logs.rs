//! The backend's answers about logs: windows, scans, finds and copies, each in a task that a newer question ends.

use std::io::Write;
use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Reply;
use super::engine::failed;
use crate::client::{Client, ClientError};
use crate::model::{LogName, LogStart, LogView, RunId, ScanQuery, ViewLine, ViewQuery, ViewWindow};
use crate::tui::clipboard;
use crate::tui::culprit::{CANDIDATE, Culprit};

/// Lines that one request of a copy asks for.
const COPIED: u64 = 10_000;
/// Lines that one request for what went wrong asks for, and bytes of each.
const CANDIDATES: u64 = 200;
const JUDGED: usize = 1024;
/// All bytes of a line.
const WHOLE: usize = usize::MAX;

/// A task that ends with its owner, or when another takes its place.
#[derive(Default)]
struct Task(Option<JoinHandle<()>>);

impl Task {
    fn replace(&mut self, task: Option<JoinHandle<()>>) {
        if let Some(old) = std::mem::replace(&mut self.0, task) {
            old.abort();
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.replace(None);
    }
}

pub(super) struct Logs {
    client: Client,
    replies: mpsc::Sender<Reply>,
    copies: PathBuf,
    lines: Task,
    scan: Task,
    find: Task,
    copy: Task,
}

impl Logs {
    pub fn new(client: Client, replies: mpsc::Sender<Reply>, copies: PathBuf) -> Self {
        let (lines, scan, find, copy) = (Task::default(), Task::default(), Task::default(), Task::default());
        Self { client, replies, copies, lines, scan, find, copy }
    }

    pub fn lines(&mut self, run: RunId, query: Box<ViewQuery>) {
        let task = self.task("read the log", |client| async move {
            let window = client.lines(&run, &query).await?;
            Ok(Reply::Lines { run, query, window })
        });
        self.lines.replace(Some(task));
    }

    pub fn find(&mut self, run: RunId, query: Box<ViewQuery>) {
        let task = self.task("search", |client| async move {
            let line = find(&client, &run, &query).await?;
            Ok(Reply::Found { run, query, line })
        });
        self.find.replace(Some(task));
    }

    pub fn culprit(&mut self, run: RunId, log: LogName) {
        let task = self.task("look for the error", |client| async move { culprit(&client, run, log).await });
        self.find.replace(Some(task));
    }

    pub fn copy(&mut self, run: RunId, view: LogView, from: u64, to: u64) {
        let dir = self.copies.clone();
        let task = self.task("copy", move |client| async move { copy(&client, &run, view, (from, to), dir).await });
        self.copy.replace(Some(task));
    }

    pub fn scan(&mut self, run: RunId, query: Box<ScanQuery>) {
        let (client, replies) = (self.client.clone(), self.replies.clone());
        self.scan.replace(Some(tokio::spawn(async move {
            let mut pieces = client.scan(&run, &query);
            while let Some(piece) = pieces.recv().await {
                let reply = match piece {
                    Ok(piece) => Reply::Scanned { run: run.clone(), query: query.clone(), piece },
                    Err(error) => failed("search", &error),
                };
                let _ = replies.send(reply).await;
            }
        })));
    }

    pub fn stop(&mut self) {
        self.scan.replace(None);
        self.find.replace(None);
    }

    fn task<F>(&self, what: &'static str, work: impl FnOnce(Client) -> F) -> JoinHandle<()>
    where
        F: Future<Output = Result<Reply, ClientError>> + Send + 'static,
    {
        let (work, replies) = (work(self.client.clone()), self.replies.clone());
        tokio::spawn(async move {
            let reply = work.await.unwrap_or_else(|error| failed(what, &error));
            let _ = replies.send(reply).await;
        })
    }
}

/// Goes from window to window until there is a match, at the end once round.
async fn find(client: &Client, run: &RunId, query: &ViewQuery) -> Result<Option<u64>, ClientError> {
    let mut around = false;
    let mut next = query.clone();
    loop {
        let window = client.lines(run, &next).await?;
        if let Some(line) = window.lines.first() {
            return Ok(Some(line.number));
        }
        next.from = match (is_over(&window, query.backwards), around) {
            (false, _) => LogStart::Place(if query.backwards { window.from } else { window.to }),
            (true, true) => return Ok(None),
            (true, false) => {
                around = true;
                if query.backwards { LogStart::End } else { LogStart::Line(0) }
            }
        };
    }
}

/// Goes through all lines that may speak of an error, until one surely does.
async fn culprit(client: &Client, run: RunId, log: LogName) -> Result<Reply, ClientError> {
    let view = LogView { log: Some(log.clone()), ..LogView::default() };
    let (mut found, mut next) = (Culprit::default(), LogStart::Line(0));
    loop {
        let matching = Some(CANDIDATE.to_owned());
        let query = ViewQuery { view: view.clone(), matching, from: next, backwards: false, count: CANDIDATES, clip: JUDGED };
        let window = client.lines(&run, &query).await?;
        found.look_at(&window.lines);
        if found.is_certain() || is_over(&window, false) {
            return Ok(Reply::Culprit { run, log, line: found.line(), total: window.total });
        }
        next = LogStart::Place(window.to);
    }
}

/// Nothing comes after this window in its direction.
fn is_over(window: &ViewWindow, backwards: bool) -> bool {
    window.from == window.to || if backwards { window.from.line() == 0 } else { window.to.line() >= window.total }
}

async fn copy(client: &Client, run: &RunId, view: LogView, (from, to): (u64, u64), dir: PathBuf) -> Result<Reply, ClientError> {
    let mut text = Gathered::new(dir);
    let mut next = LogStart::Line(from);
    loop {
        let query = ViewQuery { view: view.clone(), matching: None, from: next, backwards: false, count: COPIED, clip: WHOLE };
        let window = client.lines(run, &query).await?;
        let over = is_over(&window, false) || window.to.line() > to;
        for line in window.lines.iter().filter(|line| line.number <= to) {
            text.push(line).map_err(|error| ClientError::Nonsense(format!("the text cannot be kept: {error}")))?;
        }
        next = LogStart::Place(window.to);
        if over {
            return text.finish().map_err(|error| ClientError::Nonsense(format!("the text cannot be kept: {error}")));
        }
    }
}

/// Text on its way to a clipboard; from some length on it goes to a file.
struct Gathered {
    dir: PathBuf,
    text: String,
    file: Option<(std::fs::File, PathBuf)>,
    last: Option<ViewLine>,
    /// Lines and bytes.
    size: (u64, u64),
}

impl Gathered {
    fn new(dir: PathBuf) -> Self {
        Self { dir, text: String::new(), file: None, last: None, size: (0, 0) }
    }

    fn push(&mut self, line: &ViewLine) -> std::io::Result<()> {
        // The parts of a long line belong together.
        let part_of = |last: &ViewLine| {
            let log = |line: &ViewLine| line.of.as_ref().map(|(stage, _)| stage.clone());
            last.partial && last.stream == line.stream && log(last) == log(line)
        };
        let continues = self.last.as_ref().is_some_and(part_of);
        if self.last.is_some() && !continues {
            self.text.push('\n');
        }
        self.text.push_str(&line.text);
        self.size.0 += u64::from(!continues);
        self.last = Some(ViewLine { text: String::new(), ..line.clone() });
        if self.text.len() > clipboard::MOST_IN_MEMORY { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some((file, _)) => file,
            none => &mut none.insert(clipboard::create(&self.dir)?).0,
        };
        file.write_all(self.text.as_bytes())?;
        self.size.1 += self.text.len() as u64;
        self.text.clear();
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<Reply> {
        if self.file.is_some() {
            self.spill()?;
        }
        let (lines, bytes) = self.size;
        Ok(match self.file {
            Some((_, path)) => Reply::Saved { path: path.display().to_string(), lines, bytes },
            None => Reply::Copied { text: self.text, lines },
        })
    }
}
