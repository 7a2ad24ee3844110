//! Standard output and standard error, where somebody may have stopped reading.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use super::exit;

/// A line on standard output. Nobody left to read it ends the process quietly; any other failure ends it with a word.
pub fn line(text: Arguments<'_>) {
    if let Err(error) = try_line(text) {
        leave(&error);
    }
}

/// A line on standard output, for a command that has something to put in order before it ends.
pub fn try_line(text: Arguments<'_>) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

/// Bytes on standard output, as they are.
pub fn bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        leave(&error);
    }
}

/// Standard output as a place to write much to; leaves like `bytes` when nobody reads on.
#[derive(Debug)]
pub struct Out;

impl Write for Out {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        bytes(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A line on standard error; a terminal that is gone is no reason to stop.
pub fn error(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn leave(problem: &std::io::Error) -> ! {
    if problem.kind() == ErrorKind::BrokenPipe {
        std::process::exit(i32::from(exit::SUCCESS));
    }
    error(format_args!("error: standard output: {problem}"));
    std::process::exit(i32::from(exit::FAILED))
}
