//! "Did you mean": the known word nearest to the one that was written.

/// The candidate that differs little enough to be what was meant.
pub fn suggest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&written, &candidate.to_lowercase());
    let ranked = candidates.into_iter().map(|candidate| (distance(candidate), candidate));
    ranked.filter(|(distance, _)| *distance <= allowed).min().map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn only_a_near_word_is_suggested() {
        let known = ["deploy", "rollback", "ci"];
        assert_eq!(suggest("depoly", known), Some("deploy"));
        assert_eq!(suggest("Rolback", known), Some("rollback"));
        assert_eq!(suggest("co", known), Some("ci"));
        assert_eq!(suggest("verify", known), None);
    }
}
