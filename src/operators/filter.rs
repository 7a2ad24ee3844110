//! `filter`: lets data pass or not, or keeps the items of a list that pass.
//!
//! A condition that fails to evaluate does not pass: the gate stays shut, with the error as its reason.

mod field;

use serde_json::{Value, json};

use super::fields::{self, Fields, wrong};
use super::locals::Locals;
use super::{Context, Done, Prepared};
use crate::language::expression;
use crate::model::StageError;

const DATA: &[&str] = &["data", "items"];

pub(super) fn prepare(context: &Context) -> Result<Prepared, StageError> {
    let mut fields = Fields::render(context)?;
    let data = fields.take(DATA).unwrap_or(Value::Null);
    let test = Test {
        context,
        condition: fields::raw(&context.stage.config, &["condition"]),
        fields: fields.take(&["field_conditions"]),
        pass_if_missing: fields.flag(&["pass_if_missing"], false)?,
        invert: fields.flag(&["invert", "negate"], false)?,
    };
    if test.condition.is_none() && test.fields.is_none() {
        return Err(wrong("a filter needs a `condition` or `field_conditions`"));
    }
    let by_item = match fields.text(&["filter_mode", "mode"])?.as_deref() {
        None => data.is_array() && test.speaks_of_item(),
        Some("pass_fail" | "gate") => data.is_array() && test.speaks_of_item(),
        Some("array" | "filter_array" | "items" | "filter_items") => true,
        Some(other) => return Err(wrong(format!("`filter_mode` must be pass_fail or array, not `{other}`"))),
    };
    Ok(if by_item { keep_items(&test, data) } else { gate(&test, data) }.into())
}

fn gate(test: &Test, data: Value) -> Done {
    let (passed, reason) = match test.passes(&data, &[("data", &data)]) {
        Ok(None) => (!test.invert, test.invert.then(|| "the condition holds, and the filter is inverted".to_owned())),
        Ok(Some(why)) => (test.invert, (!test.invert).then_some(why)),
        Err(error) => (false, Some(error.to_string())),
    };
    let count = u64::from(!passed);
    let data = if passed { data } else { Value::Null };
    let output = json!({"passed": passed, "data": data, "filtered_count": count, "reason": reason});
    Done { gate: Some(passed), ..Done::with_output(output) }
}

/// Not a gate: later stages run whatever is left. Only an error shuts it.
fn keep_items(test: &Test, data: Value) -> Done {
    let Value::Array(items) = &data else {
        return shut(format!("`data` must be a list to be filtered by item, not {}", fields::kind(&data)));
    };
    let mut kept = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let index = json!(at);
        let names = [("item", item), ("index", &index), ("data", &data)];
        match test.passes(item, &names) {
            Ok(why) if why.is_none() != test.invert => kept.push(item),
            Ok(_) => {}
            Err(error) => return shut(format!("item {at}: {error}")),
        }
    }
    let removed = items.len() - kept.len();
    let passed = !kept.is_empty() || items.is_empty();
    let reason = (!passed).then(|| "no item passed".to_owned());
    Done::with_output(json!({"passed": passed, "data": kept, "filtered_count": removed, "reason": reason}))
}

fn shut(reason: String) -> Done {
    let output = json!({"passed": false, "data": Value::Null, "filtered_count": 0, "reason": reason});
    Done { gate: Some(false), ..Done::with_output(output) }
}

struct Test<'a> {
    context: &'a Context<'a>,
    condition: Option<&'a Value>,
    fields: Option<Value>,
    pass_if_missing: bool,
    invert: bool,
}

impl Test<'_> {
    fn speaks_of_item(&self) -> bool {
        self.condition.and_then(Value::as_str).is_some_and(|text| mentions(text, "item"))
    }

    /// `None` when the value passes, else why it does not.
    fn passes(&self, value: &Value, names: &[(&str, &Value)]) -> Result<Option<String>, StageError> {
        if value.is_null() && self.pass_if_missing {
            return Ok(None);
        }
        if let Some(conditions) = &self.fields
            && let Some(why) = field::unmet(conditions, value, self.pass_if_missing)?
        {
            return Ok(Some(why));
        }
        let Some(condition) = self.condition else { return Ok(None) };
        let scope = Locals { inner: self.context.scope, names, fields: value.as_object() };
        let (_, holds) = expression::condition(condition, &scope).map_err(Into::<StageError>::into)?;
        Ok((!holds).then(|| match condition {
            Value::String(text) => format!("the condition does not hold: {text}"),
            _ => "the condition does not hold".to_owned(),
        }))
    }
}

/// Whether a text uses `name` as a word of its own, not as a field and not inside plain quotes.
fn mentions(text: &str, name: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let templated = quote.is_some_and(|(start, mark)| quoted(&text[start..], mark).contains("{{"));
        match quote {
            Some((_, mark)) if c == mark => quote = None,
            Some(_) if !templated => {}
            None if c == '\'' || c == '"' => quote = Some((at + 1, c)),
            _ => {
                let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                let after = text[at..].strip_prefix(name);
                if !word(before) && before != '.' && after.is_some_and(|rest| !rest.starts_with(word)) {
                    return true;
                }
            }
        }
        before = c;
    }
    false
}

fn quoted(text: &str, mark: char) -> &str {
    text.split(mark).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
