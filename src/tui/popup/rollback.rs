//! The rollback panel: what one could go back to and what is against it, and for the selected target what would run and
//! what would be held afterwards. Leads to the typed confirmation and orders nothing itself.

mod draw;

use super::confirm::{Confirm, Subject};
use super::{Outcome, Popup};
use crate::model::{EnvironmentView, ReleaseId, RollbackPlan, RollbackTarget, ServiceView};
use crate::tui::action::Action;
use crate::tui::backend::{Aim, Request};
use crate::tui::deployments::goes_away;
use crate::tui::screen::Intent;
use crate::tui::world::World;

#[derive(Debug, Clone)]
pub struct Panel {
    environment: String,
    service: String,
    /// What was live when it opened.
    live: Option<ReleaseId>,
    /// The target looked at; its place in the list may change.
    selected: Option<ReleaseId>,
    /// What going back to the selected target would do.
    plan: Option<(Aim, Result<Box<RollbackPlan>, String>)>,
    note: Option<String>,
}

impl Panel {
    /// Opens on the newest release that can be gone back to.
    pub fn new(environment: &EnvironmentView, service: &ServiceView) -> Self {
        let open = service.targets.iter().find(|target| target.objection.is_none()).or(service.targets.first());
        Self {
            environment: environment.name.clone(),
            service: service.service.clone(),
            live: service.live.clone(),
            selected: open.map(|target| target.release.clone()),
            plan: None,
            note: None,
        }
    }

    fn aim(&self, target: &RollbackTarget) -> Aim {
        let (environment, service) = (self.environment.clone(), self.service.clone());
        Aim { environment, service, version: target.version.clone() }
    }

    fn targets<'w>(&self, world: &'w World) -> &'w [RollbackTarget] {
        let found = world.deployments.service(&self.environment, &self.service);
        found.map(|(_, service)| service.targets.as_slice()).unwrap_or_default()
    }

    fn place(&self, targets: &[RollbackTarget]) -> Option<usize> {
        targets.iter().position(|target| Some(&target.release) == self.selected.as_ref())
    }

    fn target<'w>(&self, world: &'w World) -> Option<&'w RollbackTarget> {
        let targets = self.targets(world);
        self.place(targets).and_then(|at| targets.get(at))
    }

    /// The question what going back to the selected target would do.
    pub fn ask(&self, world: &World) -> Option<Intent> {
        self.target(world).map(|target| Intent::Ask(Request::RollbackPlan(self.aim(target))))
    }

    pub fn take(&mut self, aim: &Aim, plan: Result<Box<RollbackPlan>, String>) {
        if aim.environment == self.environment && aim.service == self.service {
            self.plan = Some((aim.clone(), plan));
        }
    }

    /// The plan of the selected target; an answer about another one is none.
    fn plan(&self, world: &World) -> Option<&Result<Box<RollbackPlan>, String>> {
        let wanted = self.aim(self.target(world)?);
        self.plan.as_ref().filter(|(aim, _)| *aim == wanted).map(|(_, plan)| plan)
    }

    pub fn act(&mut self, action: Option<Action>, world: &World) -> Outcome {
        self.note = None;
        match action {
            Some(Action::Accept) => self.go_on(world),
            Some(Action::ListDown | Action::Other) => self.turn(1, world),
            Some(Action::ListUp) => self.turn(-1, world),
            _ => Outcome::Stay,
        }
    }

    fn turn(&mut self, by: isize, world: &World) -> Outcome {
        let targets = self.targets(world);
        let at = self.place(targets).unwrap_or(0);
        let next = at.checked_add_signed(by).unwrap_or(targets.len().saturating_sub(1));
        let next = if next < targets.len() { next } else { 0 };
        self.selected = targets.get(next).map(|target| target.release.clone());
        Outcome::Do(self.ask(world).into_iter().collect())
    }

    fn go_on(&mut self, world: &World) -> Outcome {
        let objection = self.target(world).and_then(|target| target.objection.clone());
        let words = match (objection, self.plan(world)) {
            (Some(why), _) => why,
            (None, None) => "what it would do is not known yet".to_owned(),
            (None, Some(Err(why))) => why.clone(),
            (None, Some(Ok(plan))) => {
                let subject = Subject::RollBack(plan.clone());
                let confirm = Popup::Confirm(Box::new(Confirm::new(subject, &world.look)));
                return match confirm.obsolete(world) {
                    Some(why) => self.stay(why),
                    None => Outcome::Then(vec![Intent::Open(Box::new(confirm)), Intent::Ask(Request::Deployments)]),
                };
            }
        };
        self.stay(words)
    }

    fn stay(&mut self, note: String) -> Outcome {
        self.note = Some(note);
        Outcome::Stay
    }

    /// Why there is nothing to choose any more.
    pub fn obsolete(&self, world: &World) -> Option<String> {
        let gone = goes_away(world, &self.environment, &self.service, self.live.as_ref());
        let refused = || {
            let (_, service) = world.deployments.service(&self.environment, &self.service)?;
            service.no_rollback.as_ref().map(|why| format!("you cannot roll back any more: {why}"))
        };
        gone.or_else(refused)
    }

    /// A target that is none any more gives way to one that is.
    pub fn fit(&mut self, world: &World) {
        let targets = self.targets(world);
        if self.place(targets).is_none() {
            self.selected = targets.first().map(|target| target.release.clone());
        }
    }
}
