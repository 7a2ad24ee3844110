//! What a confirmation is about: each kind says what is shown, what is typed, what ends it and what is ordered.

use super::{Promotion, Standing};
use crate::model::{Answer, GateView, RollbackPlan};
use crate::tui::backend::Request;
use crate::tui::world::World;

/// A row of what is shown: a label and words.
pub type Fact = (&'static str, String);

#[derive(Debug, Clone)]
pub enum Subject {
    Gate { answer: Answer, gate: Box<GateView> },
    RollBack(Box<RollbackPlan>),
    Promote(Box<Promotion>),
    Standing(Box<Standing>),
}

/// A word that has to be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub label: &'static str,
    pub text: String,
    /// What is said when it is another one.
    pub otherwise: &'static str,
}

impl Word {
    pub fn environment(name: &str) -> Self {
        Self { label: "environment", text: name.to_owned(), otherwise: "that is not the environment's name" }
    }

    pub fn version(version: &str) -> Self {
        Self { label: "version", text: version.to_owned(), otherwise: "that is not the version" }
    }

    /// The first digits of a digest, after the name of its kind.
    pub fn digest(digest: &str) -> Self {
        let digits = digest.rsplit(':').next().unwrap_or(digest);
        let text = digits.get(..super::TYPED_DIGITS).unwrap_or(digits).to_owned();
        Self { label: "digest", text, otherwise: "those are not the first digits of the digest" }
    }

    /// Nothing at all is never what was asked for.
    pub fn is(&self, typed: &str) -> bool {
        !typed.is_empty() && typed == self.text
    }
}

impl Subject {
    pub fn title(&self) -> String {
        match self {
            Self::Gate { answer, gate } => super::gate::title(*answer, gate),
            Self::RollBack(plan) => format!("Roll {} back in {}?", plan.service, plan.environment),
            Self::Promote(promotion) => format!("Promote {} to {}?", promotion.service, promotion.to),
            Self::Standing(standing) => standing.title(),
        }
    }

    /// What is decided about, the most telling first.
    pub fn facts(&self) -> Vec<Fact> {
        match self {
            Self::Gate { gate, .. } => super::gate::facts(gate),
            Self::RollBack(plan) => super::rollback::facts(plan),
            Self::Promote(promotion) => promotion.facts(),
            Self::Standing(standing) => standing.facts(),
        }
    }

    /// At least one.
    pub fn words(&self) -> Vec<Word> {
        match self {
            Self::Gate { gate, .. } => vec![Word::environment(&gate.environment), Word::digest(&gate.digest)],
            Self::RollBack(plan) => super::rollback::words(plan),
            Self::Promote(promotion) => promotion.words(),
            Self::Standing(standing) => standing.words(),
        }
    }

    pub fn takes_reason(&self) -> bool {
        !matches!(self, Self::Promote(_))
    }

    pub fn obsolete(&self, world: &World) -> Option<String> {
        match self {
            Self::Gate { answer, gate } => super::gate::obsolete(*answer, gate, world),
            Self::RollBack(plan) => super::rollback::obsolete(plan, world),
            Self::Promote(promotion) => promotion.obsolete(world),
            Self::Standing(standing) => standing.obsolete(world),
        }
    }

    pub fn order(&self, reason: String) -> Request {
        match self {
            Self::Gate { answer, gate } => super::gate::order(*answer, gate, reason),
            Self::RollBack(plan) => super::rollback::order(plan, reason),
            Self::Promote(promotion) => promotion.order(),
            Self::Standing(standing) => standing.order(reason),
        }
    }
}
