//! The Messages API.

use serde_json::{Value, json};

use super::answer::{Answer, nonsense, reported};
use super::question::Question;
use crate::model::StageError;

/// The API wants a limit.
const MOST_TOKENS: u64 = 4096;
pub(super) const VERSION: &str = "2023-06-01";

pub(super) fn body(question: &Question) -> Value {
    let messages: Vec<Value> =
        question.messages.iter().map(|message| json!({"role": message.role.name(), "content": message.text})).collect();
    let mut body = json!({
        "model": question.model,
        "max_tokens": question.max_tokens.unwrap_or(MOST_TOKENS),
        "messages": messages,
        "stream": true,
    });
    if !question.system.is_empty() {
        body["system"] = json!(question.system);
    }
    if let Some(temperature) = question.temperature {
        body["temperature"] = json!(temperature);
    }
    body
}

/// Takes one event of the stream in; gives the text it brings.
pub(super) fn event<'a>(event: &'a Value, answer: &mut Answer) -> Result<&'a str, StageError> {
    match event["type"].as_str().unwrap_or_default() {
        "message_start" => {
            answer.set_model(event["message"].get("model"));
            usage(&event["message"]["usage"], answer);
        }
        "content_block_delta" => return Ok(event["delta"]["text"].as_str().unwrap_or_default()),
        "message_delta" => {
            answer.set_reason(event["delta"].get("stop_reason"));
            usage(&event["usage"], answer);
        }
        "message_stop" => answer.complete = true,
        "error" => return Err(reported(&event["error"])),
        // New kinds of events may come; the rest of the text does not depend on them.
        _ => {}
    }
    Ok("")
}

/// Takes an answer in that came in one piece; gives its text.
pub(super) fn whole(body: &Value, answer: &mut Answer) -> Result<String, StageError> {
    let blocks = body["content"].as_array().ok_or_else(|| nonsense("it has no `content`"))?;
    answer.set_model(body.get("model"));
    answer.set_reason(body.get("stop_reason"));
    usage(&body["usage"], answer);
    answer.complete = true;
    Ok(blocks.iter().filter_map(|block| block["text"].as_str()).collect())
}

fn usage(usage: &Value, answer: &mut Answer) {
    answer.input_tokens = usage["input_tokens"].as_u64().or(answer.input_tokens);
    answer.output_tokens = usage["output_tokens"].as_u64().or(answer.output_tokens);
}
