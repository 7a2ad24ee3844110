//! Screen 3: one run. The graph above, the log of the selected stage below, the inspector on demand.

mod ask;
mod bar;
mod draw;
mod gate;
mod heading;
mod inspector;
mod log;
mod replay;
mod share;
mod triage;
mod view;

use ratatui::layout::Rect;

use super::{Intent, Tone};
use crate::model::{Attempt, Run, RunId, Stage, StageId, Timestamp};
use crate::tui::action::Action;
use crate::tui::backend::{Papers, Request};
use crate::tui::glyph::Charset;
use crate::tui::layout::Step;
use crate::tui::widget::dag::Dag;
use crate::tui::widget::log::LogPane;
use crate::tui::world::World;
use inspector::{Inspector, Subject};
pub use replay::{From, Opening};
use replay::{Player, Reading, shown};
use share::Share;
use triage::Hunt;

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    Graph,
    Log,
    Inspector,
}

#[derive(Debug, Clone)]
pub struct RunScreen {
    pub id: RunId,
    pub run: Option<Box<Run>>,
    pub dag: Dag,
    pub log: LogPane,
    inspector: Option<Inspector>,
    /// A stage with everything it carries, asked for when the inspector or a stage without a log shows it.
    detail: Option<Box<Stage>>,
    /// The stage and the number of its attempts that `detail` was last asked for without an inspector.
    asked: Option<(StageId, usize)>,
    focus: Focus,
    /// An attempt other than the last, chosen by the user for this stage.
    attempt: Option<(StageId, u32)>,
    cancel_at: Option<Timestamp>,
    /// The log pane shows all stages in the order of time.
    merged: bool,
    /// Set while the run is played again: what is shown then is the run at that moment.
    player: Option<Box<Player>>,
    reading: Option<Reading>,
    /// The line that says what went wrong, on its way.
    hunt: Option<Hunt>,
    /// The stage that was shown last for its failure.
    blamed: Option<StageId>,
    /// It is on record as what deployed something.
    deployed: bool,
    /// What the papers of the run were asked for.
    meant: Option<Action>,
    papers: Option<Box<Papers>>,
    asked_papers: bool,
    parts: Parts,
    share: Share,
}

/// Where the panes are. Made anew whenever size or content change; painting only reads it.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    heading: Rect,
    /// Where a replay is.
    bar: Rect,
    graph: Rect,
    /// Rows the graph could have had.
    most: u16,
    title: Rect,
    error: Rect,
    log: Rect,
    inspector: Rect,
}

/// The key that stands for a value too large to travel with its run.
const OMITTED: &str = "$omitted";

/// From this width on the inspector stands beside the log.
const SIDE_BY_SIDE: u16 = 110;

impl RunScreen {
    pub fn new(id: RunId, charset: Charset) -> Self {
        Self {
            id,
            run: None,
            dag: Dag::new(),
            log: LogPane::new(charset),
            inspector: None,
            detail: None,
            asked: None,
            focus: Focus::Graph,
            attempt: None,
            cancel_at: None,
            merged: false,
            player: None,
            reading: None,
            hunt: None,
            blamed: None,
            deployed: false,
            meant: None,
            papers: None,
            asked_papers: false,
            parts: Parts::default(),
            share: Share::default(),
        }
    }

    /// The run on screen.
    fn shown(&self) -> Option<&Run> {
        shown(&self.run, &self.player)
    }

    /// The moment on screen.
    fn now(&self, world: &World) -> Timestamp {
        self.player.as_ref().map_or(world.now, |player| player.time())
    }

    /// The stage being looked at; with its full detail when that has come.
    fn stage(&self) -> Option<&Stage> {
        self.shown()?.stages.get_index(self.dag.selected()).map(|(_, stage)| stage)
    }

    fn act_on_graph(&mut self, action: Action) -> Vec<Intent> {
        let Some(run) = shown(&self.run, &self.player) else { return Vec::new() };
        match action {
            Action::WalkLeft => self.dag.walk(Step::Left, run),
            Action::WalkRight => self.dag.walk(Step::Right, run),
            Action::WalkUp => self.dag.walk(Step::Up, run),
            Action::WalkDown => self.dag.walk(Step::Down, run),
            Action::FirstStage => self.dag.select(0),
            Action::LastStage => self.dag.select(self.dag.last()),
            Action::InstanceNext | Action::InstancePrevious => {
                let found = self.dag.turn_instance(run, action == Action::InstancePrevious);
                return say_if_not(found, "there is no other instance that way");
            }
            Action::Unfold => return say_if_not(self.dag.unfold(run), "this stage does not run in a loop"),
            Action::NextFailed | Action::PreviousFailed => {
                let found = self.dag.next_to_see(run, action == Action::PreviousFailed);
                return if found { self.hunt() } else { Intent::say(Tone::Plain, "no stage has failed or waits for a person") };
            }
            Action::FollowRunning => self.dag.follow(run),
            Action::FocusLog => self.focus = Focus::Log,
            _ => {}
        }
        Vec::new()
    }

    /// The attempt whose log is shown: the one chosen, else the last.
    fn attempt<'s>(&self, stage: &'s Stage) -> Option<&'s Attempt> {
        let chosen = self.attempt.as_ref().filter(|(id, _)| *id == stage.id).map(|(_, number)| *number);
        stage.attempts.iter().find(|attempt| Some(attempt.number) == chosen).or(stage.attempts.last())
    }

    /// The run that does the work of the attempt being looked at.
    fn child(&self) -> Option<&RunId> {
        self.attempt(self.stage()?)?.child.as_ref()
    }

    fn open_below(&self) -> Vec<Intent> {
        match self.child() {
            Some(child) => vec![Intent::OpenRun(child.clone())],
            None => Intent::say(Tone::Plain, "no other run does this stage's work"),
        }
    }

    fn turn_attempt(&mut self, by: isize) -> Vec<Intent> {
        let Some(stage) = self.stage() else { return Vec::new() };
        let shown = self.attempt(stage).map(|attempt| attempt.number);
        let at = stage.attempts.iter().position(|attempt| Some(attempt.number) == shown);
        let next = at.and_then(|at| stage.attempts.get(at.checked_add_signed(by)?));
        let Some(next) = next else { return Intent::say(Tone::Plain, "there is no other attempt that way") };
        self.attempt = Some((stage.id.clone(), next.number));
        Vec::new()
    }

    fn act_on_inspector(&mut self, action: Action, world: &World) -> Vec<Intent> {
        self.with_inspector(world.now, |inspector, subject| inspector.act(action, subject)).unwrap_or_default()
    }

    /// Lets the inspector look at what it is about.
    fn with_inspector<T>(&mut self, now: Timestamp, work: impl FnOnce(&mut Inspector, Subject<'_>) -> T) -> Option<T> {
        let mut inspector = self.inspector.take()?;
        let done = self.subject(now).map(|subject| work(&mut inspector, subject));
        self.inspector = Some(inspector);
        done
    }

    /// What the inspector is about.
    fn subject(&self, now: Timestamp) -> Option<Subject<'_>> {
        let now = self.player.as_ref().map_or(now, |player| player.time());
        Some(Subject { run: self.shown()?, stage: self.inspected()?, papers: self.papers.as_deref(), now })
    }

    /// Searches in the inspector's tree.
    pub fn find(&mut self, pattern: &str) -> Vec<Intent> {
        self.with_inspector(Timestamp(0), |inspector, subject| inspector.find(pattern, subject)).unwrap_or_default()
    }

    fn toggle_inspector(&mut self) -> Vec<Intent> {
        if self.inspector.take().is_some() {
            self.focus = if self.focus == Focus::Inspector { Focus::Graph } else { self.focus };
            return Vec::new();
        }
        let Some(stage) = self.stage() else { return Vec::new() };
        let ask = Intent::Ask(Request::StageDetail(self.id.clone(), stage.id.clone()));
        self.inspector = Some(Inspector::of(stage));
        self.focus = Focus::Inspector;
        vec![ask]
    }

    fn focus_next(&mut self) {
        self.focus = match (self.focus, self.inspector.is_some()) {
            (Focus::Graph, _) => Focus::Log,
            (Focus::Log, true) => Focus::Inspector,
            (Focus::Log, false) | (Focus::Inspector, _) => Focus::Graph,
        };
        if self.focus == Focus::Log && self.parts.log.height == 0 && self.inspector.is_some() {
            self.focus = Focus::Inspector;
        }
    }

    fn changed(&mut self, world: &World) -> Vec<Intent> {
        let Some(run) = shown(&self.run, &self.player) else { return Vec::new() };
        self.dag.update(run, world.look.charset).map(|job| Intent::LayOut(Box::new(job))).into_iter().collect()
    }

    /// Asks for the detail of the stage now selected, and keeps the tree inside its pane.
    fn fit_inspector(&mut self, now: Timestamp) -> Vec<Intent> {
        let height = self.parts.inspector.height;
        let of_origin = self.shown().is_some_and(|run| run.rerun_of.is_some()) && self.papers.is_none() && !self.asked_papers;
        let fitted = self.with_inspector(now, |inspector, subject| {
            let asks = inspector.look_at(subject.stage);
            let detail = Request::StageDetail(subject.run.id.clone(), subject.stage.id.clone());
            let papers = Request::Papers(subject.run.id.clone());
            let asked = asks.then_some(detail).into_iter().chain(of_origin.then_some(papers)).map(Intent::Ask);
            asked.chain(inspector.fit(subject, height)).collect::<Vec<_>>()
        });
        self.asked_papers |= of_origin && fitted.is_some();
        fitted.unwrap_or_default()
    }

    /// A stage without a log shows its result there; one that did not travel with the run is asked for, once.
    fn fit_result(&mut self) -> Option<Intent> {
        let stage = self.inspected()?;
        if !stage.status.is_final() || !self.log.is_empty() || stage.output.get(OMITTED).is_none() {
            return None;
        }
        let wanted = (stage.id.clone(), stage.attempts.len());
        if self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        let ask = Intent::Ask(Request::StageDetail(self.id.clone(), wanted.0.clone()));
        self.asked = Some(wanted);
        Some(ask)
    }

    /// What the inspector shows: the detail while it is as new as the fold, else the fold.
    fn inspected(&self) -> Option<&Stage> {
        let stage = self.stage()?;
        let fresh = |detail: &&Stage| {
            let state = |of: &Stage| (of.status, of.attempts.len(), of.finished_at);
            detail.id == stage.id && state(detail) == state(stage)
        };
        self.detail.as_deref().filter(fresh).or(Some(stage))
    }

    /// True while a replay moves on.
    fn is_playing(&self) -> bool {
        self.player.as_ref().is_some_and(|player| player.is_playing())
    }

    /// True while the run is going on, or a replay.
    fn is_going(&self) -> bool {
        if self.player.is_some() {
            return self.is_playing();
        }
        self.run.as_ref().is_some_and(|run| run.started_at.is_some() && !run.status.is_final())
    }
}

fn say_if_not(found: bool, words: &str) -> Vec<Intent> {
    if found { Vec::new() } else { Intent::say(Tone::Plain, words) }
}

/// What there is to show beside graph and log.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    bar: bool,
    error: bool,
    inspector: bool,
    /// The inspector takes the place of the log.
    wide: bool,
    /// Rows that the log needs, where the graph may have the others.
    log: Option<u16>,
}

fn parts(area: Rect, dag: &Dag, Wanted { bar, error, inspector, wide, log }: Wanted) -> Parts {
    let rows = |y: u16, height: u16| {
        let y = y.min(area.height);
        Rect { y: area.y + y, height: height.min(area.height - y), ..area }
    };
    let bar = u16::from(bar);
    let air = u16::from(area.height >= 30) + bar;
    let body = area.height.saturating_sub(2 + air);
    let most = (body * 9 / 20).max(1);
    let left = log.map_or(0, |log| body.saturating_sub(log));
    let graph = dag.rows(area.width, most, most.max(left));
    let title = rows(1 + air + graph, 1);
    let below = rows(2 + air + graph, body);
    let graph = rows(1 + air, graph);
    let mut parts = Parts { heading: rows(0, 1), bar: rows(1, bar), graph, most, title, ..Parts::default() };
    if inspector && (wide || area.width < SIDE_BY_SIDE) {
        parts.inspector = below;
        return parts;
    }
    let side = if inspector { area.width * 2 / 5 } else { 0 };
    let left = Rect { width: area.width - side, ..below };
    let error = u16::from(error && left.height > 2);
    parts.inspector = Rect { x: area.x + left.width, width: side, ..below };
    parts.error = Rect { height: error, ..left };
    parts.log = Rect { y: left.y + error, height: left.height - error, ..left };
    parts
}
