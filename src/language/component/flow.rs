//! Components that decide which stages run, and how often.

use super::Entry;
use crate::language::field::Kind;

pub(super) static CONDITIONAL: Entry = Entry {
    name: "conditional",
    aliases: &["condition", "if"],
    about: "Runs one list of stages or the other.",
    required: &[&["condition", "condition_expression"]],
    keys: keys! {
        "condition": Kind::Condition, "Which branch: an expression, or a value asked for its truth.";
        "condition_expression" | "expression": Kind::Condition, "An expression over `value`, which is then the condition's, and `data`.";
        "true_stages" | "true_branch_stages" | "true_branch": Kind::Stages, "Run when it holds.";
        "false_stages" | "false_branch_stages" | "false_branch": Kind::Stages, "Run when it does not.";
        "data": Kind::Any, "Passed on.";
    },
    encloses: false,
    output: &[
        ("branch_taken", "`true` or `false`."),
        ("condition_value", "The condition's value."),
        ("condition_result", "Its truth."),
        ("data", "The config's `data`."),
    ],
    example: "\
- id: needed
  type: conditional
  config: { condition: \"{{input.version}} != 'v1'\", true_stages: [deploy], false_stages: [nothing] }
- { id: deploy, type: shell, config: { run: \"make deploy\" } }
- { id: nothing, type: logger, config: { message: \"nothing to do\" } }
",
};

pub(super) static ROUTER: Entry = Entry {
    name: "router",
    aliases: &["switch"],
    about: "Runs the stages of the route that matches.",
    required: &[&["value", "value_expression"], &["routes"]],
    keys: keys! {
        "value": Kind::Any, "What is matched.";
        "value_expression": Kind::Expression, "The value as an expression over `value` and `data`.";
        "routes": Kind::StageRoutes, "Values to stages.";
        "default_route" | "default_stages": Kind::Stages, "Stages when nothing matches.";
        "case_insensitive": Kind::Flag, "Capital letters do not matter.";
        "data": Kind::Any, "Passed on.";
    },
    encloses: false,
    output: &[
        ("route_taken", "The route, `default`, or null."),
        ("original_value", "What was matched."),
        ("matched_value", "The route it fits, or null."),
        ("stages_to_execute", "Those of the route."),
        ("stages_to_skip", "Those of the others."),
        ("data", "The config's `data`."),
    ],
    example: "\
- id: where
  type: router
  config: { value: \"{{input.environment}}\", routes: { staging: [quick], production: [slow] }, default_route: [quick] }
- { id: quick, type: shell, config: { run: \"make deploy\" } }
- { id: slow, type: shell, config: { run: \"make deploy CAREFUL=1\" } }
",
};

pub(super) static FOREACH: Entry = Entry {
    name: "foreach",
    aliases: &["for-each"],
    about: "Runs stages for every item of a list.",
    required: &[&["items"], &["loop_stages"]],
    keys: keys! {
        "items": Kind::List, "The list.";
        "loop_stages" | "stages": Kind::Stages, "Run in this order for each item.";
        "item_variable": Kind::Text, "Name of the item; `item` when absent.";
        "index_variable": Kind::Text, "Name of its number; `index` when absent.";
        "parallel": Kind::Flag, "Several items at a time.";
        "max_parallel": Kind::Integer, "How many; 5 when absent.";
        "break_on_error": Kind::Flag, "True when absent: the first failure ends it.";
        "filter_expression": Kind::Expression, "Items for which it does not hold are left out.";
        "collect_results": Kind::Flag, "True when absent.";
    },
    encloses: true,
    output: &[
        ("total_items", "Items in the list."),
        ("processed_items", "Items worked on."),
        ("skipped_items", "Items left out by the filter."),
        ("results", "The last loop stage's output for each item, in their order."),
        ("is_complete", "Whether every item was worked on."),
    ],
    example: "\
- id: every-service
  type: foreach
  config: { items: [api, web], loop_stages: [ship], parallel: true, item_variable: service }
- { id: ship, type: shell, config: { run: \"make ship SERVICE={{service}}\" } }
",
};

pub(super) static TRY_CATCH: Entry = Entry {
    name: "trycatch",
    aliases: &["try-catch"],
    about: "Runs stages, others when they fail, and others in any case.",
    required: &[&["try_stages"]],
    keys: keys! {
        "try_stages": Kind::Stages, "Tried, in this order.";
        "catch_stages": Kind::Stages, "Run when a tried stage fails.";
        "finally_stages": Kind::Stages, "Always run.";
        "error_scope": Kind::Text, "`propagate` fails the run after all; `continue` goes on even if nothing catches.";
        "catch_error_types": Kind::Texts, "Only these are caught.";
        "max_retries": Kind::Integer, "Tries again before catching; 0 when absent.";
        "retry_delay_ms" | "retry_delay": Kind::Milliseconds, "Between tries; none when absent.";
    },
    encloses: true,
    output: &[
        ("status", "`success`, `recovered` or `failed`."),
        ("error_occurred", "Whether a tried stage failed."),
        ("error_message", "What the error says, or null."),
        ("error_type", "Its type, or null."),
        ("recovered", "Whether the run goes on after an error."),
        ("data", "The output of the last stage tried, or of the last that caught."),
    ],
    example: "\
- id: careful
  type: trycatch
  config: { try_stages: [deploy], catch_stages: [undo], finally_stages: [tidy], max_retries: 1, retry_delay_ms: 500 }
- { id: deploy, type: shell, config: { run: \"make deploy\" } }
- { id: undo, type: shell, config: { run: \"make rollback REASON={{upstream.deploy.error.message}}\" } }
- { id: tidy, type: shell, config: { run: \"make clean\" } }
",
};

pub(super) static SUBPIPELINE: Entry = Entry {
    name: "subpipeline",
    aliases: &["sub-pipeline", "pipeline"],
    about: "Runs another pipeline.",
    required: &[&["pipeline"]],
    keys: keys! {
        "pipeline" | "pipeline_id": Kind::Text, "A path, or `name@version`; written out, so that it can be pinned.";
        "pipeline_version" | "version": Kind::Text, "The version, when the name does not say it.";
        "input" | "input_data" | "inputs": Kind::Any, "Its inputs.";
        "timeout_ms": Kind::Milliseconds, "Time it may take.";
        "wait" | "wait_for_completion": Kind::Flag, "True when absent: the stage ends with the other run.";
        "async" | "async_execution": Kind::Flag, "The opposite of `wait`.";
        "on_error": Kind::Text, "`propagate` (the stage fails too), `ignore` or `default`.";
        "default_result": Kind::Any, "The result when the other run fails.";
    },
    encloses: false,
    output: &[
        ("run_id", "The run it was."),
        ("status", "How that run ended."),
        ("result", "Its output."),
        ("execution_time_ms", "How long it took."),
        ("error", "Why it failed, or null."),
    ],
    example: "\
- id: checks
  type: subpipeline
  config: { pipeline: checks, input: { version: \"{{input.version}}\" } }
",
};

pub(super) static RETURN: Entry = Entry {
    name: "return",
    aliases: &["early-return"],
    about: "Ends the run early.",
    required: &[],
    keys: keys! {
        "condition": Kind::Condition, "Ends it only if this holds.";
        "return_value" | "value": Kind::Any, "The run's output.";
        "message": Kind::Text, "Why.";
        "status": Kind::Text, "How the run ends: `success` or `failure`.";
    },
    encloses: false,
    output: &[
        ("returned", "Whether the run ends here."),
        ("return_value", "The run's output."),
        ("message", "Why, or null."),
        ("status", "`succeeded` or `failed`."),
    ],
    example: "\
- id: enough
  type: return
  config: { condition: \"input.dry_run == true\", return_value: { changed: false }, message: \"only a rehearsal\" }
",
};
