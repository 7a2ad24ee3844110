//! Which components only compute, and which do something to the world or ask it something.

use super::component::Component;

impl Component {
    /// Computed from its config alone, so a test may run it as it is. Anything new has to be decided about here.
    pub fn is_pure(self) -> bool {
        match self {
            Self::JsonTransform
            | Self::Filter
            | Self::SchemaValidate
            | Self::Logger
            | Self::VariableSet
            | Self::Loop
            | Self::Conditional
            | Self::Router
            | Self::Foreach
            | Self::TryCatch
            | Self::Return
            | Self::Mock => true,
            Self::HttpRequest
            | Self::Shell
            | Self::Subpipeline
            | Self::Generator
            | Self::Critic
            | Self::Improver
            | Self::Selector
            | Self::Synthesizer
            | Self::Approval
            | Self::Deploy
            | Self::HealthCheck
            | Self::Rollback
            | Self::Rollout
            | Self::SmokeTest
            | Self::Notify => false,
        }
    }
}
