//! The way out to the engine: written to by any thread, never waiting for the engine to read.

use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::SendFlags;

/// The connection's writing end, with what the socket did not take yet.
#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
    backlog: Vec<u8>,
}

impl Link {
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, backlog: Vec::new() }
    }

    /// Sends a line, or keeps it. True when it now has to be pushed later. What is kept is bounded by the number
    /// of attempts: each has one start and one end.
    pub fn send(&mut self, line: &[u8]) -> bool {
        let was_waiting = self.has_backlog();
        self.backlog.extend_from_slice(line);
        if !was_waiting {
            self.flush();
        }
        self.has_backlog()
    }

    /// Sends a line that is worthless later: nothing is kept when the engine is behind.
    pub fn send_if_free(&mut self, line: &[u8]) -> bool {
        !self.has_backlog() && self.send(line)
    }

    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Writes what the socket takes now. A broken connection is noticed where it is read.
    pub fn flush(&mut self) {
        while !self.backlog.is_empty() {
            match rustix::net::send(&self.stream, &self.backlog, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => drop(self.backlog.drain(..sent)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.backlog.clear(),
            }
        }
    }
}
