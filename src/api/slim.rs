//! Events and snapshots for screens: large outputs stay behind and are fetched when somebody looks at them.

use serde_json::{Value, json};

use crate::model::{Event, EventKind, Run};

/// Largest value that travels with an event, in bytes of text.
const LARGEST: usize = 4096;

/// Replaces a large value by `{"$omitted": bytes}`.
fn slim(value: &mut Value) {
    let size = size(value, LARGEST + 1);
    if size > LARGEST {
        *value = json!({"$omitted": true});
    }
}

/// About how long the value is as text; stops counting at `limit`.
fn size(value: &Value, limit: usize) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().fold(2, |sum, item| if sum > limit { sum } else { sum + size(item, limit) }),
        Value::Object(fields) => {
            let add = |sum: usize, (key, item): (&String, &Value)| {
                if sum > limit { sum } else { sum + key.len() + 4 + size(item, limit) }
            };
            fields.iter().fold(2, add)
        }
    }
}

pub(super) fn event(mut event: Event) -> Event {
    match &mut event.kind {
        EventKind::AttemptFinished { outcome, .. } => slim(&mut outcome.output),
        EventKind::AttemptStarted { config, .. } => slim(config),
        EventKind::RunFinished { output, .. } => slim(output),
        EventKind::RunCreated { reused, .. } => reused.iter_mut().for_each(|(_, output)| slim(output)),
        _ => {}
    }
    event
}

pub(super) fn run(mut run: Run) -> Run {
    slim(&mut run.output);
    for stage in run.stages.values_mut() {
        slim(&mut stage.output);
        for attempt in &mut stage.attempts {
            slim(&mut attempt.config);
            slim(&mut attempt.output);
        }
    }
    run
}
