//! Where copied text goes: to tmux inside tmux, to the terminal's clipboard (OSC 52), or else to a file.
//!
//! The text itself never reaches the terminal as it is: tmux and files take its bytes, OSC 52 carries it in base64.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::terminal::{Abilities, modes};
use super::widget::format;

/// Text that a terminal is given at most: 100 000 bytes in base64, what the terminals that limit it take.
pub const MOST_FOR_TERMINAL: usize = 74_994;
/// Text beyond this goes to a file and nowhere else.
pub const MOST_IN_MEMORY: usize = 8 * 1024 * 1024;
/// How long tmux may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What the terminal has to be sent for it.
    pub bytes: Vec<u8>,
    /// A sentence for the user, or why it went nowhere.
    pub said: Result<String, String>,
}

/// Brings a text where the user can paste it from; `what` says what it is.
pub async fn deliver(text: String, what: String, abilities: &Abilities, in_tmux: bool, dir: &Path) -> Delivery {
    let size = format::bytes(text.len() as u64);
    let said = |way: &str| Ok(format!("copied {what}, {size} ({way})"));
    if in_tmux && into_tmux(&text).await.is_ok() {
        return Delivery { bytes: Vec::new(), said: said("tmux buffer") };
    }
    let short = text.len() <= MOST_FOR_TERMINAL;
    if let Some(bytes) = short.then(|| modes::clipboard(abilities, &text)).flatten() {
        return Delivery { bytes, said: said("OSC 52") };
    }
    let saved = create(dir).and_then(|(mut file, path)| file.write_all(text.as_bytes()).map(|()| path));
    let said = match saved {
        Ok(path) if short => Ok(format!("{what}, {size}, no clipboard here: in {}", path.display())),
        Ok(path) => Ok(in_file(&what, &size, &path.display().to_string())),
        Err(error) => Err(format!("{what} could not be copied: {error}")),
    };
    Delivery { bytes: Vec::new(), said }
}

/// The sentence about a text that is in a file.
pub fn in_file(what: &str, size: &str, path: &str) -> String {
    format!("{what}, {size}, too much for the clipboard: in {path}")
}

async fn into_tmux(text: &str) -> io::Result<()> {
    let mut command = Command::new("tmux");
    command.args(["load-buffer", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let work = async {
        let mut tmux = command.spawn()?;
        if let Some(mut input) = tmux.stdin.take() {
            input.write_all(text.as_bytes()).await?;
        }
        tmux.wait().await
    };
    let status = tokio::time::timeout(PATIENCE, work).await.map_err(|_| io::ErrorKind::TimedOut)??;
    if status.success() { Ok(()) } else { Err(io::Error::other("tmux did not take it")) }
}

/// A new file in a directory, for its owner only.
///
/// # Errors
/// What the system says.
pub fn create(dir: &Path) -> io::Result<(File, PathBuf)> {
    let path = dir.join(format!("flowdeck-copy-{}.txt", uuid::Uuid::now_v7().simple()));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    Ok((file, path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{MOST_FOR_TERMINAL, deliver};
    use crate::tui::terminal::{Abilities, capabilities};

    fn terminal(name: &str) -> Abilities {
        capabilities(|variable| (variable == "TERM").then(|| name.to_owned())).0
    }

    fn xterm() -> Abilities {
        terminal("xterm-256color")
    }

    #[tokio::test]
    async fn a_terminal_without_a_clipboard_is_sent_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let delivery = deliver("text".to_owned(), "1 line".to_owned(), &terminal("linux"), false, dir.path()).await;
        assert_eq!(delivery.bytes, b"");
        assert!(delivery.said.unwrap().starts_with("1 line, 4 B, no clipboard here: in "));
    }

    #[tokio::test]
    async fn a_short_text_goes_to_the_terminal_in_base64_and_never_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let delivery = deliver("\u{1b}]0;owned\u{7}".to_owned(), "1 line".to_owned(), &xterm(), false, dir.path()).await;
        assert_eq!(delivery.bytes, b"\x1b]52;c;G10wO293bmVkBw==\x07");
        assert_eq!(delivery.said.as_deref(), Ok("copied 1 line, 10 B (OSC 52)"));
    }

    #[tokio::test]
    async fn what_is_too_long_for_a_terminal_is_in_a_file_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let text = "x".repeat(MOST_FOR_TERMINAL);
        assert!(!deliver(text.clone(), "1 line".to_owned(), &xterm(), false, dir.path()).await.bytes.is_empty());
        let delivery = deliver(text.clone() + "y", "1 line".to_owned(), &xterm(), false, dir.path()).await;
        assert_eq!(delivery.bytes, b"");
        let file = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text + "y");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let said = delivery.said.unwrap();
        assert!(said.starts_with("1 line, 74.9 KB, too much for the clipboard: in ") && said.ends_with(".txt"), "{said}");
    }

    #[tokio::test]
    async fn a_text_that_goes_nowhere_is_said() {
        let nowhere = std::path::Path::new("/dev/null/nowhere");
        let delivery = deliver("x".repeat(MOST_FOR_TERMINAL + 1), "1 line".to_owned(), &xterm(), false, nowhere).await;
        assert!(delivery.said.is_err_and(|said| said.starts_with("1 line could not be copied")));
    }
}
