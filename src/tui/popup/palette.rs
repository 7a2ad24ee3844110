//! Any action, pipeline, run, stage or theme by its name, found by typing a part of it.

use std::borrow::Cow;

use crossterm::event::{KeyCode, KeyEvent};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use super::{Outcome, centred, window};
use crate::model::{RunId, RunSummary, Stage, StageId, Timestamp};
use crate::tui::action::{ALL, Action, Context};
use crate::tui::glyph::stage_word;
use crate::tui::screen::{Intent, run::RunScreen};
use crate::tui::theme::Role;
use crate::tui::widget::format;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::Paint;
use crate::tui::world::World;

#[derive(Debug, Clone)]
enum Item {
    Act(Action),
    Theme(String),
    Stage { id: StageId, name: String, about: &'static str },
    Run { id: RunId, name: String, about: String },
    Start { pipeline: String, name: String },
}

#[derive(Debug, Clone)]
pub struct Palette {
    input: Input,
    items: Vec<Item>,
    shown: Vec<usize>,
    selected: usize,
}

impl Palette {
    /// Offers what works in these contexts, the stages of the run shown, the themes and the runs.
    pub fn new(contexts: &[Context], world: &World, shown: Option<&RunScreen>) -> Self {
        let works = |action: Action| action.facts().contexts.iter().any(|context| contexts.contains(context));
        let actions = ALL.iter().map(|facts| facts.action).filter(|action| works(*action) && *action != Action::Palette);
        let stages = shown.and_then(|screen| screen.run.as_deref()).map(|run| run.stages.values().map(Item::stage));
        let themes = world.themes.entries().iter().map(|entry| Item::Theme(entry.name.clone()));
        let runs = world.runs.iter().flatten().map(|run| Item::run(run, world.now));
        let items: Vec<Item> = actions.map(Item::Act).chain(stages.into_iter().flatten()).chain(themes).chain(runs).collect();
        let mut palette = Self { input: Input::default(), shown: Vec::new(), items, selected: 0 };
        palette.offer_pipelines(world);
        palette
    }

    /// Offers to run the pipelines that are known now.
    pub fn offer_pipelines(&mut self, world: &World) {
        let before = self.items.len();
        self.items.retain(|item| !matches!(item, Item::Start { .. }));
        let start = |pipeline: &String| Item::Start { pipeline: pipeline.clone(), name: format!("run {pipeline}") };
        self.items.extend(world.pipelines.iter().map(start));
        if self.items.len() != before || self.shown.is_empty() {
            self.find();
        }
    }

    pub fn key(&mut self, key: &KeyEvent, action: Option<Action>) -> Outcome {
        match (action, key.code) {
            (Some(Action::Accept), _) => {
                return match self.shown.get(self.selected).map(|at| &self.items[*at]) {
                    Some(Item::Act(action)) => Outcome::Act(*action),
                    Some(Item::Theme(name)) => Outcome::SetTheme(name.clone()),
                    Some(Item::Stage { id, .. }) => Outcome::Then(vec![Intent::ShowStage(id.clone())]),
                    Some(Item::Start { pipeline, .. }) => Outcome::Then(vec![Intent::Prepare(pipeline.clone())]),
                    Some(Item::Run { id, .. }) => Outcome::Then(vec![Intent::OpenRun(id.clone())]),
                    None => Outcome::Stay,
                };
            }
            (_, KeyCode::Down | KeyCode::Tab) => self.selected = (self.selected + 1).min(self.shown.len().saturating_sub(1)),
            (_, KeyCode::Up | KeyCode::BackTab) => self.selected = self.selected.saturating_sub(1),
            _ => {
                if self.input.key(key) {
                    self.find();
                }
            }
        }
        Outcome::Stay
    }

    pub fn paste(&mut self, text: &str) -> Outcome {
        self.input.paste(text);
        self.find();
        Outcome::Stay
    }

    fn find(&mut self) {
        let pattern = Pattern::parse(&self.input.text, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = (self.items.iter().enumerate())
            .filter_map(|(at, item)| {
                let (name, about) = item.words();
                let by_name = pattern.score(Utf32Str::new(&name, &mut buffer), &mut matcher).map(|score| score * 2);
                let score = by_name.or_else(|| pattern.score(Utf32Str::new(about, &mut buffer), &mut matcher));
                score.map(|score| (score, at))
            })
            .collect();
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.shown = scored.into_iter().map(|(_, at)| at).collect();
        self.selected = 0;
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        let area = centred(area, 76, 18);
        let inside = window(paint, area, "Do");
        let mut row = paint.row(inside, 0);
        row.role(":", Role::Accent);
        self.input.draw(&mut row);
        let height = usize::from(inside.height.saturating_sub(2));
        let top = (self.selected + 1).saturating_sub(height);
        for (line, (at, item)) in (2..inside.height).zip(self.shown.iter().enumerate().skip(top)) {
            let item = &self.items[*item];
            let (name, about) = item.words();
            let keys = match item {
                Item::Act(action) => world.keys.keys(*action).first().map(ToString::to_string).unwrap_or_default(),
                Item::Theme(_) | Item::Stage { .. } | Item::Run { .. } | Item::Start { .. } => String::new(),
            };
            let (text, dim, key) = (paint.style(Role::Text), paint.style(Role::Dim), paint.style(Role::Key));
            paint.row(inside, line).column(24, &name, text).gap(1).number(8, &keys, key).gap(2).put(about, dim);
            if at == self.selected {
                let style = paint.style(Role::Selection);
                paint.shade(Rect { y: inside.y + line, height: 1, ..inside }, style);
            }
        }
    }
}

impl Item {
    fn stage(stage: &Stage) -> Self {
        Self::Stage { id: stage.id.clone(), name: format!("stage {}", stage.title()), about: stage_word(stage.status) }
    }

    fn run(run: &RunSummary, now: Timestamp) -> Self {
        let about = format!("{} {} {}", run.id, run.status, format::ago(run.created_at, now));
        Self::Run { id: run.id.clone(), name: format!("open {}", run.pipeline_name), about }
    }

    /// The name, and what is said of it.
    fn words(&self) -> (Cow<'_, str>, &str) {
        match self {
            Self::Act(action) => (action.facts().name.into(), action.facts().description),
            Self::Theme(name) => (format!("theme {name}").into(), "colours of the console"),
            Self::Start { name, .. } => (name.into(), "start this pipeline, after asking"),
            Self::Stage { name, about, .. } => (name.into(), about),
            Self::Run { name, about, .. } => (name.into(), about),
        }
    }
}
