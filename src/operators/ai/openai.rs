//! Chat completions, of their inventor and of the many servers that speak the same.

use serde_json::{Value, json};

use super::answer::{Answer, nonsense, reported};
use super::question::Question;
use crate::model::StageError;

/// Ends a stream.
pub(super) const DONE: &str = "[DONE]";
const OWN_HOST: &str = "api.openai.com";

pub(super) fn body(question: &Question, host: &str) -> Value {
    let system = Some(&question.system).filter(|text| !text.is_empty()).map(|text| json!({"role": "system", "content": text}));
    let said = question.messages.iter().map(|message| json!({"role": message.role.name(), "content": message.text}));
    let messages: Vec<Value> = system.into_iter().chain(said).collect();
    let mut body = json!({
        "model": question.model,
        "messages": messages,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    if let Some(most) = question.max_tokens {
        // The inventor has renamed it; the compatible servers know the first name.
        let name = if host == OWN_HOST { "max_completion_tokens" } else { "max_tokens" };
        body[name] = json!(most);
    }
    if let Some(temperature) = question.temperature {
        body["temperature"] = json!(temperature);
    }
    if question.object {
        body["response_format"] = json!({"type": "json_object"});
    }
    body
}

/// Takes one chunk of the stream in; gives the text it brings.
pub(super) fn event<'a>(event: &'a Value, answer: &mut Answer) -> Result<&'a str, StageError> {
    if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
        return Err(reported(error));
    }
    if !event.is_object() {
        return Err(nonsense("an event is no object"));
    }
    answer.set_model(event.get("model"));
    usage(event, answer);
    let choice = &event["choices"][0];
    answer.set_reason(choice.get("finish_reason"));
    // Not every server sends the final mark.
    answer.complete |= answer.finish_reason.is_some();
    Ok(choice["delta"]["content"].as_str().unwrap_or_default())
}

/// Takes an answer in that came in one piece; gives its text.
pub(super) fn whole(body: &Value, answer: &mut Answer) -> Result<String, StageError> {
    let choice = body["choices"].get(0).ok_or_else(|| nonsense("it has no `choices`"))?;
    let text = choice["message"]["content"].as_str().ok_or_else(|| nonsense("its choice has no text"))?;
    answer.set_model(body.get("model"));
    answer.set_reason(choice.get("finish_reason"));
    usage(body, answer);
    answer.complete = true;
    Ok(text.to_owned())
}

fn usage(body: &Value, answer: &mut Answer) {
    let usage = &body["usage"];
    answer.input_tokens = usage["prompt_tokens"].as_u64().or(answer.input_tokens);
    answer.output_tokens = usage["completion_tokens"].as_u64().or(answer.output_tokens);
}
