//! Any keys, any news, any size: no panic, no control character, nothing ordered without a question.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::driver::Driver;
use crate::model::{LogName, StageId, Timestamp};
use crate::tui::action::ALL;
use crate::tui::backend::{Reply, Request};
use crate::tui::glyph::Charset;
use crate::tui::message::Message;
use crate::tui::widget::log::{LogPane, Subject, scripted::Scripted};
use crate::tui::widget::paint::{Look, Paint};

#[derive(Debug, Clone)]
enum Step {
    Key(&'static str),
    Resize(u16, u16),
    Grow(u64),
    Paste(String),
    Refresh,
}

fn step() -> impl Strategy<Value = Step> {
    let keys: Vec<&'static str> = ALL.iter().flat_map(|facts| facts.keys.iter().copied()).filter(|key| *key != "f1").collect();
    prop_oneof![
        12 => prop::sample::select(keys).prop_map(Step::Key),
        2 => (1u16..220, 1u16..70).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => (1u16..12, 1u16..6).prop_map(|(width, height)| Step::Resize(width, height)),
        2 => (0u64..100_000).prop_map(Step::Grow),
        1 => "(\\PC|\u{1b}|\r|日|\u{301}){0,12}".prop_map(Step::Paste),
        1 => Just(Step::Refresh),
    ]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(96))]
    #[test]
    fn nothing_a_person_or_the_engine_does_breaks_the_console(steps in prop::collection::vec(step(), 1..90), ascii in any::<bool>()) {
        let charset = if ascii { Charset::Ascii } else { Charset::Unicode };
        let mut driver = Driver::new(80, 24, charset);
        for step in steps {
            match step {
                Step::Key(key) => driver.keys(key),
                Step::Resize(width, height) => driver.send(Message::Resize { width, height }),
                Step::Grow(lines) => {
                    driver.lines = driver.lines.max(lines);
                    let (run, stage) = (driver.runs[0].id.clone(), StageId::new("unit-tests"));
                    driver.reply(Reply::LogGrew { run, stage, attempt: 1, lines, bytes: lines * 60 });
                }
                Step::Paste(text) => driver.send(Message::Paste(text)),
                Step::Refresh => {
                    let runs = driver.runs.iter().rev().map(crate::model::Run::summary).collect();
                    driver.reply(Reply::Runs(runs));
                }
            }
            let buffer = driver.buffer();
            prop_assert!(!buffer.content.iter().any(|cell| cell.symbol().chars().any(char::is_control)));
        }
        let forced = driver.asked.iter().any(|request| matches!(request, Request::Cancel { force: true, .. }));
        prop_assert!(!forced, "a run that nobody cancelled was killed");
    }

    #[test]
    fn hostile_log_bytes_stay_in_their_cells(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..12),
        wrap in any::<bool>(), width in 3u16..90) {
        let area = Rect::new(2, 1, width, 8);
        let mut pane = LogPane::new(Charset::Unicode);
        pane.show(Some(Subject { log: Some(LogName { stage: StageId::new("x"), attempt: 1 }), start: Timestamp(0) }));
        if wrap {
            pane.toggle_wrap();
        }
        pane.fit(area.width, area.height);
        let query = pane.wants().expect("a first window");
        let engine = Scripted::new(lines.len() as u64, |n| String::from_utf8_lossy(&lines[usize::try_from(n).expect("small")]).into_owned());
        pane.take(&query, engine.lines(&query));
        pane.fit(area.width, area.height);
        let mut buffer = Buffer::filled(Rect::new(0, 0, width + 4, 10), ratatui::buffer::Cell::new("#"));
        let look = Look::default();
        let mut paint = Paint::new(&mut buffer, &look);
        paint.clear(area);
        pane.draw(&mut paint, area, true);
        for y in 0..10 {
            for x in 0..width + 4 {
                let symbol = buffer[(x, y)].symbol();
                prop_assert!(!symbol.chars().any(char::is_control));
                let inside = area.contains((x, y).into());
                prop_assert!(inside || symbol == "#", "cell {x},{y} outside the pane was painted");
                let wide = unicode_width::UnicodeWidthStr::width(symbol) > 1;
                prop_assert!(!wide || x + 1 < area.right(), "a wide glyph sticks out");
            }
        }
    }
}
