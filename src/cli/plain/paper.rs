//! Where lines go: a thread that writes, behind a short queue. Whoever reads slowly holds up the telling, never the run,
//! and never Ctrl-C.

use std::io::Write;

use tokio::sync::{mpsc, oneshot};

/// How many pieces may wait to be written.
const WAITING: usize = 16;

#[derive(Debug)]
enum Piece {
    Out(Vec<u8>),
    Err(String),
}

/// The sending end. Text is already harmless for a terminal.
#[derive(Debug)]
pub struct Paper {
    pieces: mpsc::Sender<Piece>,
    done: oneshot::Receiver<()>,
}

/// For words that must not wait; it does not keep the paper open.
#[derive(Debug, Clone)]
pub struct Aside(mpsc::WeakSender<Piece>);

impl Paper {
    pub fn new() -> Self {
        let (pieces, mut waiting) = mpsc::channel(WAITING);
        let (finished, done) = oneshot::channel();
        std::thread::spawn(move || {
            while let Some(piece) = waiting.blocking_recv() {
                // Lines that nobody reads any more must not end the telling: its exit code is the run's verdict.
                let _ = match piece {
                    Piece::Out(bytes) => write(&bytes),
                    Piece::Err(line) => writeln!(std::io::stderr(), "{line}"),
                };
            }
            let _ = finished.send(());
        });
        Self { pieces, done }
    }

    /// Text on standard output, when there is room for it.
    pub async fn out(&self, text: String) {
        // The thread lives as long as this.
        let _ = self.pieces.send(Piece::Out(text.into_bytes())).await;
    }

    /// A line on standard error, in its order.
    pub async fn err(&self, line: String) {
        let _ = self.pieces.send(Piece::Err(line)).await;
    }

    pub fn aside(&self) -> Aside {
        Aside(self.pieces.downgrade())
    }

    /// Waits until everything is written.
    pub async fn finish(self) {
        drop(self.pieces);
        let _ = self.done.await;
    }
}

impl Aside {
    /// A line on standard error; lost where nobody reads.
    pub fn err(&self, line: &str) {
        if let Some(pieces) = self.0.upgrade() {
            let _ = pieces.try_send(Piece::Err(line.to_owned()));
        }
    }
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
