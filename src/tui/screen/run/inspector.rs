//! Everything a stage carries: config, inputs, output, error and attempts, each as a folding tree.

use ratatui::layout::Rect;
use ratatui::style::Modifier;
use serde_json::Value;

use crate::model::{Stage, StageId};
use crate::tui::action::Action;
use crate::tui::screen::Intent;
use crate::tui::theme::Role;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::tree::Tree;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Config,
    Inputs,
    Output,
    Error,
    Attempts,
}

const TABS: [(Tab, &str); 5] = [
    (Tab::Config, "config"),
    (Tab::Inputs, "inputs"),
    (Tab::Output, "output"),
    (Tab::Error, "error"),
    (Tab::Attempts, "attempts"),
];

/// Rows above the tree.
const HEAD: u16 = 2;

#[derive(Debug, Clone)]
pub struct Inspector {
    stage: StageId,
    tab: Tab,
    tree: Tree,
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
        Self { stage: stage.id.clone(), tab, tree: Tree::default() }
    }

    /// Turns to a stage; true when it is another one than before.
    pub fn look_at(&mut self, stage: &StageId) -> bool {
        let other = self.stage != *stage;
        if other {
            self.stage = stage.clone();
            self.tree = Tree::default();
        }
        other
    }

    fn value(&self, inputs: &Value, stage: &Stage) -> Value {
        match self.tab {
            Tab::Config => stage.attempts.last().map_or(Value::Null, |attempt| attempt.config.clone()),
            Tab::Inputs => inputs.clone(),
            Tab::Output => stage.output.clone(),
            Tab::Error => stage.error.as_ref().map_or(Value::Null, |error| serde_json::to_value(error).unwrap_or_default()),
            Tab::Attempts => serde_json::to_value(&stage.attempts).unwrap_or_default(),
        }
    }

    pub fn act(&mut self, action: Action, inputs: &Value, stage: &Stage) -> Vec<Intent> {
        let value = self.value(inputs, stage);
        match action {
            Action::TabNext => self.turn(1),
            Action::TabPrevious => self.turn(TABS.len() - 1),
            Action::TreeDown => self.tree.step(1),
            Action::TreeUp => self.tree.step(-1),
            Action::TreePageDown => self.tree.step(10),
            Action::TreePageUp => self.tree.step(-10),
            Action::Fold => self.tree.fold(&value),
            Action::FoldAll => self.tree.fold_all(),
            Action::CopyValue | Action::CopyPath => {
                let row = self.tree.current(&value);
                return row.map(|row| copied(action, &row.path, row.value)).into_iter().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn turn(&mut self, by: usize) {
        let at = TABS.iter().position(|(tab, _)| *tab == self.tab).unwrap_or(0);
        self.tab = TABS[(at + by) % TABS.len()].0;
        self.tree = Tree::default();
    }

    pub fn fit(&mut self, inputs: &Value, stage: &Stage, height: u16) {
        let value = self.value(inputs, stage);
        self.tree.fit(&value, height.saturating_sub(HEAD));
    }

    pub fn draw(&self, paint: &mut Paint<'_>, area: Rect, inputs: &Value, stage: &Stage, focused: bool) {
        let beside = area.x > 0;
        if beside {
            let (line, style) = (paint.look.charset.frame()[5], paint.style(Role::Border));
            for y in area.top()..area.bottom() {
                paint.symbol(area.x, y, line, style);
            }
        }
        let inside = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
        let mut row = paint.row(inside, 0);
        for (tab, name) in TABS {
            if tab == self.tab {
                let style = row.style(if focused { Role::Accent } else { Role::Title });
                row.put(name, style.add_modifier(Modifier::UNDERLINED));
            } else {
                let bad = tab == Tab::Error && stage.error.is_some();
                row.role(name, if bad { Role::Failure } else { Role::Dim });
            }
            row.gap(2);
        }
        let value = self.value(inputs, stage);
        let tree = Rect { y: inside.y + HEAD.min(inside.height), height: inside.height.saturating_sub(HEAD), ..inside };
        match self.nothing(&value, stage) {
            Some(text) => {
                paint.row(tree, 0).role(text, Role::Dim);
            }
            None => self.tree.draw(paint, tree, &value, focused),
        }
    }

    /// What to say when there is nothing to show.
    fn nothing(&self, value: &Value, stage: &Stage) -> Option<&'static str> {
        let empty = match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        empty.then_some(match self.tab {
            Tab::Config if stage.attempts.is_empty() => "the config is rendered when the stage starts",
            Tab::Config => "this kind of stage keeps no rendered config",
            Tab::Inputs => "the run has no inputs",
            Tab::Output => "no output",
            Tab::Error => "no error",
            Tab::Attempts => "not started",
        })
    }
}

fn copied(action: Action, path: &str, value: &Value) -> Intent {
    if action == Action::CopyPath {
        return Intent::Copy { text: path.to_owned(), what: format!("the path {path}") };
    }
    let text = value.as_str().map_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default(), str::to_owned);
    Intent::Copy { text, what: if path.is_empty() { "the value".to_owned() } else { path.to_owned() } }
}
