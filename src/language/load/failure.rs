//! What a failed attempt leads to: `on_error`, `error_handling`, `retry_config`, `fallback_output`.

use std::time::Duration;

use serde_json::Value;

use super::fields::{self, Reader, Templates};
use super::sink::Sink;
use crate::language::field::{ERROR_HANDLING, RETRY};
use crate::language::node::{Data, Node};
use crate::language::pipeline::{OnError, Retry};
use crate::language::problem::Problem;
use crate::language::template::has_template;

pub struct Failure {
    pub retry: Retry,
    pub on_error: OnError,
    pub fallback: Option<Value>,
}

/// The same words count at the stage and in `error_handling`; how to retry stands in `error_handling`, and wins over
/// `retry_config`.
pub fn read<'n>(stage: &Reader<'n, 'n>, sink: &mut Sink<'_>) -> Failure {
    let growing = stage.node("retry_config").map(|node| {
        fields::check(node.entries(), RETRY, Templates::Unread, "`retry_config`", sink);
        backoff(&Reader { node })
    });
    let handling = stage.node("error_handling").map(|node| {
        fields::check(node.entries(), ERROR_HANDLING, Templates::Unread, "`error_handling`", sink);
        Reader { node }
    });
    let handled = handling.as_ref().and_then(|handling| handling.text("on_error"));
    let words = [stage.text("on_error"), handled];
    let (retries, ends): (Vec<String>, Vec<String>) = words.into_iter().flatten().partition(|word| word == "retry");
    if let (true, Some(handling)) = (retries.is_empty(), &handling) {
        unused(handling, sink);
    }
    let retry = if retries.is_empty() { growing.unwrap_or_default() } else { fixed(handling.as_ref()) };
    let on_error = match ends.first().map(String::as_str) {
        Some("continue") => OnError::Continue,
        Some(_) | None => OnError::Propagate,
    };
    let fallback = stage.node("fallback_output").or_else(|| handling.as_ref()?.node("fallback_output"));
    if let Some(text) = fallback.and_then(template_in) {
        let message = "`fallback_output` is published as it is written: a template is not read here";
        let problem = Problem::warning("unread-template", text.span.clone(), message);
        sink.push(problem.helped("let a later stage choose, such as {{upstream.STAGE or input.x}}"));
    }
    Failure { retry, on_error, fallback: fallback.map(Node::to_value) }
}

/// The first text with a template.
fn template_in<'n>(node: &'n Node<'n>) -> Option<&'n Node<'n>> {
    match &node.data {
        Data::Text(text) => has_template(text).then_some(node),
        Data::List(items) => items.iter().find_map(template_in),
        Data::Map(entries) => entries.iter().find_map(|entry| template_in(&entry.value)),
        Data::Null | Data::Bool(_) | Data::Number(_) => None,
    }
}

/// How to retry, where nothing says that it should be done.
fn unused(handling: &Reader<'_, '_>, sink: &mut Sink<'_>) {
    for entry in ["max_retries", "retry_delay", "retry_until"].into_iter().filter_map(|name| handling.entry(name)) {
        let message = format!("`{}` does nothing without `on_error: retry`", entry.key);
        sink.push(Problem::warning("unused-field", entry.key_span.clone(), message).labelled("not used"));
    }
}

fn fixed(handling: Option<&Reader<'_, '_>>) -> Retry {
    Retry::Fixed {
        max_retries: handling.map_or(RETRIES, retries),
        delay: handling.and_then(|handling| handling.milliseconds("retry_delay")).unwrap_or(DELAY),
        until: handling.and_then(|handling| handling.text("retry_until")),
    }
}

fn backoff(reader: &Reader<'_, '_>) -> Retry {
    Retry::Backoff {
        max_retries: retries(reader),
        initial: reader.milliseconds("initial_delay_ms").unwrap_or(DELAY),
        multiplier: reader.number("backoff_multiplier").filter(|factor| *factor >= 1.0).unwrap_or(2.0),
        max: reader.milliseconds("max_delay_ms").unwrap_or(Duration::from_secs(30)),
    }
}

const RETRIES: u32 = 3;
const DELAY: Duration = Duration::from_secs(1);

fn retries(reader: &Reader<'_, '_>) -> u32 {
    reader.count("max_retries").map_or(RETRIES, |count| u32::try_from(count).unwrap_or(u32::MAX))
}
