//! The results as JUnit's XML, which every CI reads: a suite per file, the pipeline as the class.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use super::report::{Entry, Results, Status, explained};

/// The whole report.
pub fn document(results: &Results<'_>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let sums = |entries: &[&Entry<'_>]| {
        let count =
            |name: &str| entries.iter().filter(|entry| entry.status().is_some_and(|status| status.name() == name)).count();
        let (failed, broken, skipped) = (count("failed"), count("error"), count("skipped"));
        format!("tests=\"{}\" failures=\"{failed}\" errors=\"{broken}\" skipped=\"{skipped}\"", entries.len())
    };
    let all: Vec<&Entry<'_>> = results.entries.iter().collect();
    let _ = writeln!(xml, "<testsuites name=\"flowdeck\" {} time=\"{}\">", sums(&all), seconds(results.duration));
    for (file, entries) in results.by_file() {
        let time = entries.iter().filter_map(|entry| entry.verdict.as_ref()).map(|verdict| verdict.duration).sum();
        let name = escaped(&file.file);
        let _ = writeln!(xml, "  <testsuite name=\"{name}\" {} time=\"{}\" file=\"{name}\">", sums(&entries), seconds(time));
        entries.iter().for_each(|entry| test_case(&mut xml, entry));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn test_case(xml: &mut String, entry: &Entry<'_>) {
    let time = entry.verdict.as_ref().map_or(Duration::ZERO, |verdict| verdict.duration);
    let (name, class) = (escaped(&entry.case.name), escaped(entry.file.tested.name()));
    let (file, line) = (escaped(&entry.file.file), entry.case.line);
    let _ = write!(
        xml,
        "    <testcase name=\"{name}\" classname=\"{class}\" file=\"{file}\" line=\"{line}\" time=\"{}\"",
        seconds(time)
    );
    let Some(status) = entry.status().filter(|status| **status != Status::Passed) else { return xml.push_str("/>\n") };
    let lines = explained(status);
    let message = escaped(lines.first().map_or("", String::as_str)).into_owned();
    let text = escaped(&lines.join("\n")).into_owned();
    let _ = match status {
        Status::Skipped(reason) => writeln!(xml, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escaped(reason)),
        Status::Broken(_) => writeln!(xml, ">\n      <error message=\"{message}\">{text}</error>\n    </testcase>"),
        Status::Failed(_) | Status::Passed => {
            writeln!(xml, ">\n      <failure message=\"{message}\" type=\"assertion\">{text}</failure>\n    </testcase>")
        }
    };
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Safe in text and in quoted attributes. Characters that XML cannot hold at all become U+FFFD; line breaks keep their
/// meaning in attributes only as references.
fn escaped(text: &str) -> Cow<'_, str> {
    let harmless =
        |c: char| c >= ' ' && !matches!(c, '&' | '<' | '>' | '"' | '\'' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if harmless(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn whatever_a_test_is_called_the_xml_stays_well_formed() {
        assert_eq!(escaped("plain ünï 🙂"), "plain ünï 🙂");
        assert_eq!(escaped("a<b> & \"c\" 'd'\n\t\r"), "a&lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;&#10;&#9;&#13;");
        assert_eq!(escaped("\u{0}\u{1b}[31m\u{7f}\u{85}\u{ffff}"), "\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(escaped("]]>"), "]]&gt;");
    }
}
