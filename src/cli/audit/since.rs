//! A point in time as people name it: so long ago, a day, or exactly.

use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::duration;
use crate::model::Timestamp;

/// Reads `24h` (ago), `2026-01-31` (its beginning, UTC) or an RFC 3339 time.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let now = jiff::Timestamp::try_from(SystemTime::now()).map_err(|error| error.to_string())?;
    before(now, text)
}

fn before(now: jiff::Timestamp, text: &str) -> Result<Timestamp, String> {
    let ago = |length| now.checked_sub(length).map_err(|error| error.to_string());
    let at = if let Ok(length) = duration(text) {
        ago(length)?
    } else if let Ok(day) = text.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC))
        && !text.contains(['T', 't', ' '])
    {
        day.timestamp()
    } else {
        let wrong = |_| format!("{text:?} is no time such as \"24h\", \"2026-01-31\" or \"2026-01-31T08:00:00Z\"");
        text.parse::<jiff::Timestamp>().map_err(wrong)?
    };
    Ok(Timestamp(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = "2026-02-01T12:00:00Z".parse().unwrap();
        let read = |text: &str| before(now, text).map(|at| at.to_string());
        assert_eq!(read("24h").unwrap(), "2026-01-31T12:00:00.000Z");
        assert_eq!(read("2026-01-31").unwrap(), "2026-01-31T00:00:00.000Z");
        assert_eq!(read("2026-01-31T08:00:00+01:00").unwrap(), "2026-01-31T07:00:00.000Z");
        for text in ["", "yesterday", "2026-13-01", "2026-01-31T08:00:00", "9999999d"] {
            assert!(read(text).is_err(), "{text:?}: {:?}", read(text));
        }
    }
}
