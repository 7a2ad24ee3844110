//! Which environments a run may touch, before it runs: what its pipeline and those it includes name.

use std::collections::BTreeSet;

use super::handle::{EngineError, parse};
use super::{Caller, Engine};
use crate::language::Pipeline;
use crate::language::template::has_template;
use crate::model::{Actor, Policy, Run};

/// Names of environments. What only a run itself will tell counts as every one: nobody starts in a protected environment
/// by hiding its name in a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    named: BTreeSet<String>,
    any: bool,
}

impl Targets {
    /// What a run is for.
    pub fn of(environment: Option<&str>) -> Self {
        let mut targets = Self::default();
        targets.name(environment);
        targets
    }

    /// Adds what a pipeline and its stages name.
    pub fn add(&mut self, pipeline: &Pipeline) {
        for name in pipeline.stages.iter().map(|stage| &stage.environment).chain([&pipeline.environment]) {
            self.name(name.as_deref());
        }
    }

    /// Adds what a pinned document names; one that cannot be read may name anything.
    pub fn add_text(&mut self, text: &str, format: &str) {
        match parse(text, format) {
            Ok(pipeline) => self.add(&pipeline),
            Err(_) => self.any = true,
        }
    }

    fn name(&mut self, name: Option<&str>) {
        match name {
            Some(name) if has_template(name) => self.any = true,
            Some(name) => drop(self.named.insert(name.to_owned())),
            None => {}
        }
    }

    /// Those of them that a policy protects.
    pub fn protected<'p>(&self, policy: &'p Policy) -> Vec<&'p str> {
        policy.protected().filter(|name| self.any || self.named.contains(*name)).collect()
    }
}

/// The environment of a run, of all that name one for it: the first. One that is protected gives way to no other, or its
/// gate would be gone with its name.
///
/// # Errors
/// `Refused`, naming both.
pub fn chosen<const N: usize>(named: [Option<String>; N], policy: &Policy) -> Result<Option<String>, EngineError> {
    let mut named = named.into_iter().flatten();
    let Some(first) = named.next() else { return Ok(None) };
    let protected = |name: &String| policy.environments.get(name).is_some_and(|environment| environment.protected);
    match named.find(|name| *name != first && protected(name)) {
        Some(other) => {
            Err(EngineError::Refused(format!("this is for {other}, which is protected: it cannot be run for {first} instead")))
        }
        None => Ok(Some(first)),
    }
}

impl Engine {
    /// Who may do something with a run that exists, by the texts that were pinned when it began. A text that cannot be read
    /// any more may have named anything.
    pub(super) async fn admit(&self, caller: &Caller, run: &Run) -> Result<Actor, EngineError> {
        if caller.in_force.policy.protected().next().is_none() {
            return caller.may_touch(&Targets::default());
        }
        let mut targets = Targets::of(run.environment.as_deref());
        let hashes: BTreeSet<&String> = run.includes.iter().map(|include| &include.hash).chain([&run.pipeline.hash]).collect();
        for hash in hashes {
            let text = self.shared.store.definition(hash).await?;
            match text {
                Some(text) => targets.add_text(&text.text, &text.format),
                None => targets.any = true,
            }
        }
        caller.may_touch(&targets)
    }
}
