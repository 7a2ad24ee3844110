//! The screens. Each is one file with its state, what keys do to it and how it is painted; a new one is a file, a
//! line in the table here and the action that opens it.

pub mod approvals;
pub mod audit;
pub mod coming;
pub mod deployments;
pub mod health;
pub mod metrics;
pub mod overview;
pub mod run;
pub mod runs;
pub mod table;

use std::time::Duration;

use ratatui::layout::Rect;

use super::action::{Action, Context};
use super::backend::{Reply, Request};
use super::message::LayoutJob;
use super::popup::{Popup, Purpose, edit::check::Job};
use super::theme::Role;
use super::widget::dag::Picture;
use super::widget::paint::Paint;
use super::world::World;
use crate::model::{RunId, StageId};

/// What a screen can be asked. What it has no answer of its own for means nothing to it.
pub trait View {
    /// Opens the screen on what was looked at last.
    ///
    /// # Errors
    /// Says why there is nothing to show.
    fn open(world: &World) -> Result<Self, &'static str>
    where
        Self: Sized;

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World);

    /// Where keys are looked up before the contexts of the whole screen: the pane that has them, a mode.
    fn focus(&self) -> Vec<Context> {
        Vec::new()
    }

    fn act(&mut self, _action: Action, _world: &mut World) -> Vec<Intent> {
        Vec::new()
    }

    /// Whether this key would do something now.
    fn is_of_use(&self, _action: Action) -> bool {
        true
    }

    /// What the bottom line names before anything else.
    fn offers_first(&self, _world: &World) -> Option<Action> {
        None
    }

    /// Backs out one step inside the screen; `None` when there was nothing to back out of.
    fn back(&mut self, _world: &mut World) -> Option<Vec<Intent>> {
        None
    }

    /// Takes text from a prompt: while typing, or when it was accepted.
    fn typed(&mut self, _purpose: Purpose, _text: &str, _accepted: bool, _world: &mut World) -> Vec<Intent> {
        Vec::new()
    }

    /// Takes news that `World` does not keep for everybody.
    fn hear(&mut self, _reply: Reply, _world: &World) -> Vec<Intent> {
        Vec::new()
    }

    /// The list of runs was read anew.
    fn listed(&mut self) -> Vec<Intent> {
        Vec::new()
    }

    fn take_picture(&mut self, _picture: Box<Picture>) {}

    /// Scrolls with the wheel by this many lines; false where rows are selected instead.
    fn wheel(&mut self, _lines: i64) -> bool {
        false
    }

    /// Makes scroll and selection consistent with the size and the data; asks for what is missing.
    fn fit(&mut self, _area: Rect, _world: &mut World) -> Vec<Intent> {
        Vec::new()
    }

    /// How often what is on screen changes by the passing of time alone; `None`, and no message comes, while it does not.
    fn tick(&self, _world: &World) -> Option<Duration> {
        None
    }

    /// Selects a stage, where there are some.
    fn show_stage(&mut self, _stage: &StageId) -> Vec<Intent> {
        Vec::new()
    }

    /// The run the screen is about: it is followed while the screen is on top.
    fn run_id(&self) -> Option<&RunId> {
        None
    }
}

/// A screen as the top line knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tab {
    pub number: usize,
    pub title: &'static str,
    /// The action that opens it.
    pub action: Action,
}

macro_rules! screens {
    ($($variant:ident($view:ty) $number:literal $title:literal $action:ident [$($context:ident),*];)*) => {
        /// The screen being looked at.
        #[derive(Debug, Clone)]
        pub enum Screen { $($variant(Box<$view>)),* }

        /// The screens there are, by number.
        pub const TABS: &[Tab] = &[$(Tab { number: $number, title: $title, action: Action::$action }),*];

        impl Screen {
            /// The screen that this action opens, if it opens one.
            pub fn opened_by(action: Action, world: &World) -> Option<Result<Self, &'static str>> {
                match action {
                    $(Action::$action => Some(<$view>::open(world).map(|view| Self::$variant(Box::new(view)))),)*
                    _ => None,
                }
            }

            /// The number in the top line.
            pub fn number(&self) -> usize {
                match self { $(Self::$variant(_) => $number),* }
            }

            fn own_contexts(&self) -> &'static [Context] {
                match self { $(Self::$variant(_) => &[$(Context::$context),*]),* }
            }

            pub fn view(&self) -> &dyn View {
                match self { $(Self::$variant(view) => &**view),* }
            }

            pub fn view_mut(&mut self) -> &mut dyn View {
                match self { $(Self::$variant(view) => &mut **view),* }
            }
        }
    };
}

screens! {
    Overview(overview::Overview) 1 "Overview" GoOverview [List];
    Runs(runs::Runs) 2 "Runs" GoRuns [Runs, List];
    Run(run::RunScreen) 3 "Run" GoRun [Run];
    Deployments(deployments::Deployments) 4 "Deployments" GoDeployments [Deployments, List];
    Approvals(approvals::Approvals) 5 "Approvals" GoApprovals [Approvals, List];
    Health(health::Health) 6 "Health" GoHealth [Health, List];
    Incidents(coming::Incidents) 7 "Incidents" GoIncidents [];
    Audit(audit::Audit) 8 "Audit" GoAudit [Audit, List];
    Metrics(metrics::Metrics) 9 "Metrics" GoMetrics [List];
}

impl Screen {
    /// Where keys are looked up, the nearest first.
    pub fn contexts(&self) -> Vec<Context> {
        let own = self.own_contexts().iter().copied();
        self.view().focus().into_iter().chain(own).chain([Context::Global]).collect()
    }

    /// The screen under all others.
    pub fn home() -> Self {
        Self::Overview(Box::default())
    }

    /// The screen of one run, where this is one.
    pub fn as_run(&self) -> Option<&run::RunScreen> {
        if let Self::Run(screen) = self { Some(screen) } else { None }
    }
}

/// How a remark is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Plain,
    Bad,
}

impl Tone {
    /// How words of this tone are painted.
    pub fn role(self) -> Role {
        match self {
            Self::Good => Role::Success,
            Self::Plain => Role::Text,
            Self::Bad => Role::Failure,
        }
    }
}

/// What a screen or popup wants to happen outside itself.
#[derive(Debug)]
pub enum Intent {
    Ask(Request),
    LayOut(Box<LayoutJob>),
    /// Put text into the clipboard, and say what it was.
    Copy {
        text: String,
        what: String,
    },
    OpenRun(RunId),
    /// Select this stage of the run shown.
    ShowStage(StageId),
    /// Open a run at the first error line of what failed first.
    Triage(RunId),
    /// Open a pipeline to be started.
    Prepare(String),
    /// Open a run and play it again.
    Replay(RunId, run::Opening),
    Open(Box<Popup>),
    /// As if the action's key had been pressed.
    Act(Action),
    /// Check a text that is being edited, beside the loop.
    Check(Box<Job>),
    Say(Tone, String),
    /// Something the user waits for has happened.
    Bell,
}

impl Intent {
    pub fn say(tone: Tone, text: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(tone, text.into())]
    }
}
