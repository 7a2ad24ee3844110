use std::collections::BTreeMap;

use proptest::prelude::{Strategy, any, prop, prop_assert_eq, prop_assert_ne, proptest};
use serde_json::{Value, json};

use super::{WORDS, differences, digest, document, inputs_hash, keyed, policy_hash};
use crate::model::{Environment, Subject, SubjectKind};
use crate::policy::scene;

fn subjects() -> impl Strategy<Value = Subject> {
    let texts = prop::collection::vec("[a-c]{0,3}", 8);
    let kinds = prop::sample::select(vec![SubjectKind::Deploy, SubjectKind::Rollback, SubjectKind::Override]);
    let map = || prop::collection::btree_map("[a-b]{1,2}", "[a-b]{0,2}", 0..3);
    (texts, kinds, map(), map(), any::<[bool; 2]>()).prop_map(|(text, kind, artefacts, upstream, [service, live])| Subject {
        environment: text[0].clone(),
        service: service.then(|| text[1].clone()),
        kind,
        run: text[2].as_str().into(),
        stage: text[3].as_str().into(),
        pipeline_digest: text[4].clone(),
        artefacts,
        inputs_hash: text[5].clone(),
        upstream: upstream.into_iter().map(|(stage, hash)| (stage.as_str().into(), hash)).collect(),
        live_release: live.then(|| text[6].as_str().into()),
        policy_hash: text[7].clone(),
    })
}

/// A subject with one field taken from another one.
fn with(field: usize, of: &Subject, from: &Subject) -> Subject {
    let mut changed = of.clone();
    match field {
        0 => changed.environment.clone_from(&from.environment),
        1 => changed.service.clone_from(&from.service),
        2 => changed.kind = from.kind,
        3 => changed.run = from.run.clone(),
        4 => changed.stage = from.stage.clone(),
        5 => changed.pipeline_digest.clone_from(&from.pipeline_digest),
        6 => changed.artefacts.clone_from(&from.artefacts),
        7 => changed.inputs_hash.clone_from(&from.inputs_hash),
        8 => changed.upstream.clone_from(&from.upstream),
        9 => changed.live_release.clone_from(&from.live_release),
        _ => changed.policy_hash.clone_from(&from.policy_hash),
    }
    changed
}

proptest! {
    #[test]
    fn a_change_of_any_field_changes_the_digest_and_is_named(one in subjects(), other in subjects(), field in 0..11_usize) {
        let changed = with(field, &one, &other);
        if changed == one {
            prop_assert_eq!(digest(&changed), digest(&one));
        } else {
            prop_assert_ne!(digest(&changed), digest(&one));
            prop_assert_eq!(differences(&one, &changed), vec![WORDS[field].1]);
        }
    }

    #[test]
    fn two_subjects_have_one_digest_only_if_they_are_the_same(one in subjects(), other in subjects()) {
        prop_assert_eq!(one == other, digest(&one) == digest(&other));
    }
}

#[test]
fn every_field_of_the_document_has_words() {
    let subject = scene::subject();
    let fields: Vec<String> = document(&subject).as_object().expect("an object").keys().cloned().collect();
    let worded: Vec<&str> = WORDS.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields[1..], worded[..], "all but the format");
    assert_eq!(serde_json::to_value(&subject).expect("serializes").as_object().expect("an object").len(), worded.len());
}

#[test]
fn the_order_of_keys_in_inputs_does_not_change_their_hash_and_a_value_does() {
    let text = |text: &str| inputs_hash(&serde_json::from_str::<Value>(text).expect("json"), &BTreeMap::new());
    assert_eq!(text(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#), text(r#"{"b": {"d": 3.0, "c": 2}, "a": 1}"#));
    assert_ne!(text(r#"{"a": 1}"#), text(r#"{"a": "1"}"#));
}

#[test]
fn a_secret_whose_value_changed_under_the_same_name_is_another_subject() {
    let hash = |value: &[u8]| {
        inputs_hash(
            &json!({}),
            &BTreeMap::from([("DEPLOY_TOKEN".to_owned(), keyed(b"key of the engine", "DEPLOY_TOKEN", value))]),
        )
    };
    let before = Subject { inputs_hash: hash(b"old"), ..scene::subject() };
    let after = Subject { inputs_hash: hash(b"new"), ..scene::subject() };
    assert_ne!(digest(&before), digest(&after));
    assert_eq!(differences(&before, &after), ["the inputs or secrets"]);
}

#[test]
fn a_keyed_hash_depends_on_the_key_the_name_and_the_value_each_alone() {
    let hash = keyed(b"k", "ab", b"c");
    assert_eq!(hash.len(), 64);
    for other in [keyed(b"l", "ab", b"c"), keyed(b"k", "a", b"bc"), keyed(b"k", "ab", b"d")] {
        assert_ne!(hash, other);
    }
}

#[test]
fn rules_that_were_changed_are_another_policy() {
    let open = Environment::open("production");
    let stricter = Environment { protected: true, ..open.clone() };
    assert_ne!(policy_hash(&open), policy_hash(&stricter));
}
