//! Numbers about many: shares, percentiles, and a line of bars. Pure; missing values stay missing.

use super::glyph::Charset;

/// The value that `percent` of the values do not exceed (nearest rank); none of none.
pub fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// `98.3%`; `n/a` of nothing. Rounded down, so that only all is 100.0%.
pub fn share(part: usize, whole: usize) -> String {
    match (part * 1_000).checked_div(whole) {
        Some(tenths) => format!("{}.{}%", tenths / 10, tenths % 10),
        None => "n/a".to_owned(),
    }
}

/// One bar for each value, the highest as high as a cell; a gap where there is none.
pub fn bars(values: impl Iterator<Item = Option<u64>> + Clone, charset: Charset) -> String {
    let most = values.clone().flatten().max().unwrap_or(0).max(1);
    let levels = charset.bars();
    let last = levels.len() as u64 - 1;
    let level = |value: u64| usize::try_from((u128::from(value) * u128::from(last)).div_ceil(u128::from(most))).unwrap_or(0);
    values.map(|value| value.and_then(|value| levels.get(level(value))).map_or(" ", |bar| *bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::{bars, percentile, share};
    use crate::tui::glyph::Charset;

    #[test]
    fn a_percentile_is_a_value_that_was_seen() {
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!([50, 95, 99, 100].map(|percent| percentile(&values, percent)), [Some(50), Some(95), Some(99), Some(100)]);
        assert_eq!((percentile(&[7], 50), percentile(&[7], 99), percentile(&[], 50)), (Some(7), Some(7), None));
        assert_eq!(percentile(&[1, 2, 3], 50), Some(2));
    }

    #[test]
    fn only_all_is_a_hundred_percent_and_of_nothing_there_is_no_share() {
        assert_eq!([share(1, 1), share(1_999, 2_000), share(0, 3), share(0, 0)], ["100.0%", "99.9%", "0.0%", "n/a"]);
    }

    #[test]
    fn bars_grow_with_the_value_and_a_missing_one_is_a_gap() {
        let values = [Some(0), Some(1), Some(50), None, Some(100)];
        assert_eq!(bars(values.into_iter(), Charset::Unicode), "▁▂▅ █");
        assert!(bars(values.into_iter(), Charset::Ascii).is_ascii());
        assert_eq!(bars([Some(0), Some(0)].into_iter(), Charset::Unicode), "▁▁");
        assert_eq!(bars([Some(u64::MAX)].into_iter(), Charset::Unicode), "█");
    }
}
