//! What other processes send: event streams of the engine and of AI providers, the frames of a runner.

use flowdeck::client::Frames;
use flowdeck::model::{Event, Run, Signal};
use flowdeck::operators::Events;
use flowdeck::runner::protocol::{Command, Message, line};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub const WORDS: &[&str] = &[
    "data: ",
    "data:",
    "event: ",
    "event: snapshot\n",
    "event: event\n",
    "event: signal\n",
    "\n\n",
    "\r\n\r\n",
    "\r",
    ": ping\n",
    "id: 1\n",
    "[DONE]",
    "\"choices\"",
    "\"hello\"",
    "\"start\"",
    "\"cancel\"",
    "\"ack\"",
    "\"shutdown\"",
    "\"welcome\"",
    "\"finished\"",
    "\"progress\"",
    "\"attempt\": ",
    "\"stage\": ",
    "\"pid\": ",
    "\"exit\": {",
    "\"spec\": {",
    "4294967296",
    "-1",
    "null",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\u{fffd}",
];

/// Bytes of an event stream, in pieces of any size.
pub fn events(data: &[u8]) {
    let step = data.first().map_or(1, |byte| usize::from(*byte % 13) + 1);
    let mut frames = Frames::default();
    let cut: Vec<_> = data.chunks(step).flat_map(|piece| frames.push(piece)).collect();
    assert_eq!(cut, Frames::default().push(data), "frames depend on how the bytes are cut");
    for (_, body) in &cut {
        // Whatever it is: an error, never a panic.
        let _ = serde_json::from_str::<Event>(body);
        let _ = serde_json::from_str::<Run>(body);
        let _ = serde_json::from_str::<Signal>(body);
    }
    assert_eq!(provider(&[data]), provider(&data.chunks(step).collect::<Vec<_>>()), "events depend on how the bytes are cut");
}

fn provider(pieces: &[&[u8]]) -> Option<Vec<String>> {
    let (mut events, mut found) = (Events::default(), Vec::new());
    for piece in pieces {
        events.push(piece, &mut found).ok()?;
    }
    events.finish(&mut found);
    Some(found)
}

/// A line between engine and runner; written again it says the same.
pub fn runner(data: &[u8]) {
    stable::<Command>(data);
    stable::<Message>(data);
}

fn stable<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    let written = line(&read);
    assert_eq!(memchr::memchr(b'\n', &written), Some(written.len() - 1), "a message is one line");
    let again: T = serde_json::from_slice(&written).expect("a message that was written can be read");
    assert_eq!(line(&again), written);
}
