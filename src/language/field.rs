//! Fields as data: name, kind, what they are for. One table checks them, documents them and feeds editors.

/// What a field may hold. Texts with a template inside fit everywhere but where an id or a schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Any,
    /// A text; numbers and booleans are taken as their text.
    Text,
    /// An id, never a template.
    Id,
    /// An expression, or a value asked for its truth.
    Condition,
    /// An expression evaluated by the operator.
    Expression,
    /// A value with templates that the operator renders itself, with names of its own.
    Deferred,
    /// A text whose templates the operator splices itself.
    Script,
    Integer,
    Number,
    Flag,
    /// Seconds, or a text such as `"5m"`.
    Seconds,
    /// Milliseconds, or a text such as `"5m"`.
    Milliseconds,
    /// Up to 300 seconds, above that milliseconds, or a text such as `"5m"`.
    RequestTimeout,
    List,
    /// One text or a list of texts.
    Texts,
    Map,
    /// One stage id or a list of them.
    Stages,
    /// A map from anything to stages.
    StageRoutes,
    /// A JSON Schema.
    Schema,
    Choice(&'static [&'static str]),
}

/// One field of the document, of a stage or of a component's config.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    /// One sentence for editors.
    pub about: &'static str,
    /// The name it is another spelling of.
    pub alias_of: Option<&'static str>,
}

pub const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about, alias_of: None }
}

/// Another spelling of `of`.
pub const fn alias(name: &'static str, kind: Kind, of: &'static str, about: &'static str) -> Field {
    Field { name, kind, about, alias_of: Some(of) }
}

/// The fields of a pipeline document.
pub const DOCUMENT: &[Field] = &[
    field("$schema", Kind::Text, "The JSON Schema an editor checks this file with."),
    field("id", Kind::Text, "The pipeline's name for machines; made from `name` when absent."),
    field("name", Kind::Text, "The pipeline's name for people; `id` when absent."),
    field("version", Kind::Text, "Semantic version of the pipeline."),
    field("description", Kind::Text, "What the pipeline is for."),
    field("category", Kind::Text, "A heading to list it under."),
    field("tags", Kind::Texts, "Words to find it by."),
    field("metadata", Kind::Map, "Anything; kept and shown."),
    field("difficulty", Kind::Text, "For catalogues."),
    field("use_cases", Kind::Texts, "For catalogues."),
    field("is_template", Kind::Flag, "Meant to be copied, not to be run as it is."),
    field("input_schema", Kind::Schema, "JSON Schema of the inputs; checked before a run starts, defaults are applied."),
    field("output_schema", Kind::Schema, "JSON Schema of the run's output."),
    field("stages", Kind::List, "The stages, at least one."),
    field("output_stage_id", Kind::Id, "The stage whose output is the run's; otherwise the last completed one."),
    field("sample_input", Kind::Map, "Inputs for `--sample`."),
    alias("example_input", Kind::Map, "sample_input", "Another spelling of `sample_input`."),
    field("environment", Kind::Text, "The environment its stages target."),
    field("concurrency_group", Kind::Text, "Runs of one group do not run at the same time."),
    field("on", Kind::Map, "What starts it by itself: schedule, webhook, alert."),
    field("max_concurrency", Kind::Integer, "Stages of one run at the same time; 10 when absent."),
    field("timeout", Kind::Seconds, "Time the whole run may take."),
    field("timeout_ms", Kind::Milliseconds, "Time the whole run may take."),
    field("strict_templates", Kind::Flag, "A missing field is an error instead of null."),
];

pub const ON_ERROR: &[&str] = &["propagate", "fail", "continue", "retry"];
pub const ON_UNKNOWN: &[&str] = &["ask", "retry", "fail"];

/// The fields of a stage.
pub const STAGE: &[Field] = &[
    field("id", Kind::Id, "Unique in the pipeline; letters, digits, `-` and `_`."),
    field("component_type", Kind::Text, "What the stage does."),
    alias("type", Kind::Text, "component_type", "Another spelling of `component_type`."),
    alias("component", Kind::Text, "component_type", "Another spelling of `component_type`."),
    field("name", Kind::Text, "The stage's name for people."),
    field("description", Kind::Text, "What the stage is for."),
    field("config", Kind::Map, "What the component needs; goes over `input_mapping` key by key."),
    alias("input_mapping", Kind::Map, "config", "Another spelling of `config`."),
    field("depends_on", Kind::Stages, "Stages that must have ended before this one starts."),
    field("timeout", Kind::Seconds, "Time over all attempts."),
    field("timeout_ms", Kind::Milliseconds, "Time over all attempts."),
    field("error_handling", Kind::Map, "`on_error: retry` with `max_retries` and `retry_delay`, or how to go on."),
    field("retry_config", Kind::Map, "Retries with growing delays, for errors that may pass."),
    field(
        "on_error",
        Kind::Choice(ON_ERROR),
        "`continue` records a failure and goes on; `retry` tries again as `error_handling` says.",
    ),
    field("fallback_output", Kind::Any, "The output of a failed stage that goes on."),
    field("enabled", Kind::Flag, "`false` takes the stage out."),
    field("position", Kind::Any, "Where an editor draws it; unused here."),
    field("when", Kind::Condition, "The stage runs only if this holds."),
    field("environment", Kind::Text, "The environment this stage targets."),
    field("idempotent", Kind::Flag, "Running it twice does no harm, so an interrupted attempt is repeated."),
    field("on_unknown", Kind::Choice(ON_UNKNOWN), "What becomes of an attempt whose end nobody knows."),
    field("compensate", Kind::Stages, "The stage that undoes this one."),
    field("produces", Kind::Any, "Artefacts this stage makes."),
    field("max_concurrency", Kind::Integer, "Attempts of this stage at the same time, over all runs."),
];

/// The fields of `retry_config`.
pub const RETRY: &[Field] = &[
    field("max_retries", Kind::Integer, "Attempts after the first; 3 when absent."),
    field("initial_delay_ms", Kind::Milliseconds, "Before the first retry; 1000 when absent."),
    field("backoff_multiplier", Kind::Number, "Growth of the delay; 2 when absent."),
    field("max_delay_ms", Kind::Milliseconds, "Longest delay; 30000 when absent."),
];

/// The fields of `error_handling`.
pub const ERROR_HANDLING: &[Field] = &[
    field("on_error", Kind::Choice(ON_ERROR), "`retry`, or how a failure is taken."),
    field("max_retries", Kind::Integer, "Attempts after the first; 3 when absent."),
    field("retry_delay", Kind::Milliseconds, "Between attempts; 1000 when absent."),
    field("retry_until", Kind::Expression, "Repeats until this holds over the output."),
    field("fallback_output", Kind::Any, "The output of a failed stage that goes on."),
];
