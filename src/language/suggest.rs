//! "Did you mean": the nearest known word.

/// The candidate nearest to `word`, when it is near enough to be a slip.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.is_empty() || word.len() > 80 {
        return None;
    }
    let fold = |text: &str| text.to_ascii_lowercase().replace(['_', ' '], "-");
    let wanted = fold(word);
    let mut best: Option<(f64, &'a str)> = None;
    for candidate in candidates.into_iter().filter(|candidate| candidate.len() <= 80) {
        let folded = fold(candidate);
        let distance = strsim::damerau_levenshtein(&wanted, &folded);
        let near = distance <= 1 + wanted.len().min(folded.len()) / 4 || (wanted.len() > 2 && folded.starts_with(&wanted));
        #[expect(clippy::cast_precision_loss, reason = "a distance below 100")]
        let score = strsim::jaro_winkler(&wanted, &folded) - distance as f64 * 0.1;
        // Names often come out of a set: of two that are equally near, their order must not decide.
        let better = |(top, name): (f64, &str)| score.total_cmp(&top).then(name.cmp(candidate)).is_gt();
        if near && best.is_none_or(better) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// "did you mean `x`?" for a help line.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// Names in back-ticks, for a help line; long lists are cut.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names.iter().take(30).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 30 {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn of_two_names_equally_near_the_first_in_the_alphabet_is_meant() {
        assert_eq!(nearest("b", ["c", "a"]), Some("a"));
        assert_eq!(nearest("b", ["a", "c"]), Some("a"));
        assert_eq!(nearest("deploi", ["deploy", "a"]), Some("deploy"));
    }
}
