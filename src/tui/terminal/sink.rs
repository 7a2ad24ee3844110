//! The terminal as something to write to that says when it has no room, instead of making its writer wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Bytes that are put at once into a terminal of which only the question whether it has room is known.
const PIECE: usize = 256;
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Takes bytes as long as it has room.
pub trait Sink {
    /// Takes some bytes and says how many.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room now; what the terminal says otherwise.
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until there is room.
    ///
    /// # Errors
    /// What the system says.
    fn wait(&mut self) -> io::Result<()>;
}

/// A terminal.
#[derive(Debug)]
pub struct Tty {
    file: File,
    /// Its writes never wait.
    prompt: bool,
}

impl Tty {
    /// The terminal behind a descriptor, opened again: the mode of this one is shared with the shell and stays as it is.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated either.
    pub fn open(shared: impl AsFd) -> io::Result<Self> {
        let name = rustix::termios::ttyname(&shared, Vec::new());
        let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits();
        let open = |path: &Path| OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open(path);
        let again = name.ok().and_then(|name| open(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()))).ok());
        Ok(match again {
            Some(file) => Self { file, prompt: true },
            None => Self { file: File::from(rustix::io::dup(shared)?), prompt: false },
        })
    }

    fn has_room(&self, patience: Option<&Timespec>) -> io::Result<bool> {
        let mut asked = [PollFd::new(&self.file, PollFlags::OUT)];
        match poll(&mut asked, patience) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Sink for Tty {
    fn take(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.prompt {
            return self.file.write(bytes);
        }
        if !self.has_room(Some(&NOW))? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.file.write(&bytes[..bytes.len().min(PIECE)])
    }

    fn wait(&mut self) -> io::Result<()> {
        self.has_room(None).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{ErrorKind, Read};

    use super::{Sink, Tty};

    #[test]
    fn a_terminal_without_room_says_so_in_both_modes_and_has_room_again_once_it_was_read() {
        for prompt in [true, false] {
            let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
            if prompt {
                rustix::io::ioctl_fionbio(&writer, true).expect("a mode");
            }
            let mut tty = Tty { file: File::from(writer), prompt };
            let full = (0..10_000).find_map(|_| tty.take(&[b'x'; 4_096]).err()).expect("no pipe is that large");
            assert_eq!(full.kind(), ErrorKind::WouldBlock);
            File::from(reader.try_clone().expect("a descriptor")).read_exact(&mut [0; 8_192]).expect("its bytes");
            tty.wait().expect("room");
            assert!(tty.take(b"more").is_ok());
        }
    }
}
