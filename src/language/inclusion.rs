//! Pipelines that include others: how a stage names the other one.
//!
//! Must not know files: who loads pipelines looks the names up.

use serde_json::Value;

use super::component::Component;
use super::pipeline::{Pipeline, StageSpec};
use super::template::{has_template, to_text};

/// A name as a `subpipeline` stage writes it: a path or a name, perhaps with a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub name: String,
    pub version: Option<String>,
}

impl Reference {
    /// Reads `name`, `name@version` or a path.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() && !version.contains('/') => {
                Self { name: name.to_owned(), version: Some(version.to_owned()) }
            }
            _ => Self { name: text.to_owned(), version: None },
        }
    }
}

/// What a reference means.
#[derive(Debug, Clone, Copy)]
pub struct Included<'p> {
    /// The pipeline that includes.
    pub within: &'p Pipeline,
    pub reference: &'p str,
    pub pipeline: &'p Pipeline,
}

/// One stage that includes a pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Inclusion<'p> {
    pub stage: &'p StageSpec,
    /// Nothing but a failure keeps a run from this stage: no `when`, no stage that decides what runs.
    pub unconditional: bool,
}

impl Inclusion<'_> {
    /// The reference, when it is written out; `None` when it is known only while the run is under way.
    pub fn reference(&self) -> Option<String> {
        reference(&self.stage.config).filter(|text| !has_template(text))
    }
}

/// The stages that include a pipeline, in the order of the document.
pub fn inclusions(pipeline: &Pipeline) -> impl Iterator<Item = Inclusion<'_>> {
    let includes = |stage: &&StageSpec| stage.component == Component::Subpipeline && stage.enabled;
    let ends_early = |stage: &StageSpec| matches!(stage.component, Component::Return | Component::Filter);
    let straight = !pipeline.stages.iter().any(ends_early);
    pipeline.stages.iter().filter(includes).map(move |stage| Inclusion {
        stage,
        unconditional: straight && stage.when.is_none() && stage.owners.is_empty() && stage.undoes.is_none(),
    })
}

/// The reference in a stage's config, in its one spelling: `name` or `name@version`.
pub fn reference(config: &Value) -> Option<String> {
    // A version such as 1.0 may be written as a number.
    let text = |key: &str| match config.get(key)? {
        value @ (Value::String(_) | Value::Number(_)) => Some(to_text(value).trim().to_owned()).filter(|text| !text.is_empty()),
        _ => None,
    };
    let name = text("pipeline").or_else(|| text("pipeline_id"))?;
    Some(spelled(&name, text("pipeline_version").or_else(|| text("version")).as_deref()))
}

/// A name and a version from elsewhere as one reference; a version in the name wins.
pub fn spelled(name: &str, version: Option<&str>) -> String {
    match version {
        Some(version) if Reference::parse(name).version.is_none() => format!("{name}@{version}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Reference, reference};

    #[test]
    fn a_version_follows_the_last_at_sign() {
        let named = |name: &str, version: Option<&str>| Reference { name: name.to_owned(), version: version.map(str::to_owned) };
        assert_eq!(Reference::parse("deploy"), named("deploy", None));
        assert_eq!(Reference::parse("deploy@1.2.0"), named("deploy", Some("1.2.0")));
        assert_eq!(Reference::parse("team@work/deploy.yaml"), named("team@work/deploy.yaml", None));
        assert_eq!(Reference::parse("@1"), named("@1", None));
    }

    #[test]
    fn both_dialects_name_a_pipeline_and_its_version() {
        assert_eq!(reference(&json!({"pipeline": "build@2.0.0"})), Some("build@2.0.0".to_owned()));
        assert_eq!(reference(&json!({"pipeline_id": " build ", "pipeline_version": "2.0.0"})), Some("build@2.0.0".to_owned()));
        assert_eq!(reference(&json!({"pipeline": "build", "version": 1.5})), Some("build@1.5".to_owned()));
        assert_eq!(reference(&json!({"pipeline": ""})), None);
    }
}
