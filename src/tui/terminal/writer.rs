//! Hands whole frames to the terminal from a thread of its own, so that a terminal that does not drain blocks nobody.
//!
//! At most one frame is under way. Until it has gone, the loop makes no other: what the terminal missed is never
//! written, and the next frame is the difference to what it really shows.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

/// The writing end. Dropping it ends the thread after the frame under way.
#[derive(Debug)]
pub struct Writer {
    frames: Option<SyncSender<Vec<u8>>>,
    written: mpsc::Receiver<io::Result<()>>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `may_write` is asked before every frame.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(mut output: impl Write + Send + 'static, may_write: fn() -> bool) -> io::Result<Self> {
        let (frames, next) = sync_channel::<Vec<u8>>(1);
        let (done, written) = mpsc::channel(1);
        let work = move || {
            while let Ok(frame) = next.recv() {
                let result = if may_write() { output.write_all(&frame).and_then(|()| output.flush()) } else { Ok(()) };
                if done.blocking_send(result).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("terminal".to_owned()).spawn(work)?;
        Ok(Self { frames: Some(frames), written, busy: false, thread: Some(thread) })
    }

    /// True while a frame has not gone yet.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Sends a frame. Only when not busy; an empty one is not sent.
    pub fn send(&mut self, frame: Vec<u8>) {
        debug_assert!(!self.busy, "one frame at a time");
        if frame.is_empty() {
            return;
        }
        if let Some(frames) = &self.frames {
            self.busy = frames.try_send(frame).is_ok();
        }
    }

    /// Waits until the frame under way has gone. Pends forever when there is none.
    ///
    /// # Errors
    /// What the terminal answered; `BrokenPipe` when the thread is gone.
    pub async fn drained(&mut self) -> io::Result<()> {
        if !self.busy {
            return std::future::pending().await;
        }
        let result = self.written.recv().await;
        self.busy = false;
        result.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Gives the frame under way a moment, then lets go: a thread stuck in a write ends with the process. True when
    /// everything has gone.
    pub async fn finish(mut self, patience: std::time::Duration) -> bool {
        let drained = !self.busy || matches!(tokio::time::timeout(patience, self.drained()).await, Ok(Ok(())));
        self.frames = None;
        if let Some(thread) = self.thread.take().filter(|_| drained) {
            let _ = thread.join();
        }
        drained
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::Writer;

    /// A terminal that takes a frame only when told to.
    struct Slow {
        go: Receiver<()>,
        seen: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.seen.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_terminal_that_does_not_drain_keeps_the_writer_busy_and_nobody_waiting() {
        let ((allow, go), (seen, shown)) = (channel(), channel());
        let mut writer = Writer::start(Slow { go, seen }, || true).expect("a thread");
        writer.send(b"one".to_vec());
        assert!(writer.is_busy());
        allow.send(()).expect("the terminal waits");
        writer.drained().await.expect("written");
        assert!(!writer.is_busy());
        assert_eq!(shown.recv().expect("a frame"), b"one");
        writer.send(b"two".to_vec());
        assert!(!writer.finish(Duration::from_millis(1)).await);
        assert!(shown.try_recv().is_err(), "the second frame never went out");
    }

    #[tokio::test]
    async fn nothing_is_written_after_the_terminal_was_given_back() {
        let ((allow, go), (seen, shown)) = (channel(), channel());
        allow.send(()).expect("open");
        let mut writer = Writer::start(Slow { go, seen }, || false).expect("a thread");
        writer.send(b"late".to_vec());
        writer.drained().await.expect("skipped");
        assert!(shown.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_terminal_that_is_gone_is_an_error() {
        let ((_, go), (seen, _)) = (channel(), channel());
        let mut writer = Writer::start(Slow { go, seen }, || true).expect("a thread");
        writer.send(b"x".to_vec());
        assert_eq!(writer.drained().await.expect_err("gone").kind(), io::ErrorKind::BrokenPipe);
    }
}
