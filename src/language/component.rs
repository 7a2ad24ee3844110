//! Every component type, one table: names, config keys, what is required, which keys own stages, what comes out.
//!
//! One file per family. Must not know how a component works; a test holds the keys against what the operators read.

use super::field::{Field, Kind};

/// A component's line in the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Kebab-case; the snake-case spelling is accepted everywhere.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub about: &'static str,
    /// Of each group at least one key must be there, under any of its spellings.
    pub required: &'static [&'static [&'static str]],
    pub keys: &'static [Field],
    /// The stages it owns run inside it: it ends after them.
    pub encloses: bool,
    /// The fields of its output, and what they hold; empty where nothing runs it yet.
    pub output: &'static [(&'static str, &'static str)],
    /// Stages in YAML that use it: a list that is a pipeline's `stages` as it stands.
    pub example: &'static str,
}

/// A list of fields, `"name" | "alias": kind, "about";` each.
macro_rules! keys {
    ($($key:literal $(| $alias:literal)*: $kind:expr, $about:literal;)*) => {
        &[$(
            $crate::language::field::field($key, $kind, $about),
            $($crate::language::field::alias($alias, $kind, $key, concat!("Another spelling of `", $key, "`.")),)*
        )*]
    };
}

mod data;
mod flow;
mod models;
mod outside;
mod release;
mod testing;

macro_rules! components {
    ($($variant:ident $entry:path,)*) => {
        /// What a stage does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Component {
            $($variant),*
        }

        impl Component {
            /// Every component, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its line in the table.
            pub fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$variant => &$entry,)*
                }
            }
        }
    };
}

components! {
    HttpRequest outside::HTTP_REQUEST,
    Shell outside::SHELL,
    JsonTransform data::JSON_TRANSFORM,
    Filter data::FILTER,
    SchemaValidate data::SCHEMA_VALIDATE,
    Logger data::LOGGER,
    VariableSet data::VARIABLE_SET,
    Loop data::LOOP,
    Conditional flow::CONDITIONAL,
    Router flow::ROUTER,
    Foreach flow::FOREACH,
    TryCatch flow::TRY_CATCH,
    Subpipeline flow::SUBPIPELINE,
    Return flow::RETURN,
    Generator models::GENERATOR,
    Critic models::CRITIC,
    Improver models::IMPROVER,
    Selector models::SELECTOR,
    Synthesizer models::SYNTHESIZER,
    Approval release::APPROVAL,
    Deploy release::DEPLOY,
    HealthCheck release::HEALTH_CHECK,
    Rollback release::ROLLBACK,
    Rollout release::ROLLOUT,
    SmokeTest release::SMOKE_TEST,
    Notify release::NOTIFY,
    Mock testing::MOCK,
}

impl Component {
    /// The components that people write. `mock` is not one of them: `flowdeck test` puts it in place of others.
    pub fn written() -> impl Iterator<Item = Self> + Clone {
        Self::ALL.iter().copied().filter(|component| *component != Self::Mock)
    }

    /// The kebab-case name.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The component of that name: kebab, snake and alias spellings, whatever the case.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL
            .iter()
            .copied()
            .find(|component| component.entry().name == name || component.entry().aliases.contains(&name.as_str()))
    }

    /// Whether `environment` in its config is what the stage acts on. (A script's is the variables of its process.)
    pub fn names_environment(self) -> bool {
        matches!(self, Self::Approval | Self::Deploy | Self::Rollback | Self::Rollout | Self::SmokeTest | Self::HealthCheck)
    }

    /// The config key of that name, an alias as well.
    pub fn key(self, name: &str) -> Option<&'static Field> {
        self.entry().keys.iter().find(|field| field.name == name)
    }

    /// Every spelling of a key, its own name first.
    pub fn spellings(self, name: &str) -> impl Iterator<Item = &'static str> {
        self.entry().keys.iter().filter(move |field| field.name == name || field.alias_of == Some(name)).map(|field| field.name)
    }

    /// Whether the operator reads this key as it is written: conditions, expressions, scripts, templates with names of
    /// their own, and names of stages, which are never templates.
    pub fn is_deferred(self, name: &str) -> bool {
        use Kind::{Condition, Deferred, Expression, Script, StageRoutes, Stages};
        let deferred = |kind| matches!(kind, Condition | Expression | Deferred | Script | Stages | StageRoutes);
        self.key(name).is_some_and(|field| deferred(field.kind))
    }
}

impl std::fmt::Display for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests;
