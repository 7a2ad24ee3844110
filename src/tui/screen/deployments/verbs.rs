//! What can be asked for here: each verb opens its question, or says why not.

use super::Deployments;
use crate::model::{EnvironmentView, PromotionView, Release, ServiceView, StandingChange};
use crate::tui::action::Action;
use crate::tui::backend::Request;
use crate::tui::popup::choose::Choose;
use crate::tui::popup::confirm::{Confirm, Promotion, Standing, Subject};
use crate::tui::popup::{Popup, rollback::Panel};
use crate::tui::screen::{Intent, Tone};
use crate::tui::world::{READ_ONLY, World};

/// In the order of the screen.
pub(super) const ALL: [Action; 5] = [Action::RollBack, Action::Promote, Action::Hold, Action::Quarantine, Action::Lift];

impl Deployments {
    /// Opens the question of a verb.
    pub(super) fn ask(&self, verb: Action, world: &World) -> Vec<Intent> {
        if let Some(why) = self.refusal(verb, world) {
            return Intent::say(Tone::Bad, why);
        }
        let Some((environment, service)) = self.current(world) else { return Vec::new() };
        let asked = match (verb, service) {
            (Action::RollBack, Some(service)) => {
                let panel = Panel::new(environment, service);
                let plan = panel.ask(world);
                vec![Intent::Open(Box::new(Popup::RollBack(Box::new(panel))))].into_iter().chain(plan).collect()
            }
            (Action::Promote, Some(service)) => promotions(environment, service, world),
            (Action::Hold, _) => open(confirm(standing(environment, StandingChange::Hold), world)),
            (Action::Lift, _) => lifts(environment, world),
            (Action::Quarantine, _) => self.quarantines(environment, world),
            _ => Vec::new(),
        };
        // What is asked about is looked at once more: the question goes away when it is not so any more.
        asked.into_iter().chain([Intent::Ask(Request::Deployments)]).collect()
    }

    /// Why a verb is impossible now.
    pub(super) fn refusal(&self, verb: Action, world: &World) -> Option<String> {
        if world.read_only {
            return Some(READ_ONLY.to_owned());
        }
        if let Some(trouble) = world.link.trouble() {
            return Some(trouble.to_owned());
        }
        let Some((environment, service)) = self.current(world) else { return Some("there is no environment".to_owned()) };
        if let (Action::Hold | Action::Lift | Action::Quarantine, Some(why)) = (verb, &environment.no_standing) {
            return Some(why.clone());
        }
        match verb {
            Action::RollBack => no_rollback(service),
            Action::Promote => no_promotion(environment, service),
            Action::Hold => environment.hold.as_ref().map(|stop| format!("held already, by {}: {}", stop.by, stop.reason)),
            Action::Lift => {
                let is_open = environment.hold.is_none() && environment.quarantined.is_empty();
                is_open.then(|| "nothing is held or in quarantine here".to_owned())
            }
            Action::Quarantine => match self.release(world) {
                None => Some("nothing was ever deployed here".to_owned()),
                Some(release) if release.record.artefacts.is_empty() => {
                    Some(format!("{} names no artefact", release.record.version))
                }
                Some(release) if free(environment, release).is_empty() => {
                    Some(format!("what {} is made of is in quarantine already", release.record.version))
                }
                Some(_) => None,
            },
            _ => None,
        }
    }

    fn quarantines(&self, environment: &EnvironmentView, world: &World) -> Vec<Intent> {
        let Some(release) = self.release(world) else { return Vec::new() };
        let one = |(name, digest): (String, String)| {
            let about = Some(format!("{name} of {} {}", release.record.service, release.record.version));
            let standing = Standing { about, ..standing(environment, StandingChange::Quarantine { digest: digest.clone() }) };
            (format!("{name} {digest}"), confirm(standing, world))
        };
        let choices = free(environment, release).into_iter().map(one).collect();
        choose("Put which artefact in quarantine?", choices)
    }
}

fn no_rollback(service: Option<&ServiceView>) -> Option<String> {
    let Some(service) = service else { return Some("nothing was ever deployed here".to_owned()) };
    if let Some(why) = &service.no_rollback {
        return Some(why.clone());
    }
    let Some(first) = service.targets.first() else { return Some("there is no release to go back to".to_owned()) };
    let refused = service.targets.iter().all(|target| target.objection.is_some());
    first.objection.as_ref().filter(|_| refused).map(|why| format!("not to {}: {why}", first.version))
}

fn no_promotion(environment: &EnvironmentView, service: Option<&ServiceView>) -> Option<String> {
    let Some(live) = service.and_then(ServiceView::live) else { return Some("nothing is live here".to_owned()) };
    let promotions = service.map(|service| service.promotions.as_slice()).unwrap_or_default();
    let Some(first) = promotions.first() else { return Some(format!("nothing comes after {}", environment.name)) };
    let refused = promotions.iter().all(|promotion| !promotion.missing.is_empty());
    refused.then(|| format!("{} not to {}: {}", live.record.version, first.to, first.missing.join("; ")))
}

/// The artefacts of a release that are not in quarantine, by name.
fn free(environment: &EnvironmentView, release: &Release) -> Vec<(String, String)> {
    let artefacts = release.record.artefacts.iter();
    let artefacts = artefacts.filter(|(_, digest)| !environment.quarantined.contains_key(*digest));
    artefacts.map(|(name, digest)| (name.clone(), digest.clone())).collect()
}

fn standing(environment: &EnvironmentView, change: StandingChange) -> Standing {
    let stop = match &change {
        StandingChange::Hold | StandingChange::LiftHold => environment.hold.clone(),
        StandingChange::Quarantine { digest } | StandingChange::LiftQuarantine { digest } => {
            environment.quarantined.get(digest).cloned()
        }
    };
    Standing { environment: environment.name.clone(), protected: environment.protected, change, stop, about: None }
}

fn confirm(standing: Standing, world: &World) -> Popup {
    Popup::Confirm(Box::new(Confirm::new(Subject::Standing(Box::new(standing)), &world.look)))
}

fn lifts(environment: &EnvironmentView, world: &World) -> Vec<Intent> {
    let hold = environment.hold.as_ref().map(|stop| (StandingChange::LiftHold, format!("the hold: {}", stop.reason)));
    let others = environment
        .quarantined
        .iter()
        .map(|(digest, stop)| (StandingChange::LiftQuarantine { digest: digest.clone() }, format!("{digest}: {}", stop.reason)));
    let choices = hold.into_iter().chain(others);
    let choices = choices.map(|(change, words)| (words, confirm(standing(environment, change), world)));
    choose("Lift what?", choices.collect())
}

fn promotions(environment: &EnvironmentView, service: &ServiceView, world: &World) -> Vec<Intent> {
    let Some(live) = service.live() else { return Vec::new() };
    let one = |promotion: &PromotionView| {
        let there = world.deployments.environment(&promotion.to);
        let replaced = world.deployments.service(&promotion.to, &service.service).and_then(|(_, service)| service.live());
        let promotion = Promotion {
            from: environment.name.clone(),
            to: promotion.to.clone(),
            service: service.service.clone(),
            release: live.clone(),
            replaces: replaced.cloned(),
            // What is not known is treated as protected.
            protected: there.is_none_or(|there| there.protected),
        };
        let words = format!("to {}", promotion.to);
        (words, Popup::Confirm(Box::new(Confirm::new(Subject::Promote(Box::new(promotion)), &world.look))))
    };
    let open = service.promotions.iter().filter(|promotion| promotion.missing.is_empty());
    choose(&format!("Promote {} {} where?", service.service, live.record.version), open.map(one).collect())
}

/// The only question, or the choice among several.
fn choose(title: &str, mut choices: Vec<(String, Popup)>) -> Vec<Intent> {
    match choices.len() {
        0 | 1 => choices.pop().map(|(_, popup)| open(popup)).unwrap_or_default(),
        _ => open(Popup::Choose(Choose::opening(title, Vec::new(), "Nothing", choices))),
    }
}

fn open(popup: Popup) -> Vec<Intent> {
    vec![Intent::Open(Box::new(popup))]
}
