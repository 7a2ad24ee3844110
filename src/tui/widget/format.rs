//! Numbers and times as people read them.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// `400ms`, `12.3s`, `3m04s`, `2h07m`, `3d04h`: at most six cells below ten days.
pub fn duration(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{}.{}s", tenths / 10, tenths % 10),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A written duration without its last digits: `37s` for `37.3s`, `3m` for `3m04s`.
pub fn coarse(duration: &str) -> String {
    let unit = |c: char| matches!(c, 's' | 'm' | 'h' | 'd');
    match (duration.split_once('.'), duration.find(unit)) {
        (Some((whole, _)), _) => format!("{whole}s"),
        (None, Some(at)) if at > 0 && !duration.ends_with("ms") => duration[..=at].to_owned(),
        _ => duration.to_owned(),
    }
}

/// A duration that is still growing: whole seconds, so that it changes once a second.
pub fn running(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        _ => duration(elapsed),
    }
}

/// `now`, `12s ago`, `2m ago`, `3h ago`, `5d ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.since(at).as_secs() {
        0..5 => "now".to_owned(),
        seconds @ 5..60 => format!("{seconds}s ago"),
        seconds @ 60..3_600 => format!("{}m ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h ago", seconds / 3_600),
        seconds => format!("{}d ago", seconds / 86_400),
    }
}

/// The zone that clock times are told in.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// The one this machine is set to.
    pub fn of_machine() -> Self {
        Self(TimeZone::system())
    }
}

/// The time on the clock: `14:03` today, `Nov 20 14:03` this year, `2025-11-20` before. For what stands still on screen: an
/// age would have to grow there.
pub fn clock(at: Timestamp, now: Timestamp, zone: &Zone) -> String {
    let zoned = |at: Timestamp| jiff::Timestamp::from_millisecond(at.0).map(|at| at.to_zoned(zone.0.clone()));
    let (Ok(at), Ok(now)) = (zoned(at), zoned(now)) else { return at.to_string() };
    let form = match (at.date() == now.date(), at.year() == now.year()) {
        (true, _) => "%H:%M",
        (false, true) => "%b %e %H:%M",
        (false, false) => "%Y-%m-%d",
    };
    at.strftime(form).to_string()
}

/// `1,234,567`
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `812 B`, `3.4 KB`, `1.2 GB`
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if number < 1_000 {
        return format!("{number} B");
    }
    let mut tenths = number / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// The time of day in UTC, `14:03:07.120`.
pub fn time_of_day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..23).map_or_else(|| text.clone(), str::to_owned)
}

/// A moment in UTC, to the minute: `14:05 UTC`, and on another day than `now` is `11-22 14:05 UTC`.
pub fn utc_clock(at: Timestamp, now: Timestamp) -> String {
    let (text, today) = (at.to_string(), now.to_string());
    let from = if text.get(..10) == today.get(..10) { 11 } else { 5 };
    text.get(from..16).map_or_else(|| text.clone(), |part| format!("{} UTC", part.replace('T', " ")))
}

/// `1 stage`, `2 stages`
pub fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `1 line`, `12,345 lines`
pub fn lines(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "line" } else { "lines" })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Zone, ago, bytes, clock, count, duration, time_of_day, utc_clock};
    use crate::model::Timestamp;

    #[test]
    fn durations_read_like_a_watch() {
        let shown = |millis| duration(Duration::from_millis(millis));
        assert_eq!([shown(0), shown(1_234), shown(59_999)], ["0ms", "1.2s", "59.9s"]);
        let short = |text| super::coarse(text);
        assert_eq!(
            [short("37.3s"), short("3m04s"), short("400ms"), short("9s"), short("kept")],
            ["37s", "3m", "400ms", "9s", "kept"]
        );
        assert_eq!([shown(184_000), shown(7_620_000), shown(273_600_000)], ["3m04s", "2h07m", "3d04h"]);
    }

    #[test]
    fn a_clock_names_the_day_when_it_is_another_one_in_its_zone() {
        let now = Timestamp(1_700_000_000_000);
        let shown = |at, zone: &Zone| clock(Timestamp(at), now, zone);
        let (utc, tokyo) = (Zone::default(), Zone(jiff::tz::TimeZone::fixed(jiff::tz::offset(9))));
        assert_eq!(shown(1_699_996_400_000, &utc), "21:13");
        assert_eq!(shown(1_699_996_400_000, &tokyo), "06:13");
        assert_eq!(shown(1_699_970_000_000, &tokyo), "Nov 14 22:53", "yesterday there");
        assert_eq!(shown(1_600_000_000_000, &utc), "2020-09-13");
    }

    #[test]
    fn counts_sizes_and_times_are_short() {
        assert_eq!([count(7), count(1_234), count(1_234_567)], ["7", "1,234", "1,234,567"]);
        assert_eq!([bytes(812), bytes(3_450), bytes(1_240_000_000)], ["812 B", "3.4 KB", "1.2 GB"]);
        assert_eq!(ago(Timestamp(0), Timestamp(125_000)), "2m ago");
        assert_eq!(time_of_day(Timestamp(1_700_000_000_120)), "22:13:20.120");
        let (now, tomorrow) = (Timestamp(1_700_000_000_120), Timestamp(1_700_086_400_120));
        assert_eq!([utc_clock(now, now), utc_clock(tomorrow, now)], ["22:13 UTC", "11-15 22:13 UTC"]);
    }
}
