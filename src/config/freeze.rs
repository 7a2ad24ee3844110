//! Freeze windows of an environment: when they begin, how long they last, by which clock.

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;

use super::environment::some_time;
use super::reader::{Node, Reader};
use crate::model::Freeze;

const KEYS: &[&str] = &["cron", "duration", "timezone", "reason"];

pub(super) fn windows(reader: &mut Reader<'_>, value: &Node<'_>) -> Vec<Freeze> {
    let items = reader.list(value, "a list of windows, { cron, duration, timezone, reason }");
    items.into_iter().filter_map(|item| window(reader, item)).collect()
}

fn window(reader: &mut Reader<'_>, item: &Node<'_>) -> Option<Freeze> {
    let table = reader.table(item)?;
    let (mut begins, mut length) = (None, None);
    let (mut timezone, mut reason) = ("UTC".to_owned(), String::new());
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "cron" => begins = reader.parsed(value, cron),
            "duration" => length = reader.parsed(value, some_time),
            "timezone" => timezone = reader.parsed(value, zone).unwrap_or_default(),
            "reason" => reason = reader.text(value).unwrap_or_default(),
            _ => reader.unknown("key", key, KEYS),
        }
    }
    for needed in ["cron", "duration"].into_iter().filter(|key| !table.contains_key(*key)) {
        reader.wrong(item.span(), format!("a freeze window needs a `{needed}`"));
    }
    Some(Freeze { cron: begins?, duration: length?, timezone, reason })
}

/// Five fields, and a moment that comes: a window that never opens would only look like protection.
fn cron(text: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("{text:?} is not a cron expression such as \"0 18 * * FRI\": {why}");
    let fields = text.split_whitespace().count();
    if fields != 5 {
        return Err(wrong(&format!("it has {fields} fields, not minute, hour, day, month and weekday")));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|error| wrong(error.to_string().trim_end_matches('.')))?;
    // From a fixed day, so that a file is right or wrong whatever day it is read on.
    let start = jiff::civil::date(2024, 1, 1).to_zoned(TimeZone::UTC).map_err(|error| wrong(&error.to_string()))?;
    match cron.find_next_occurrence(&start, true) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("{text:?} never comes")),
    }
}

fn zone(text: &str) -> Result<String, String> {
    match TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("this system knows no time zone {text:?}; names are such as \"Europe/Berlin\" or \"UTC\"")),
    }
}
