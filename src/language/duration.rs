//! Durations as people write them: numbers with the unit their field says, or texts such as `"1h30m"`.

use std::time::Duration;

use serde_json::Value;

/// What a bare number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
    /// `config.timeout` of `http-request`: above 300 it is milliseconds, up to 300 seconds.
    Request,
}

/// Ten thousand days; more is a mistake.
const LONGEST: f64 = 864_000_000.0;

/// A number or a text as a duration; `None` when it is neither, negative or absurdly long.
pub fn of(value: &Value, unit: Unit) -> Option<Duration> {
    match value {
        Value::Number(number) => of_number(number.as_f64()?, unit),
        Value::String(text) => of_text(text, unit),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `"30s"`, `"5m"`, `"1h 30m"`, `"250ms"`, `"2d"`; a bare number counts `unit`s.
pub fn of_text(text: &str, unit: Unit) -> Option<Duration> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number, unit);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = rest[digits..].trim_start();
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        seconds += number * unit_seconds(&tail[..letters])?;
        rest = tail[letters..].trim_start();
    }
    if text.is_empty() { None } else { of_number(seconds, Unit::Seconds) }
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ms" | "millis" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

fn of_number(number: f64, unit: Unit) -> Option<Duration> {
    let seconds = match unit {
        Unit::Seconds => number,
        Unit::Milliseconds => number / 1000.0,
        Unit::Request if number > 300.0 => number / 1000.0,
        Unit::Request => number,
    };
    (0.0..=LONGEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Unit, of};

    #[test]
    fn a_number_counts_what_its_field_says_and_a_text_says_it_itself() {
        let millis = |value, unit| of(&value, unit).map(|duration| duration.as_millis());
        assert_eq!(millis(json!(60), Unit::Seconds), Some(60_000));
        assert_eq!(millis(json!(0.5), Unit::Seconds), Some(500));
        assert_eq!(millis(json!(5000), Unit::Milliseconds), Some(5_000));
        assert_eq!(millis(json!(300), Unit::Request), Some(300_000));
        assert_eq!(millis(json!(30000), Unit::Request), Some(30_000));
        assert_eq!(millis(json!("30s"), Unit::Milliseconds), Some(30_000));
        assert_eq!(millis(json!("1h 30m"), Unit::Request), Some(5_400_000));
        assert_eq!(millis(json!("250ms"), Unit::Seconds), Some(250));
        assert_eq!(of(&json!("2 d"), Unit::Seconds), Some(Duration::from_secs(172_800)));
    }

    #[test]
    fn nonsense_is_no_duration() {
        for value in
            [json!(-1), json!("soon"), json!("5 parsecs"), json!(""), json!(1e300), json!("NaN"), json!(true), json!(null)]
        {
            assert_eq!(of(&value, Unit::Seconds), None, "{value}");
        }
    }
}
