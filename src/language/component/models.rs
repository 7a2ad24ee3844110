//! Components that ask a language model.

use super::Entry;
use crate::language::field::Kind;

/// A node's own keys, and those that all of them have.
macro_rules! model_keys {
    ($($own:tt)*) => {
        keys! {
            $($own)*
            "context": Kind::Any, "Material.";
            "system_prompt" | "system": Kind::Any, "How the model should behave.";
            "provider": Kind::Text, "A provider of flowdeck.toml, or `mock`.";
            "model": Kind::Text, "The model; the provider's own when absent.";
            "temperature": Kind::Number, "How free.";
            "max_tokens": Kind::Integer, "How long.";
            "timeout": Kind::RequestTimeout, "Time for one attempt: up to 300 seconds, above that milliseconds; 10 minutes when absent.";
            "timeout_ms": Kind::Milliseconds, "The same in milliseconds.";
        }
    };
}

pub(super) static GENERATOR: Entry = Entry {
    name: "generator",
    aliases: &[],
    about: "Writes a text with a language model.",
    required: &[&["prompt", "messages"]],
    keys: model_keys! {
        "prompt" | "task": Kind::Any, "What is asked.";
        "messages": Kind::Any, "A conversation: `{role, content}` each.";
        "response_format": Kind::Any, "`text`, `json`, or `{type: json_schema, json_schema: {schema}}`.";
        "output_schema" | "schema": Kind::Any, "JSON Schema of the answer.";
    },
    encloses: false,
    output: &[
        ("content", "The text."),
        ("parsed", "The checked value, when a shape was asked for."),
        ("tokens_used", "As the provider counts, or null."),
        ("finish_reason", "Why the model stopped."),
        ("model", "Who answered; `mock` when nobody did."),
    ],
    example: "\
- id: notes
  type: generator
  config: { prompt: \"Write release notes for {{input.version}}\", context: \"{{input.commits}}\", max_tokens: 500 }
",
};

pub(super) static CRITIC: Entry = Entry {
    name: "critic",
    aliases: &[],
    about: "Judges a text with a language model.",
    required: &[&["content", "prompt"]],
    keys: model_keys! {
        "content": Kind::Any, "What is judged.";
        "criteria": Kind::Any, "By what.";
        "rubric": Kind::Any, "What the scores mean.";
        "threshold": Kind::Number, "The score that passes; 0.7 when absent.";
        "prompt": Kind::Any, "What is asked.";
    },
    encloses: false,
    output: &[
        ("overall_rating", "excellent, good, fair or poor."),
        ("score", "0 to 1."),
        ("feedback", "What the critic says."),
        ("strengths", "A list."),
        ("improvements", "A list."),
        ("criterion_scores", "A score for each criterion."),
        ("passes_threshold", "Whether the score reaches `threshold`."),
        ("tokens_used", "As the provider counts, or null."),
        ("model", "Who answered; `mock` when nobody did."),
    ],
    example: "\
- id: judge
  type: critic
  config: { content: \"{{input.text}}\", criteria: [clear, true], threshold: 0.8 }
",
};

pub(super) static IMPROVER: Entry = Entry {
    name: "improver",
    aliases: &[],
    about: "Improves a text with a language model.",
    required: &[&["content", "prompt"]],
    keys: model_keys! {
        "content": Kind::Any, "What is improved.";
        "feedback": Kind::Any, "What to mend.";
        "instructions": Kind::Any, "How to mend it.";
        "improvement_areas": Kind::Any, "Where.";
        "prompt": Kind::Any, "What is asked.";
    },
    encloses: false,
    output: &[
        ("improved_content", "The better text; `improved` and `content` are the same."),
        ("improved", "The better text."),
        ("content", "The better text."),
        ("changes_made", "A list."),
        ("improvement_summary", "In a sentence."),
        ("tokens_used", "As the provider counts, or null."),
        ("model", "Who answered; `mock` when nobody did."),
    ],
    example: "\
- id: better
  type: improver
  config: { content: \"{{input.text}}\", feedback: \"{{input.feedback}}\" }
",
};

pub(super) static SELECTOR: Entry = Entry {
    name: "selector",
    aliases: &[],
    about: "Picks one of several with a language model.",
    required: &[&["candidates"]],
    keys: model_keys! {
        "candidates" | "options" | "items": Kind::Any, "To pick from.";
        "criteria": Kind::Any, "By what.";
        "prompt": Kind::Any, "What is asked.";
    },
    encloses: false,
    output: &[
        ("selected", "The candidate itself."),
        ("selected_index", "Its place, counted from 0."),
        ("explanation", "Why; `reasoning` is the same."),
        ("reasoning", "Why."),
        ("rankings", "`{index, score, reason}` each."),
        ("confidence", "0 to 1."),
        ("tokens_used", "As the provider counts, or null."),
        ("model", "Who answered; `mock` when nobody did."),
    ],
    example: "\
- id: pick
  type: selector
  config: { candidates: [\"fix it now\", \"roll back\"], criteria: \"least risk\" }
",
};

pub(super) static SYNTHESIZER: Entry = Entry {
    name: "synthesizer",
    aliases: &["combiner", "synthesiser"],
    about: "Makes one text of several with a language model.",
    required: &[&["sources", "prompt"]],
    keys: model_keys! {
        "sources" | "inputs" | "items" | "content": Kind::Any, "The texts.";
        "synthesis_strategy" | "strategy": Kind::Any, "How.";
        "instructions": Kind::Any, "What to mind.";
        "output_format": Kind::Any, "Form of the text.";
        "prompt": Kind::Any, "What is asked.";
    },
    encloses: false,
    output: &[
        ("synthesized", "The text; `content` is the same."),
        ("content", "The text."),
        ("sources_used", "How many texts it was made of."),
        ("key_themes", "A list."),
        ("tokens_used", "As the provider counts, or null."),
        ("model", "Who answered; `mock` when nobody did."),
    ],
    example: "\
- id: summary
  type: synthesizer
  config: { sources: [\"{{input.report}}\", \"{{input.incident}}\"], synthesis_strategy: summary }
",
};
