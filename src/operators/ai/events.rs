//! Server-sent events out of bytes as they arrive. Keeps only the data; bounded.

/// An event larger than this is no piece of an answer.
const MOST: usize = 1024 * 1024;

/// What came of an event that is not over yet.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed after it ends no further line.
    returned: bool,
}

/// An event beyond all bounds.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Events {
    /// Takes bytes and appends the data of every event they complete.
    ///
    /// # Errors
    /// When an event goes on beyond a mebibyte.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<String>) -> Result<(), TooLarge> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let feed = rest[end] == b'\n';
            if !(feed && self.returned && end == 0) {
                self.line.extend_from_slice(&rest[..end]);
                self.end_line(events);
            }
            self.returned = !feed;
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.returned = false;
            self.line.extend_from_slice(rest);
        }
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held > MOST { Err(TooLarge) } else { Ok(()) }
    }

    /// The stream is over: some servers forget the blank line after the last event.
    pub fn finish(&mut self, events: &mut Vec<String>) {
        self.end_line(events);
        events.extend(self.data.take());
    }

    fn end_line(&mut self, events: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            events.extend(self.data.take());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                none => *none = Some(value.into_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Events, MOST, TooLarge};

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        pieces.iter().for_each(|piece| events.push(piece, &mut found).unwrap());
        events.finish(&mut found);
        found
    }

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let text = b"event: a\ndata: one\n\n: ping\r\ndata:two\r\ndata: lines\r\n\r\ndata: \xc3\xa9\n\ndata: last";
        let whole = read(&[text]);
        assert_eq!(whole, ["one", "two\nlines", "é", "last"]);
        for cut in 0..text.len() {
            assert_eq!(read(&[&text[..cut], &text[cut..]]), whole, "cut at {cut}");
        }
        assert_eq!(read(&text.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut events = Events::default();
        let piece = vec![b'x'; MOST];
        assert_eq!(events.push(&piece, &mut Vec::new()), Ok(()));
        assert_eq!(events.push(&piece, &mut Vec::new()), Err(TooLarge));
    }
}
