//! What only `flowdeck test` writes.

use super::Entry;
use crate::language::field::Kind;

pub(super) static MOCK: Entry = Entry {
    name: "mock",
    aliases: &[],
    about: "Stands in for another component while a pipeline is tested.",
    required: &[&["component"], &["config"], &["answers"]],
    keys: keys! {
        "component": Kind::Text, "What it stands in for.";
        "config": Kind::Deferred, "That one's config.";
        "answers": Kind::Deferred, "What it may answer.";
        "refusal": Kind::Text, "What is said when no answer fits.";
    },
    encloses: false,
    output: &[],
    example: "- { id: build, type: mock, config: { component: shell, config: { run: make }, answers: [{ output: 1 }] } }\n",
};
