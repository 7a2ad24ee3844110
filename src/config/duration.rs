//! Lengths of time as people write them: `500ms`, `30s`, `5m`, `1h30m`, `24h`, `7d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a length of time: whole numbers, each with its unit (`ms`, `s`, `m`, `h`, `d`), largest first.
///
/// # Errors
/// A lower-case fragment that says what is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a length of time such as \"500ms\", \"30s\", \"5m\", \"1h30m\" or \"7d\"");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: u64 = 0;
    let mut smaller_than = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?;
        if *unit >= smaller_than {
            return Err(wrong());
        }
        smaller_than = *unit;
        total = count.checked_mul(*unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[letters..];
    }
    Ok(Duration::from_millis(total))
}

/// Writes a length of time the way `duration` reads it.
pub fn spell(length: Duration) -> String {
    let mut rest = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, unit) in UNITS {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{duration, spell};
    use proptest::{prop_assert_eq, proptest};
    use std::time::Duration;

    #[test]
    fn common_lengths_are_read() {
        for (text, millis) in
            [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("1h30m", 5_400_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            "5",
            "s",
            "5 m",
            "-5m",
            "1.5h",
            "5M",
            "5m5m",
            "5s1h",
            "5mins",
            "99999999999999999999s",
            "300000000000000d",
            "٣s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_back(millis in 0..u64::MAX / 2) {
            let length = Duration::from_millis(millis);
            prop_assert_eq!(duration(&spell(length)), Ok(length));
        }
    }
}
