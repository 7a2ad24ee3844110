//! What each node asks and gives.

use serde_json::{Value, json};

use super::{ProviderKind, Server, completion, generator, run};
use crate::language::Component;
use crate::model::{Ending, ErrorKind, NoteLevel};
use crate::operators::testing::Stage;

/// The output of a node whose model gives this answer.
async fn answered(component: Component, config: Value, answer: Value) -> Value {
    let server = Server::saying(vec![completion(&[&answer.to_string()])]).await;
    let outcome = run(&Stage::new(component, config).ai(server.ai(ProviderKind::OpenAi))).await.outcome;
    assert_eq!(outcome.ending, Ending::Succeeded, "{outcome:?}");
    outcome.output
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_critic_scores_and_the_threshold_decides() {
    let answer = json!({"overall_rating": "good", "score": 0.8, "feedback": "f", "strengths": ["s"], "improvements": ["i"], "criterion_scores": {"clear": 0.8}});
    let config = |threshold: f64| json!({"content": "text", "criteria": ["clear"], "threshold": threshold});
    let output = answered(Component::Critic, config(0.8), answer.clone()).await;
    let expected = json!({"overall_rating": "good", "score": 0.8, "feedback": "f", "strengths": ["s"], "improvements": ["i"],
        "criterion_scores": {"clear": 0.8}, "passes_threshold": true, "tokens_used": 12, "model": "small-1"});
    assert_eq!(output, expected);
    assert_eq!(answered(Component::Critic, config(0.81), answer).await["passes_threshold"], false);
}

#[tokio::test]
async fn an_improver_gives_its_text_under_every_name() {
    let answer = json!({"improved_content": "better", "changes_made": ["c"], "improvement_summary": "s"});
    let output = answered(Component::Improver, json!({"content": "good", "feedback": {"improvements": ["x"]}}), answer).await;
    let names = ["improved_content", "improved", "content", "changes_made", "improvement_summary", "tokens_used", "model"];
    assert_eq!(keys(&output), names);
    assert_eq!((&output["improved"], &output["content"]), (&json!("better"), &json!("better")));
}

#[tokio::test]
async fn a_selector_gives_the_candidate_itself() {
    let answer = json!({"selected_index": 1, "explanation": "e", "rankings": [{"index": 1, "score": 0.9}], "confidence": 0.9});
    let output = answered(Component::Selector, json!({"candidates": [{"id": "a"}, {"id": "b"}]}), answer).await;
    let expected = json!({"selected": {"id": "b"}, "selected_index": 1, "explanation": "e", "reasoning": "e",
        "rankings": [{"index": 1, "score": 0.9}], "confidence": 0.9, "tokens_used": 12, "model": "small-1"});
    assert_eq!(output, expected);
    let error = Stage::new(Component::Selector, json!({"candidates": []})).error();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Validation, "there are no candidates to pick from"));
}

#[tokio::test]
async fn a_selector_cannot_pick_what_is_not_there() {
    let answer = json!({"selected_index": 2, "explanation": "e", "rankings": [], "confidence": 1}).to_string();
    let server = Server::saying(vec![completion(&[&answer])]).await;
    let stage = Stage::new(Component::Selector, json!({"options": ["a", "b"]})).ai(server.ai(ProviderKind::OpenAi));
    let error = run(&stage).await.outcome.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Validation);
    assert!(error.message.contains("/selected_index"), "{error}");
}

#[tokio::test]
async fn a_synthesizer_counts_its_sources() {
    let answer = json!({"synthesized": "all", "key_themes": ["t"]});
    let output = answered(Component::Synthesizer, json!({"sources": {"a": "1", "b": "2"}}), answer).await;
    let expected = json!({"synthesized": "all", "content": "all", "sources_used": 2, "key_themes": ["t"], "tokens_used": 12, "model": "small-1"});
    assert_eq!(output, expected);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_once_more() {
    let good = "```json\n{\"n\": 3}\n```";
    let mut server = Server::saying(vec![completion(&["three"]), completion(&[good])]).await;
    let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let ended = run(&generator(&server, ProviderKind::OpenAi, json!({"prompt": "n?", "output_schema": schema}))).await;
    assert_eq!(ended.outcome.output["parsed"], json!({"n": 3}));
    assert_eq!(ended.outcome.output["tokens_used"], 24, "both answers count");
    assert_eq!(ended.log, format!("three\n--- not usable, asking once more: it holds no JSON\n{good}"));
    let (_, first) = server.request().await;
    assert_eq!(first["response_format"], json!({"type": "json_object"}));
    assert!(first["messages"][0]["content"].as_str().unwrap().contains("\"required\":[\"n\"]"), "{first}");
    let (_, second) = server.request().await;
    let roles: Vec<_> = second["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[tokio::test]
async fn the_second_answer_that_does_not_fit_is_the_last() {
    let mut server = Server::saying(vec![completion(&["{\"n\": \"three\"}"])]).await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let outcome = run(&generator(&server, ProviderKind::OpenAi, json!({"prompt": "n?", "schema": schema}))).await.outcome;
    let error = outcome.error.unwrap();
    assert_eq!((error.kind, error.recoverable), (ErrorKind::Validation, false));
    assert!(error.message.contains("asked twice: /n: "), "{error}");
    assert_eq!(error.details, json!({"answer": "{\"n\": \"three\"}"}));
    server.request().await;
    server.request().await;
    assert!(server.requests.try_recv().is_err(), "there was no third question");
}

#[tokio::test]
async fn without_a_provider_the_answer_is_made_up_and_says_so() {
    let cases = [
        (Component::Generator, json!({"prompt": "write"}), "content"),
        (Component::Critic, json!({"content": "text", "criteria": {"clear": "is it?"}}), "passes_threshold"),
        (Component::Improver, json!({"content": "text"}), "improved_content"),
        (Component::Selector, json!({"items": ["a", "b"]}), "selected"),
        (Component::Synthesizer, json!({"inputs": ["a", "b"]}), "synthesized"),
    ];
    for (component, config, name) in cases {
        let first = run(&Stage::new(component, config.clone())).await;
        assert_eq!(first.outcome.output["model"], "mock", "{component}");
        assert!(!first.outcome.output[name].is_null(), "{component}: {}", first.outcome.output);
        assert_eq!(first.notes.len(), 1);
        assert_eq!(first.notes[0].0, NoteLevel::Warning);
        assert!(first.notes[0].1.contains("no AI provider is configured"), "{:?}", first.notes);
        assert_eq!(run(&Stage::new(component, config)).await.outcome, first.outcome, "{component}: always the same");
    }
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}});
    let ended = run(&Stage::new(Component::Generator, json!({"prompt": "n?", "output_schema": schema}))).await;
    assert_eq!(ended.outcome.output["parsed"], json!({"n": 2}));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let refused = |component, config: Value| Stage::new(component, config).error().message;
    assert!(refused(Component::Generator, json!({"prompt": ""})).contains("`prompt`"));
    assert!(refused(Component::Generator, json!({"messages": [{"role": "robot", "content": "x"}]})).contains("`robot`"));
    assert!(refused(Component::Generator, json!({"prompt": "x", "output_schema": {"type": 7}})).contains("JSON Schema"));
    assert!(refused(Component::Generator, json!({"prompt": "x", "temperature": "hot"})).contains("`temperature`"));
    assert!(refused(Component::Critic, json!({})).contains("`content`"));
}
