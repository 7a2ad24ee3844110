//! Language reference: AI nodes, without a provider. With one they are tested in `tests/e2e/ai.rs` and beside their code.

use serde_json::{Value, json};

use super::run;

fn node(kind: &str, config: &str) -> Value {
    let run = run(&format!("{{id: a, type: {kind}, config: {{{config}}}}}"));
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let warned = run["notes"].as_array().expect("notes").iter().any(|note| note["level"] == "warning");
    assert!(warned, "without a provider there is a visible warning: {run:#}");
    let output = run["stages"]["a"]["output"].clone();
    assert_eq!(output["model"], "mock");
    output
}

#[test]
fn without_a_provider_a_generator_gives_its_offline_answer_and_a_warning() {
    let output = node("generator", "prompt: 'say {{1 + 1}}'");
    assert!(output["content"].as_str().is_some_and(|content| content.contains("say 2")), "{output:#}");
    assert_eq!((&output["finish_reason"], &output["tokens_used"]), (&json!("stop"), &json!(0)));
    assert_eq!(node("generator", "prompt: 'say {{1 + 1}}'"), output, "the same question has the same answer");
}

#[test]
fn a_generator_gives_what_fits_the_schema_asked_for() {
    for schema in ["output_schema", "schema"] {
        let output = node(
            "generator",
            &format!("prompt: x, {schema}: {{type: object, required: [n], properties: {{n: {{type: integer}}}}}}"),
        );
        assert!(output["parsed"]["n"].is_i64(), "{output:#}");
    }
}

#[test]
fn a_critic_gives_a_rating_scores_and_whether_the_threshold_is_passed() {
    let output = node("critic", "content: x, criteria: [clear, true], threshold: 0.5");
    let score = output["score"].as_f64().expect("a score");
    assert!((0.0..=1.0).contains(&score));
    assert_eq!(output["passes_threshold"], score >= 0.5);
    assert_eq!(node("critic", "content: x, threshold: 0.99")["passes_threshold"], false);
    assert!(output["overall_rating"].is_string() && output["feedback"].is_string(), "{output:#}");
    assert!(output["strengths"].is_array() && output["improvements"].is_array(), "{output:#}");
    assert_eq!(
        output["criterion_scores"].as_object().map(|scores| scores.keys().cloned().collect()),
        Some(vec!["clear".to_owned(), "true".to_owned()])
    );
}

#[test]
fn an_improver_gives_its_text_under_three_names() {
    let output = node("improver", "content: good, feedback: better");
    assert_eq!(["improved_content", "improved", "content"].map(|name| output[name].clone()), ["good", "good", "good"]);
    assert!(output["changes_made"].is_array() && output["improvement_summary"].is_string());
}

#[test]
fn a_selector_gives_the_candidate_and_its_explanation_under_two_names() {
    for list in ["candidates", "options", "items"] {
        let output = node("selector", &format!("{list}: [{{n: 1}}, {{n: 2}}], criteria: small"));
        assert_eq!((&output["selected"], &output["selected_index"]), (&json!({"n": 1}), &json!(0)));
        assert!(output["explanation"].is_string() && output["explanation"] == output["reasoning"]);
        assert!(output["rankings"].is_array() && output["confidence"].is_number());
    }
}

#[test]
fn a_synthesizer_is_a_combiner_too_and_gives_its_text_under_two_names() {
    for kind in ["synthesizer", "combiner"] {
        for list in ["sources", "inputs", "items", "content"] {
            let output = node(kind, &format!("{list}: [one, two], strategy: short"));
            assert!(output["synthesized"].is_string() && output["synthesized"] == output["content"], "{output:#}");
            assert_eq!(output["sources_used"], 2);
            assert!(output["key_themes"].is_array());
        }
    }
}
