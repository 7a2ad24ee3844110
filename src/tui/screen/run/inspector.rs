//! Everything a stage carries: config, inputs, output, error and attempts, each as a folding tree that can be searched;
//! two attempts beside each other; and what differs from the run before.

mod draw;

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use crate::model::{LogLine, LogWindow, Run, RunId, Stage, StageId, Timestamp};
use crate::tui::action::Action;
use crate::tui::backend::{Papers, Request};
use crate::tui::screen::{Intent, Tone};
use crate::tui::widget::compare::{self, Row, Side};
use crate::tui::widget::diff::{self, Line};
use crate::tui::widget::tree::{Step, Tree};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Config,
    Inputs,
    Output,
    Error,
    Attempts,
    Changes,
}

/// The last is there only in a rerun.
const TABS: [(Tab, &str); 6] = [
    (Tab::Config, "config"),
    (Tab::Inputs, "inputs"),
    (Tab::Output, "output"),
    (Tab::Error, "error"),
    (Tab::Attempts, "attempts"),
    (Tab::Changes, "changes"),
];

/// Rows above the tree.
const HEAD: u16 = 2;
/// Lines of each log that a comparison shows.
const TAIL: u64 = 6;

/// What the inspector looks at; none of it is its own.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub run: &'a Run,
    pub stage: &'a Stage,
    pub papers: Option<&'a Papers>,
    /// The moment shown: nothing later is.
    pub now: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Inspector {
    stage: StageId,
    tab: Tab,
    tree: Tree,
    /// What is searched for, and the number of the match the cursor went to.
    search: Option<(Regex, Option<(usize, usize)>)>,
    /// The attempt that the last one is compared with; the one before it when not chosen.
    earlier: Option<u32>,
    /// The last lines of attempts, as far as they were asked for.
    tails: HashMap<u32, Option<Vec<LogLine>>>,
    /// First row and cursor of what is no tree.
    top: usize,
    cursor: usize,
}

impl Inspector {
    /// Opens on what matters: the error of a stage that failed, the output of one that ended, else the config.
    pub fn of(stage: &Stage) -> Self {
        let tab = if stage.error.is_some() {
            Tab::Error
        } else if stage.status.is_final() {
            Tab::Output
        } else {
            Tab::Config
        };
        Self {
            stage: stage.id.clone(),
            tab,
            tree: Tree::default(),
            search: None,
            earlier: None,
            tails: HashMap::new(),
            top: 0,
            cursor: 0,
        }
    }

    /// Turns to a stage; true when it is another one than before.
    pub fn look_at(&mut self, stage: &Stage) -> bool {
        let other = self.stage != stage.id;
        if other {
            *self = Self { tab: self.tab, search: self.search.take(), ..Self::of(stage) };
        }
        other
    }

    fn value(&self, of: Subject<'_>) -> Value {
        let stage = of.stage;
        match self.tab {
            Tab::Config => stage.attempts.last().map_or(Value::Null, |attempt| attempt.config.clone()),
            Tab::Inputs => of.run.inputs.clone(),
            Tab::Output => stage.output.clone(),
            Tab::Error => stage.error.as_ref().map_or(Value::Null, |error| serde_json::to_value(error).unwrap_or_default()),
            Tab::Attempts => serde_json::to_value(&stage.attempts).unwrap_or_default(),
            Tab::Changes => Value::Null,
        }
    }

    /// True while two attempts are beside each other: they want all the room there is.
    pub fn is_comparing(&self, stage: &Stage) -> bool {
        self.tab == Tab::Attempts && stage.attempts.len() > 1
    }

    /// The two attempts being compared.
    fn sides(&self, of: Subject<'_>) -> Option<(Side, Side)> {
        let attempts = &of.stage.attempts;
        let last = attempts.last()?;
        let chosen = attempts.iter().find(|attempt| Some(attempt.number) == self.earlier && attempt.number != last.number);
        let left = chosen.or(attempts.len().checked_sub(2).and_then(|at| attempts.get(at)))?;
        let side = |attempt: &crate::model::Attempt| {
            let tail = self.tails.get(&attempt.number).and_then(Option::as_deref).unwrap_or_default();
            let written: Vec<LogLine> = tail.iter().filter(|line| line.at <= of.now).cloned().collect();
            Side::new(of.stage, attempt, &written, of.now)
        };
        Some((side(left), side(last)))
    }

    /// What is different from the run that this one was made from; `None` until that is known.
    fn changes(of: Subject<'_>) -> Option<Vec<Line>> {
        let papers = of.papers?;
        let origin = papers.origin.as_ref()?;
        let headed = |title: String, lines: Vec<Line>| {
            let heading = (!lines.is_empty()).then(|| Line::heading(title));
            heading.into_iter().chain(lines)
        };
        let inputs = headed(format!("inputs, since {}", origin.run), diff::values(&origin.inputs, &of.run.inputs));
        let document = headed(format!("pipeline, since {}", origin.run), diff::texts(&origin.text, &papers.pinned.text));
        Some(inputs.chain(document).collect())
    }

    fn tabs(of: Subject<'_>) -> &'static [(Tab, &'static str)] {
        if of.run.rerun_of.is_some() { &TABS } else { &TABS[..TABS.len() - 1] }
    }

    pub fn act(&mut self, action: Action, of: Subject<'_>) -> Vec<Intent> {
        match action {
            Action::TabNext => self.turn(1, of),
            Action::TabPrevious => self.turn(Self::tabs(of).len() - 1, of),
            Action::CompareEarlier | Action::CompareLater => self.choose(of, action == Action::CompareLater),
            _ if self.is_comparing(of.stage) || self.tab == Tab::Changes => return self.act_on_rows(action, of),
            Action::FindNext => return self.go_on(of, Step::Next),
            Action::FindPrevious => return self.go_on(of, Step::Previous),
            Action::TreeDown => self.tree.step(1),
            Action::TreeUp => self.tree.step(-1),
            Action::TreePageDown => self.tree.step(10),
            Action::TreePageUp => self.tree.step(-10),
            Action::Fold => self.tree.fold(&self.value(of)),
            Action::FoldAll => self.tree.fold_all(),
            Action::CopyValue | Action::CopyPath => {
                let value = self.value(of);
                let row = self.tree.current(&value);
                return row.map(|row| copied(action, &row.path, row.value)).into_iter().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    /// Keys where there is no tree: rows to go through.
    fn act_on_rows(&mut self, action: Action, of: Subject<'_>) -> Vec<Intent> {
        let by = match action {
            Action::TreeDown => 1,
            Action::TreeUp => -1,
            Action::TreePageDown => 10,
            Action::TreePageUp => -10,
            Action::CopyValue | Action::CopyPath => {
                let rows = self.sides(of).map(|(left, right)| compare::rows(&left, &right)).unwrap_or_default();
                let Some(Row::Pair(pair)) = rows.get(self.cursor) else { return Vec::new() };
                let value = pair.right.as_ref().or(pair.left.as_ref()).cloned().unwrap_or_default();
                let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
                return vec![copied(action, &pair.path, &value)];
            }
            _ => return Vec::new(),
        };
        self.cursor = self.cursor.saturating_add_signed(by);
        Vec::new()
    }

    fn turn(&mut self, by: usize, of: Subject<'_>) {
        let tabs = Self::tabs(of);
        let at = tabs.iter().position(|(tab, _)| *tab == self.tab).unwrap_or(0);
        self.tab = tabs[(at + by) % tabs.len()].0;
        self.tree = Tree::default();
        (self.top, self.cursor) = (0, 0);
        if let Some((_, place)) = &mut self.search {
            *place = None;
        }
    }

    /// Compares with another attempt than the last.
    fn choose(&mut self, of: Subject<'_>, later: bool) {
        let Some((left, _)) = self.sides(of) else { return };
        let numbers: Vec<u32> = of.stage.attempts.iter().map(|attempt| attempt.number).collect();
        let at = numbers.iter().position(|number| *number == left.number).unwrap_or(0);
        let at = if later { (at + 1).min(numbers.len().saturating_sub(2)) } else { at.saturating_sub(1) };
        self.earlier = numbers.get(at).copied();
    }

    /// What was searched for last.
    pub fn pattern(&self) -> &str {
        self.search.as_ref().map_or("", |(pattern, _)| pattern.as_str())
    }

    /// Drops a search; false when there was none.
    pub fn drop_search(&mut self) -> bool {
        self.search.take().is_some()
    }

    /// Searches keys and values; small letters mean both.
    pub fn find(&mut self, pattern: &str, of: Subject<'_>) -> Vec<Intent> {
        let pattern = if pattern.chars().any(char::is_uppercase) { pattern.to_owned() } else { format!("(?i){pattern}") };
        self.search = Regex::new(&pattern).ok().filter(|_| pattern != "(?i)").map(|regex| (regex, None));
        if self.search.is_some() { self.go_on(of, Step::First) } else { Vec::new() }
    }

    fn go_on(&mut self, of: Subject<'_>, step: Step) -> Vec<Intent> {
        let value = self.value(of);
        let Some((pattern, place)) = &mut self.search else { return Intent::say(Tone::Plain, "nothing is searched for: /") };
        *place = self.tree.find(&value, pattern, step);
        if place.is_none() { Intent::say(Tone::Plain, "no match here") } else { Vec::new() }
    }

    /// Keeps cursor and scroll inside; asks for what is to be shown and not known.
    pub fn fit(&mut self, of: Subject<'_>, height: u16) -> Vec<Intent> {
        let height = height.saturating_sub(HEAD);
        if self.tab == Tab::Changes {
            let rows = Self::changes(of).map_or(0, |lines| lines.len());
            self.keep_inside(rows, height);
            return Vec::new();
        }
        if !self.is_comparing(of.stage) {
            self.tree.fit(&self.value(of), height);
            return Vec::new();
        }
        let Some((left, right)) = self.sides(of) else { return Vec::new() };
        // A row may take two lines, and the titles take up to two.
        self.keep_inside(compare::rows(&left, &right).len(), (height / 2).saturating_sub(1));
        let wanted = [left.number, right.number].into_iter().filter(|number| !self.tails.contains_key(number));
        let wanted: Vec<u32> = wanted.collect();
        self.tails.extend(wanted.iter().map(|number| (*number, None)));
        let (run, stage) = (&of.run.id, &of.stage.id);
        let ask = |attempt| Request::LogTail { run: run.clone(), stage: stage.clone(), attempt, lines: TAIL };
        wanted.into_iter().map(|attempt| Intent::Ask(ask(attempt))).collect()
    }

    fn keep_inside(&mut self, rows: usize, height: u16) {
        let height = usize::from(height.max(1));
        self.cursor = self.cursor.min(rows.saturating_sub(1));
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(height));
    }

    /// Takes the last lines of an attempt's log.
    pub fn take_tail(&mut self, window: LogWindow) {
        if window.stage == self.stage {
            self.tails.insert(window.attempt, Some(window.lines));
        }
    }
}

/// The run that does the stage's work.
fn child(stage: &Stage) -> Option<&RunId> {
    stage.attempts.iter().rev().find_map(|attempt| attempt.child.as_ref())
}

fn copied(action: Action, path: &str, value: &Value) -> Intent {
    if action == Action::CopyPath {
        return Intent::Copy { text: path.to_owned(), what: format!("the path {path}") };
    }
    let text = value.as_str().map_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default(), str::to_owned);
    Intent::Copy { text, what: if path.is_empty() { "the value".to_owned() } else { path.to_owned() } }
}
