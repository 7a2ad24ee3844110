//! What must be true of every line of the table.

use std::collections::HashSet;

use super::Component;
use crate::language::{Format, load};

#[test]
fn a_type_may_be_written_in_kebab_or_snake_case_or_by_its_alias() {
    for component in Component::ALL {
        let entry = component.entry();
        assert_eq!(Component::from_name(entry.name), Some(*component));
        assert_eq!(Component::from_name(&entry.name.replace('-', "_").to_uppercase()), Some(*component));
        for alias in entry.aliases {
            assert_eq!(Component::from_name(alias), Some(*component), "{alias}");
        }
    }
    assert_eq!(Component::from_name("http_request"), Some(Component::HttpRequest));
    assert_eq!(Component::from_name("combiner"), Some(Component::Synthesizer));
    assert_eq!(Component::from_name("htp-request"), None);
}

#[test]
fn no_key_stands_twice_and_what_others_speak_of_is_there() {
    for component in Component::ALL {
        let entry = component.entry();
        let mut seen = HashSet::new();
        assert!(entry.keys.iter().all(|field| seen.insert(field.name)), "{component}");
        let mut named =
            entry.required.iter().copied().flatten().chain(entry.keys.iter().filter_map(|field| field.alias_of.as_ref()));
        assert!(named.all(|key| component.key(key).is_some_and(|field| field.alias_of.is_none())), "{component}");
    }
}

#[test]
fn the_example_of_every_component_is_a_pipeline_without_a_warning() {
    for component in Component::written() {
        let example = component.entry().example;
        let text = format!("name: example\nstages:\n{example}");
        let loaded = load(&text, Format::Yaml);
        assert_eq!(loaded.problems, [], "{component}:\n{text}");
        let pipeline = loaded.pipeline.unwrap();
        assert!(pipeline.stages.iter().any(|stage| stage.component == component), "{component}: not in its own example");
    }
}
