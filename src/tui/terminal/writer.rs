//! Hands whole frames to the terminal from a thread of its own, so that a terminal that does not drain blocks nobody.
//!
//! At most one frame is under way. Until it has gone, the loop makes no other: what the terminal missed is never
//! written, and the next frame is the difference to what it really shows. Tells where the terminal had no room; how long
//! this process itself took says nothing about a line.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::sink::Sink;

/// What writing a frame came to.
pub type Written = io::Result<Option<Stall>>;

/// The terminal refused a part of a frame for a while: its buffer was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// It refused for the first time.
    pub since: Instant,
    /// It took something again, and the bytes that were left then.
    pub resumed: Instant,
    pub left: usize,
    /// It had taken everything.
    pub until: Instant,
}

/// The writing end. Dropping it ends the thread after the frame under way.
#[derive(Debug)]
pub struct Writer {
    frames: Option<SyncSender<Vec<u8>>>,
    written: mpsc::Receiver<Written>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `may_write` is asked before every frame.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(mut output: impl Sink + Send + 'static, may_write: fn() -> bool) -> io::Result<Self> {
        let (frames, next) = sync_channel::<Vec<u8>>(1);
        let (done, written) = mpsc::channel(1);
        let work = move || {
            while let Ok(frame) = next.recv() {
                let result = if may_write() { write(&mut output, &frame) } else { Ok(None) };
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
    pub async fn drained(&mut self) -> Written {
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
        let drained = !self.busy || matches!(tokio::time::timeout(patience, self.drained()).await, Ok(Ok(_)));
        self.frames = None;
        if let Some(thread) = self.thread.take().filter(|_| drained) {
            let _ = thread.join();
        }
        drained
    }
}

/// Writes all of a frame; gives the stretch in which there was no room for it.
fn write(output: &mut impl Sink, frame: &[u8]) -> Written {
    let (mut rest, mut refused, mut resumed) = (frame, None, None);
    while !rest.is_empty() {
        match output.take(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => {
                rest = rest.get(taken..).unwrap_or_default();
                if refused.is_some() && resumed.is_none() {
                    resumed = Some((Instant::now(), rest.len()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                refused.get_or_insert_with(Instant::now);
                output.wait()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let until = Instant::now();
    Ok(refused.zip(resumed).map(|(since, (resumed, left))| Stall { since, resumed, left, until }))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::{Sink, Writer};

    /// A terminal that takes a frame only when told to.
    struct Slow {
        go: Receiver<()>,
        seen: Sender<Vec<u8>>,
    }

    impl Sink for Slow {
        fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.go.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.seen.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn wait(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal that has room for three bytes at a time.
    struct Narrow {
        room: usize,
        seen: Sender<Vec<u8>>,
    }

    impl Sink for Narrow {
        fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(std::mem::take(&mut self.room));
            if taken == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.seen.send(bytes[..taken].to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(taken)
        }

        fn wait(&mut self) -> io::Result<()> {
            self.room = 3;
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_terminal_that_refuses_bytes_is_told_of_and_one_that_takes_its_time_is_not() {
        let (seen, shown) = channel();
        let mut writer = Writer::start(Narrow { room: 2, seen }, || true).expect("a thread");
        writer.send(b"12345678".to_vec());
        let stall = writer.drained().await.expect("written").expect("it had no room");
        assert_eq!(stall.left, 3, "of the bytes after the first refusal");
        assert!(stall.since <= stall.resumed && stall.resumed <= stall.until);
        assert_eq!(shown.try_iter().collect::<Vec<_>>().concat(), b"12345678");
        let ((allow, go), (seen, _shown)) = (channel(), channel());
        let mut writer = Writer::start(Slow { go, seen }, || true).expect("a thread");
        writer.send(b"late, and taken whole".to_vec());
        allow.send(()).expect("the terminal waits");
        assert_eq!(writer.drained().await.expect("written"), None);
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
