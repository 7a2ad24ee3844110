//! Every component type, one table: names, config keys, what is required, which keys own stages.

use super::field::{Field, Kind, field};

/// A component's line in the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub component: Component,
    /// Kebab-case; the snake-case spelling is accepted everywhere.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub about: &'static str,
    /// Of each group at least one key must be there.
    pub required: &'static [&'static [&'static str]],
    pub keys: &'static [Field],
    /// The stages it owns run inside it: it ends after them.
    pub encloses: bool,
}

macro_rules! components {
    ($($variant:ident $name:literal $(also $($alias:literal)*)? : $about:literal, required $required:expr, encloses $encloses:literal, keys {
        $($key:literal $kind:expr, $key_about:literal;)*
    })*) => {
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
                    $(Self::$variant => {
                        static ENTRY: Entry = Entry {
                            component: Component::$variant,
                            name: $name,
                            aliases: &[$($($alias),*)?],
                            about: $about,
                            required: $required,
                            keys: &[$(field($key, $kind, $key_about)),*],
                            encloses: $encloses,
                        };
                        &ENTRY
                    })*
                }
            }
        }
    };
}

components! {
    HttpRequest "http-request" also "http" "http-call":
    "Sends one HTTP request.", required &[&["url"]], encloses false, keys {
        "url" Kind::Text, "Where to.";
        "method" Kind::Text, "GET when absent.";
        "headers" Kind::Map, "Header names to values.";
        "body" Kind::Any, "An object is sent as JSON, a text as it is.";
        "json" Kind::Any, "Another spelling of `body` for objects.";
        "params" Kind::Map, "Query parameters; lists repeat.";
        "query_params" Kind::Map, "Another spelling of `params`.";
        "timeout" Kind::RequestTimeout, "Above 300 milliseconds, up to 300 seconds.";
        "timeout_ms" Kind::Milliseconds, "Time for one attempt.";
        "follow_redirects" Kind::Flag, "True when absent.";
        "verify_ssl" Kind::Flag, "True when absent.";
        "expect_status" Kind::Any, "A status, a list of them, or a class such as `2xx`; others fail.";
        "idempotency_key" Kind::Text, "Sent along, so that repeating the request does no harm.";
        "max_body_bytes" Kind::Integer, "Largest answer that is read; 10 MiB when absent.";
        "auth" Kind::Any, "Credentials.";
    }
    JsonTransform "json-transform" also "transform":
    "Makes a value of other values.", required &[&["template", "jmespath_expression", "expression", "mapping", "flatten", "parse_json_strings", "data"]], encloses false, keys {
        "data" Kind::Any, "What `data` means in the template.";
        "template" Kind::Deferred, "The output, full of templates.";
        "jmespath_expression" Kind::Text, "A JMESPath query over `data`.";
        "expression" Kind::Text, "Another spelling of `jmespath_expression`.";
        "mapping" Kind::Any, "Field names to paths in `data`.";
        "defaults" Kind::Map, "Values of fields that are missing.";
        "exclude_fields" Kind::Texts, "Fields left out.";
        "flatten" Kind::Any, "Nested objects become dotted keys.";
        "parse_json_strings" Kind::Flag, "Texts that hold JSON become values.";
    }
    Filter "filter":
    "Lets pass or stops what depends on it, or picks list items.", required &[&["condition", "field_conditions"]], encloses false, keys {
        "data" Kind::Any, "What is judged.";
        "condition" Kind::Condition, "Speaks of `item` to pick list items.";
        "field_conditions" Kind::Any, "Field names to wanted values.";
        "pass_if_missing" Kind::Flag, "Missing data passes.";
        "filter_mode" Kind::Text, "`pass_fail` or `filter_array`.";
        "invert" Kind::Flag, "Turns the answer round.";
    }
    SchemaValidate "schema-validate" also "validate-schema" "json-schema-validate":
    "Checks a value against a JSON Schema.", required &[&["schema", "json_schema"]], encloses false, keys {
        "data" Kind::Any, "What is checked.";
        "schema" Kind::Any, "The JSON Schema.";
        "json_schema" Kind::Any, "Another spelling of `schema`.";
        "strict" Kind::Flag, "True when absent: an invalid value fails the stage.";
        "coerce_types" Kind::Flag, "Texts become numbers and booleans where the schema wants them.";
        "collect_all_errors" Kind::Flag, "All errors instead of the first.";
    }
    Logger "logger" also "log":
    "Writes a line into the log.", required &[&["message", "data"]], encloses false, keys {
        "message" Kind::Text, "The line.";
        "level" Kind::Text, "debug, info, warning, error.";
        "data" Kind::Any, "Logged beside it.";
        "tags" Kind::Any, "Words to find it by.";
    }
    VariableSet "variable-set" also "set-variable" "set-variables":
    "Sets variables for later stages.", required &[&["variables", "name"]], encloses false, keys {
        "variables" Kind::Map, "Names to values.";
        "name" Kind::Text, "One variable's name.";
        "value" Kind::Any, "Its value.";
        "scope" Kind::Text, "Kept.";
        "overwrite" Kind::Flag, "True when absent.";
        "extract_path" Kind::Text, "The part of the value to keep.";
    }
    Loop "loop" also "batch":
    "Cuts a list into batches.", required &[&["items"]], encloses false, keys {
        "items" Kind::List, "The list.";
        "batch_size" Kind::Integer, "Items of one batch.";
        "max_iterations" Kind::Integer, "Most batches.";
        "start_index" Kind::Integer, "The first item.";
    }
    Shell "shell" also "command" "script" "bash":
    "Runs a script or a program.", required &[&["run", "command"]], encloses false, keys {
        "run" Kind::Script, "A script; template values are quoted by themselves.";
        "command" Kind::Any, "A program and its arguments.";
        "cwd" Kind::Text, "The directory.";
        "env" Kind::Map, "Environment variables.";
        "shell" Kind::Any, "What runs the script; `sh` when absent.";
        "stdin" Kind::Any, "Standard input.";
        "outputs" Kind::Any, "Names of outputs to expect.";
    }
    Conditional "conditional" also "condition" "if":
    "Runs one list of stages or the other.", required &[&["condition"]], encloses false, keys {
        "condition" Kind::Condition, "Which branch.";
        "true_stages" Kind::Stages, "Run when it holds.";
        "false_stages" Kind::Stages, "Run when it does not.";
        "true_branch_stages" Kind::Stages, "Another spelling of `true_stages`.";
        "false_branch_stages" Kind::Stages, "Another spelling of `false_stages`.";
        "true_branch" Kind::Stages, "Another spelling of `true_stages`.";
        "false_branch" Kind::Stages, "Another spelling of `false_stages`.";
        "data" Kind::Any, "Passed on.";
    }
    Router "router" also "switch":
    "Runs the stages of the route that matches.", required &[&["value", "value_expression"], &["routes"]], encloses false, keys {
        "value" Kind::Any, "What is matched.";
        "value_expression" Kind::Expression, "The value as an expression.";
        "routes" Kind::StageRoutes, "Values to stages.";
        "default_route" Kind::Stages, "Stages when nothing matches.";
        "default_stages" Kind::Stages, "Another spelling of `default_route`.";
        "case_insensitive" Kind::Flag, "Capital letters do not matter.";
        "data" Kind::Any, "Passed on.";
    }
    Foreach "foreach" also "for-each":
    "Runs stages for every item of a list.", required &[&["items"], &["loop_stages", "stages"]], encloses true, keys {
        "items" Kind::List, "The list.";
        "loop_stages" Kind::Stages, "Run in this order for each item.";
        "stages" Kind::Stages, "Another spelling of `loop_stages`.";
        "item_variable" Kind::Text, "Name of the item; `item` when absent.";
        "index_variable" Kind::Text, "Name of its number; `index` when absent.";
        "parallel" Kind::Flag, "Several items at a time.";
        "max_parallel" Kind::Integer, "How many; 5 when absent.";
        "break_on_error" Kind::Flag, "True when absent: the first failure ends it.";
        "filter_expression" Kind::Expression, "Items for which it does not hold are left out.";
        "collect_results" Kind::Flag, "True when absent.";
    }
    TryCatch "trycatch" also "try-catch":
    "Runs stages, others when they fail, and others in any case.", required &[&["try_stages"]], encloses true, keys {
        "try_stages" Kind::Stages, "Tried.";
        "catch_stages" Kind::Stages, "Run when a tried stage fails.";
        "finally_stages" Kind::Stages, "Always run.";
        "error_scope" Kind::Text, "`propagate` fails the run after all.";
        "catch_error_types" Kind::Texts, "Only these are caught.";
        "max_retries" Kind::Integer, "Tries again before catching.";
        "retry_delay_ms" Kind::Milliseconds, "Between tries.";
    }
    Subpipeline "subpipeline" also "sub-pipeline" "pipeline":
    "Runs another pipeline.", required &[&["pipeline", "pipeline_id"]], encloses false, keys {
        "pipeline" Kind::Text, "A path, or `name@version`.";
        "pipeline_id" Kind::Text, "Another spelling of `pipeline`.";
        "input" Kind::Any, "Its inputs.";
        "input_data" Kind::Any, "Another spelling of `input`.";
        "timeout_ms" Kind::Milliseconds, "Time it may take.";
        "on_error" Kind::Text, "How a failure is taken.";
        "default_result" Kind::Any, "The result when it fails and that is allowed.";
    }
    Return "return" also "early-return":
    "Ends the run early.", required &[], encloses false, keys {
        "condition" Kind::Condition, "Ends it only if this holds.";
        "return_value" Kind::Any, "The run's output.";
        "value" Kind::Any, "Another spelling of `return_value`.";
        "message" Kind::Text, "Why.";
        "status" Kind::Text, "How the run ends.";
    }
    Generator "generator":
    "Writes a text with a language model.", required &[&["prompt", "messages", "task"]], encloses false, keys {
        "prompt" Kind::Any, "What is asked.";
        "task" Kind::Any, "Another spelling of `prompt`.";
        "messages" Kind::Any, "A conversation.";
        "system_prompt" Kind::Any, "How the model should behave.";
        "context" Kind::Any, "Material.";
        "provider" Kind::Text, "A provider of flowdeck.toml.";
        "model" Kind::Text, "The model.";
        "temperature" Kind::Number, "How free.";
        "max_tokens" Kind::Integer, "How long.";
        "response_format" Kind::Any, "Shape of the answer.";
        "output_schema" Kind::Any, "JSON Schema of the answer.";
    }
    Critic "critic":
    "Judges a text with a language model.", required &[&["content", "prompt"]], encloses false, keys {
        "content" Kind::Any, "What is judged.";
        "criteria" Kind::Any, "By what.";
        "context" Kind::Any, "Material.";
        "threshold" Kind::Number, "The score that passes.";
        "prompt" Kind::Any, "What is asked.";
        "system_prompt" Kind::Any, "How the model should behave.";
        "rubric" Kind::Any, "By what.";
        "provider" Kind::Text, "A provider of flowdeck.toml.";
        "model" Kind::Text, "The model.";
        "temperature" Kind::Number, "How free.";
        "max_tokens" Kind::Integer, "How long.";
    }
    Improver "improver":
    "Improves a text with a language model.", required &[&["content", "prompt"]], encloses false, keys {
        "content" Kind::Any, "What is improved.";
        "feedback" Kind::Any, "What to mend.";
        "instructions" Kind::Any, "What to mend.";
        "improvement_areas" Kind::Any, "Where.";
        "context" Kind::Any, "Material.";
        "prompt" Kind::Any, "What is asked.";
        "system_prompt" Kind::Any, "How the model should behave.";
        "provider" Kind::Text, "A provider of flowdeck.toml.";
        "model" Kind::Text, "The model.";
        "temperature" Kind::Number, "How free.";
        "max_tokens" Kind::Integer, "How long.";
    }
    Selector "selector":
    "Picks one of several with a language model.", required &[&["candidates", "options", "items"]], encloses false, keys {
        "candidates" Kind::Any, "To pick from.";
        "options" Kind::Any, "Another spelling of `candidates`.";
        "items" Kind::Any, "Another spelling of `candidates`.";
        "criteria" Kind::Any, "By what.";
        "context" Kind::Any, "Material.";
        "prompt" Kind::Any, "What is asked.";
        "system_prompt" Kind::Any, "How the model should behave.";
        "provider" Kind::Text, "A provider of flowdeck.toml.";
        "model" Kind::Text, "The model.";
        "temperature" Kind::Number, "How free.";
        "max_tokens" Kind::Integer, "How long.";
    }
    Synthesizer "synthesizer" also "combiner" "synthesiser":
    "Makes one text of several with a language model.", required &[&["sources", "inputs", "content", "items", "prompt"]], encloses false, keys {
        "sources" Kind::Any, "The texts.";
        "inputs" Kind::Any, "Another spelling of `sources`.";
        "items" Kind::Any, "Another spelling of `sources`.";
        "content" Kind::Any, "Another spelling of `sources`.";
        "synthesis_strategy" Kind::Any, "How.";
        "strategy" Kind::Any, "How.";
        "instructions" Kind::Any, "How.";
        "context" Kind::Any, "Material.";
        "prompt" Kind::Any, "What is asked.";
        "system_prompt" Kind::Any, "How the model should behave.";
        "output_format" Kind::Any, "Shape of the answer.";
        "provider" Kind::Text, "A provider of flowdeck.toml.";
        "model" Kind::Text, "The model.";
        "temperature" Kind::Number, "How free.";
        "max_tokens" Kind::Integer, "How long.";
    }
    Approval "approval" also "approve" "manual-approval":
    "Waits for people to agree.", required &[], encloses false, keys {
        "environment" Kind::Text, "Whose rules hold.";
        "message" Kind::Text, "What is asked.";
        "rules" Kind::List, "Further rules; they only add to the environment's.";
        "evidence" Kind::Any, "Values to show.";
        "expires" Kind::Seconds, "How long the question stands.";
    }
    Deploy "deploy":
    "Records a release around the work it wraps.", required &[&["environment", "service"]], encloses true, keys {
        "environment" Kind::Text, "Where to.";
        "service" Kind::Text, "What.";
        "version" Kind::Text, "Which.";
        "artifact" Kind::Any, "The artefact and its digest.";
        "strategy" Kind::Text, "run, request, compose, kubernetes.";
        "run" Kind::Script, "The script that deploys.";
        "request" Kind::Map, "The HTTP request that deploys.";
        "stages" Kind::Stages, "The stages that deploy.";
        "cwd" Kind::Text, "The directory of the script.";
        "env" Kind::Map, "Environment variables of the script.";
        "verify" Kind::Any, "How to tell that it worked.";
        "bake" Kind::Seconds, "Time under watch.";
    }
    HealthCheck "health-check":
    "Asks services how they are.", required &[&["services", "urls", "url", "service"]], encloses false, keys {
        "services" Kind::Texts, "Names from flowdeck.toml.";
        "service" Kind::Text, "One of them.";
        "urls" Kind::Texts, "Or addresses.";
        "url" Kind::Text, "One of them.";
        "until_healthy" Kind::Flag, "Asks again until they are well.";
        "for" Kind::Seconds, "How long.";
        "timeout" Kind::Seconds, "Of one question.";
        "interval" Kind::Seconds, "Between questions.";
        "expect_status" Kind::Any, "The status of a healthy answer.";
    }
    Rollback "rollback":
    "Deploys the last good release again.", required &[], encloses false, keys {
        "environment" Kind::Text, "Where.";
        "service" Kind::Text, "What.";
        "to" Kind::Text, "A version; the newest stable one when absent.";
        "reason" Kind::Text, "Why.";
    }
    Rollout "rollout":
    "Moves traffic to a release step by step.", required &[&["strategy", "steps"]], encloses false, keys {
        "environment" Kind::Text, "Where.";
        "service" Kind::Text, "What.";
        "strategy" Kind::Text, "canary, blue-green, rolling.";
        "steps" Kind::List, "Weights and bake times.";
        "set_weight" Kind::Deferred, "The action that moves traffic.";
        "analysis" Kind::Any, "How to judge each step.";
        "on_failure" Kind::Text, "rollback.";
    }
    SmokeTest "smoke-test":
    "Tries a deployed service out.", required &[&["tests", "endpoints", "url"]], encloses false, keys {
        "tests" Kind::Any, "Named tests.";
        "endpoints" Kind::Any, "Addresses.";
        "url" Kind::Text, "The service.";
        "pipelines" Kind::Any, "Pipelines that test it.";
        "timeout" Kind::Seconds, "Of one test.";
        "parallel" Kind::Flag, "True when absent.";
    }
    Notify "notify" also "notification":
    "Tells people.", required &[&["message", "text", "payload"]], encloses false, keys {
        "channel" Kind::Text, "A `[notify]` entry of flowdeck.toml.";
        "to" Kind::Any, "Another spelling of `channel`.";
        "url" Kind::Text, "A webhook.";
        "format" Kind::Text, "webhook, slack, pagerduty, command.";
        "message" Kind::Text, "What is said.";
        "text" Kind::Text, "Another spelling of `message`.";
        "title" Kind::Text, "A heading.";
        "severity" Kind::Text, "How urgent.";
        "payload" Kind::Any, "Sent as it is.";
        "command" Kind::Any, "A program that tells them.";
    }
    Mock "mock":
    "Stands in for another component while a pipeline is tested.", required &[&["component"], &["config"], &["answers"]], encloses false, keys {
        "component" Kind::Text, "What it stands in for.";
        "config" Kind::Deferred, "That one's config.";
        "answers" Kind::Deferred, "What it may answer.";
        "refusal" Kind::Text, "What is said when no answer fits.";
    }
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

    /// The config key of that name.
    pub fn key(self, name: &str) -> Option<&'static Field> {
        self.entry().keys.iter().find(|field| field.name == name)
    }

    /// Keys whose templates the operator renders itself: conditions, expressions, scripts, templates with names of their own.
    pub fn deferred_keys(self) -> impl Iterator<Item = &'static str> {
        let deferred = |field: &&Field| matches!(field.kind, Kind::Condition | Kind::Expression | Kind::Deferred | Kind::Script);
        self.entry().keys.iter().filter(deferred).map(|field| field.name)
    }
}

impl std::fmt::Display for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Component;

    #[test]
    fn every_spelling_finds_its_component() {
        for component in Component::ALL {
            let entry = component.entry();
            assert_eq!(Component::from_name(entry.name), Some(*component));
            assert_eq!(Component::from_name(&entry.name.replace('-', "_").to_uppercase()), Some(*component));
            for alias in entry.aliases {
                assert_eq!(Component::from_name(alias), Some(*component), "{alias}");
            }
        }
        assert_eq!(Component::from_name("http_request"), Some(Component::HttpRequest));
        assert_eq!(Component::from_name("htp-request"), None);
    }

    #[test]
    fn required_keys_are_known_keys() {
        for component in Component::ALL {
            for key in component.entry().required.iter().copied().flatten() {
                assert!(component.key(key).is_some(), "{component}: {key}");
            }
        }
    }
}
