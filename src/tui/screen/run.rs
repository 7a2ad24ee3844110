//! Screen 3: one run. The graph above, the log of the selected stage below, the inspector on demand.

mod ask;
mod draw;
mod inspector;
mod log;

use ratatui::layout::Rect;

use super::{Intent, Tone, View};
use crate::model::{Attempt, EventKind, Run, RunId, Stage, StageId, StageStatus, Timestamp};
use crate::tui::action::{Action, Context};
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::layout::Step;
use crate::tui::popup::Purpose;
use crate::tui::widget::dag::{Dag, Picture};
use crate::tui::widget::log::LogPane;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;
use inspector::Inspector;

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
    parts: Parts,
}

/// Where the panes are. Made anew whenever size or content change; painting only reads it.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    heading: Rect,
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
            parts: Parts::default(),
        }
    }

    /// The stage being looked at; with its full detail when that has come.
    fn stage(&self) -> Option<&Stage> {
        self.run.as_ref()?.stages.get_index(self.dag.selected()).map(|(_, stage)| stage)
    }

    fn act_on_graph(&mut self, action: Action) -> Vec<Intent> {
        let Some(run) = self.run.as_deref() else { return Vec::new() };
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
                return say_if_not(self.dag.next_failed(run, action == Action::PreviousFailed), "no stage has failed");
            }
            Action::FollowRunning => self.dag.following = true,
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

    fn act_on_inspector(&mut self, action: Action) -> Vec<Intent> {
        let (Some(run), Some(stage)) = (self.run.as_deref(), self.inspected()) else { return Vec::new() };
        let (run, stage) = (run.inputs.clone(), stage.clone());
        self.inspector.as_mut().map_or_else(Vec::new, |inspector| inspector.act(action, &run, &stage))
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
        if self.focus == Focus::Log && self.parts.log.height == 0 {
            self.focus = Focus::Inspector;
        }
    }

    fn changed(&mut self, world: &World) -> Vec<Intent> {
        let Some(run) = self.run.as_deref() else { return Vec::new() };
        self.dag.update(run, world.look.charset).map(|job| Intent::LayOut(Box::new(job))).into_iter().collect()
    }

    /// Asks for the detail of the stage now selected, and keeps the tree inside its pane.
    fn fit_inspector(&mut self) -> Option<Intent> {
        self.inspector.as_ref()?;
        let stage = self.stage()?.clone();
        let inputs = self.run.as_ref()?.inputs.clone();
        let detailed = self.inspected().cloned();
        let inspector = self.inspector.as_mut()?;
        let asks = inspector.look_at(&stage.id);
        inspector.fit(&inputs, detailed.as_ref().unwrap_or(&stage), self.parts.inspector.height);
        asks.then(|| Intent::Ask(Request::StageDetail(self.id.clone(), stage.id)))
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
            detail.id == stage.id && detail.status == stage.status && detail.attempts.len() == stage.attempts.len()
        };
        self.detail.as_deref().filter(fresh).or(Some(stage))
    }

    /// True while the run is going on.
    fn is_going(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.started_at.is_some() && !run.status.is_final())
    }
}

impl View for RunScreen {
    fn open(world: &World) -> Result<Self, &'static str> {
        let newest = || world.runs.as_ref()?.first().map(|run| &run.id);
        let run = world.last_run.as_ref().or(world.selected_run.as_ref()).or_else(newest).ok_or("there is no run yet")?;
        Ok(Self::new(run.clone(), world.look.charset))
    }

    fn run_id(&self) -> Option<&RunId> {
        Some(&self.id)
    }

    fn focus(&self) -> Option<Context> {
        Some(match self.focus {
            Focus::Graph => Context::Graph,
            Focus::Log => Context::Log,
            Focus::Inspector => Context::Inspector,
        })
    }

    fn act(&mut self, action: Action, world: &mut World) -> Vec<Intent> {
        match action {
            Action::Inspect => return self.toggle_inspector(),
            Action::FocusNext => self.focus_next(),
            Action::CriticalPath => self.dag.toggle_critical(),
            Action::Zoom => self.dag.cycle_zoom(self.parts.graph.width, self.parts.most),
            Action::OpenBelow => return self.open_below(),
            Action::Cancel | Action::Rerun | Action::EditInputs | Action::Resolve => return self.order(action, world),
            Action::Search | Action::Keep | Action::Leave => return self.ask_for_pattern(action),
            Action::Merge => return self.toggle_merged(),
            _ => {
                return match self.focus {
                    Focus::Graph => self.act_on_graph(action),
                    Focus::Log => self.act_on_log(action),
                    Focus::Inspector => self.act_on_inspector(action),
                };
            }
        }
        Vec::new()
    }

    /// Whether this key would do something now.
    fn is_of_use(&self, action: Action) -> bool {
        let Some(run) = self.run.as_deref() else { return true };
        match action {
            Action::Cancel => !run.status.is_final(),
            Action::Rerun | Action::EditInputs => run.status.is_final(),
            Action::NextFailed => run.stages.values().any(|stage| stage.status.is_failure()),
            Action::OpenBelow => self.child().is_some(),
            Action::Resolve => self.stage().is_some_and(|stage| stage.status == StageStatus::Unknown),
            Action::NextHit => self.log.search.is_some(),
            _ => true,
        }
    }

    /// Drops a selection, a search, a filter or the other stages, closes the inspector, goes back to the graph: one step at a time.
    fn back(&mut self, _world: &mut World) -> Option<Vec<Intent>> {
        if self.focus == Focus::Log && self.back_in_log() {
            return Some(self.after_change());
        }
        if self.focus == Focus::Inspector || self.focus == Focus::Graph && self.inspector.is_some() {
            self.inspector = None;
            self.focus = Focus::Graph;
            return Some(Vec::new());
        }
        (self.focus == Focus::Log).then(|| {
            self.focus = Focus::Graph;
            Vec::new()
        })
    }

    fn typed(&mut self, purpose: Purpose, text: &str, accepted: bool, _world: &mut World) -> Vec<Intent> {
        if accepted && purpose != Purpose::Filter { self.take_pattern(purpose, text) } else { Vec::new() }
    }

    fn hear(&mut self, reply: Reply, world: &World) -> Vec<Intent> {
        match reply {
            Reply::RunSnapshot(run) if run.id == self.id => {
                self.run = Some(run);
                self.changed(world)
            }
            Reply::RunEvent(event) if event.run == self.id => {
                let ends = matches!(event.kind, EventKind::RunFinished { .. });
                if let EventKind::AttemptFinished { stage, attempt, .. } = &event.kind
                    && (self.merged || self.log.source() == Some((stage, *attempt)))
                {
                    self.log.may_have_grown();
                }
                if let EventKind::CancelRequested { .. } = event.kind {
                    self.cancel_at = Some(event.at);
                }
                match &mut self.run {
                    Some(run) => run.apply(&event),
                    None => self.run = Run::created(&event).map(Box::new),
                }
                let mut intents = self.changed(world);
                intents.extend(ends.then_some(Intent::Bell));
                intents
            }
            Reply::StageDetail { run, stage } if run == self.id => {
                self.detail = Some(stage);
                Vec::new()
            }
            Reply::Failed { .. } => {
                self.log.failed();
                Vec::new()
            }
            Reply::Connected(_) => {
                self.log.retry();
                vec![Intent::Ask(Request::Follow(self.id.clone()))]
            }
            reply => self.hear_of_log(reply),
        }
    }

    fn take_picture(&mut self, picture: Box<Picture>) {
        self.dag.accept(picture);
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        self.paint(paint, area, world);
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        let Some(run) = self.run.as_deref() else { return Vec::new() };
        let stage = run.stages.get_index(self.dag.selected()).map(|(_, stage)| stage);
        let subject = self.subject(run, stage);
        self.log.show(subject);
        let error = !self.merged && stage.is_some_and(|stage| stage.error.is_some());
        self.parts = parts(area, &self.dag, error, self.inspector.is_some());
        self.dag.fit(self.parts.graph, self.parts.most, run, world.now);
        self.log.fit(self.parts.log.width, self.parts.log.height);
        let mut intents = self.ask_for_log();
        intents.extend(self.fit_inspector());
        intents.extend(self.fit_result());
        intents
    }

    fn show_stage(&mut self, stage: &StageId) -> Vec<Intent> {
        if let Some(at) = self.run.as_ref().and_then(|run| run.stages.get_index_of(stage)) {
            self.dag.select(at);
        }
        Vec::new()
    }

    fn is_ticking(&self, _world: &World) -> bool {
        self.is_going()
    }

    /// Scrolls the log, whatever has the focus.
    fn wheel(&mut self, lines: i64) -> bool {
        self.log.step(lines);
        true
    }
}

fn say_if_not(found: bool, words: &str) -> Vec<Intent> {
    if found { Vec::new() } else { Intent::say(Tone::Plain, words) }
}

fn parts(area: Rect, dag: &Dag, error: bool, inspector: bool) -> Parts {
    let rows = |y: u16, height: u16| {
        let y = y.min(area.height);
        Rect { y: area.y + y, height: height.min(area.height - y), ..area }
    };
    let air = u16::from(area.height >= 30);
    let body = area.height.saturating_sub(2 + air);
    let most = (body * 9 / 20).max(1);
    let graph = dag.rows(area.width, most);
    let title = rows(1 + air + graph, 1);
    let below = rows(2 + air + graph, body);
    let mut parts = Parts { heading: rows(0, 1), graph: rows(1 + air, graph), most, title, ..Parts::default() };
    if inspector && area.width < SIDE_BY_SIDE {
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
