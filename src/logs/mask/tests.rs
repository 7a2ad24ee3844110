use base64::Engine as _;
use proptest::prelude::{Strategy, any, prop, proptest};
use serde_json::json;

use super::{Masker, STANDARD, URL_SAFE};

fn in_pieces(masker: &Masker, pieces: &[&[u8]]) -> String {
    let mut out = Vec::new();
    let mut stream = masker.stream();
    for piece in pieces {
        stream.push(piece, &mut out);
    }
    stream.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_secret_is_hidden_in_an_address_that_was_parsed_and_in_a_pointer() {
    let masker = Masker::new(&["hun\"ter/4'5?6~7^8"]);
    for seen in
        ["hun%22ter/4'5?6~7^8", "hun%22ter/4'5%3F6~7^8", "hun%22ter/4%275?6~7^8", "hun%22ter/4'5?6~7%5E8", "hun\"ter~14'5?6~07^8"]
    {
        assert_eq!(masker.mask_text(&format!("http://x/{seen}")), "http://x/***", "{seen}");
    }
}

#[test]
fn a_secret_is_hidden_in_every_encoding() {
    let secret = "p@ss w/rd\"é\\42";
    let masker = Masker::new(&[secret]);
    let mut seen = vec![
        secret.to_owned(),
        "p%40ss%20w%2Frd%22%C3%A9%5C42".to_owned(),
        "p%40ss%20w%2frd%22%c3%a9%5c42".to_owned(),
        "p%40ss+w%2Frd%22%C3%A9%5C42".to_owned(),
        "p%40ss%20w/rd%22%C3%A9%5C42".to_owned(),
        r#"p@ss w/rd\"é\\42"#.to_owned(),
        r#"p@ss w\/rd\"é\\42"#.to_owned(),
        r#"p@ss w/rd\"\u00e9\\42"#.to_owned(),
    ];
    for engine in [&STANDARD, &URL_SAFE] {
        seen.push(engine.encode(secret));
        seen.push(engine.encode(secret).trim_end_matches('=').to_owned());
    }
    for text in seen {
        assert_eq!(masker.mask_text(&format!("<{text}>")), "<***>", "{text}");
    }
}

#[test]
fn base64_of_a_text_around_the_secret_does_not_show_it() {
    let secret = "correct horse battery";
    let masker = Masker::new(&[secret]);
    for before in ["", "a", "ab", "abc", "user:"] {
        for engine in [&STANDARD, &URL_SAFE] {
            let masked = masker.mask_text(&engine.encode(format!("{before}{secret}, and more")));
            assert!(masked.contains("***"), "{masked}");
            let rest: Vec<u8> = masked.split("***").flat_map(|part| part.bytes()).collect();
            assert!(rest.len() < 30, "{masked}");
        }
    }
}

#[test]
fn each_line_of_a_secret_with_several_lines_is_hidden() {
    let masker = Masker::new(&["-----BEGIN KEY-----\nMIIEabcdef\nxy\nZZZZ9999\n-----END KEY-----\n"]);
    assert_eq!(masker.mask_text("got MIIEabcdef and ZZZZ9999, not xy"), "got *** and ***, not xy");
    assert_eq!(masker.mask_text("a -----BEGIN KEY-----\nMIIEabcdef\nxy\nZZZZ9999\n-----END KEY----- b"), "a *** b");
}

#[test]
fn overlapping_secrets_are_hidden_together() {
    let masker = Masker::new(&["abcdef", "defghi", "cdef"]);
    assert_eq!(masker.mask_text("xabcdefghix"), "x***x");
    assert_eq!(in_pieces(&masker, &[b"xabcdef", b"ghix"]), "x***x");
    assert_eq!(in_pieces(&masker, &[b"xabcdef", b"gx"]), "x***gx");
}

#[test]
fn only_what_may_be_a_secret_is_held_back() {
    let masker = Masker::new(&["hunter22"]);
    let mut stream = masker.stream();
    let mut out = Vec::new();
    stream.push(b"Password: hunt", &mut out);
    assert_eq!(out, b"Password: ");
    stream.push(b"ing season", &mut out);
    assert_eq!(out, b"Password: hunting season");
}

#[test]
fn values_are_masked_with_their_keys_and_numbers() {
    let masker = Masker::new(&["s3cret", "12345"]);
    let masked = masker.mask_value(&json!({"a s3cret": [1, 12345, null, {"x": "is s3cret"}], "b": 123}));
    assert_eq!(masked, json!({"a ***": [1, "***", null, {"x": "is ***"}], "b": 123}));
}

#[test]
fn short_values_are_left_alone_and_debug_shows_nothing() {
    assert!(Masker::new(&["", "1", "abc", "yes\n"]).is_empty());
    assert!(!format!("{:?}", Masker::new(&["s3cret"])).contains("s3cret"));
}

/// Texts of few letters, so that secrets occur, overlap and begin everywhere.
fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!['a', 'b', 'c']), length).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn where_a_stream_is_split_changes_nothing(
        secrets in prop::collection::vec(text(4..8), 1..4),
        whole in text(0..80),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let masker = Masker::new(&secrets);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&whole.as_bytes()[from..cut]);
            from = cut;
        }
        pieces.push(&whole.as_bytes()[from..]);
        let masked = in_pieces(&masker, &pieces);
        assert_eq!(masked, masker.mask_text(&whole));
        for secret in &secrets {
            assert!(!masked.contains(secret.as_str()), "{secret} in {masked}");
        }
        // What is shown are the bytes that no secret covers.
        let mut covered = vec![false; whole.len()];
        for secret in &secrets {
            for at in (0..whole.len()).filter(|at| whole[*at..].starts_with(secret.as_str())) {
                covered[at..at + secret.len()].fill(true);
            }
        }
        let shown: String = whole.chars().zip(&covered).filter(|(_, covered)| !**covered).map(|(letter, _)| letter).collect();
        assert_eq!(masked.replace("***", ""), shown);
    }
}
