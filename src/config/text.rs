//! Text files that people write, read whole: so much and no more, and only UTF-8.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::ConfigError;

/// The largest file that is read.
const MOST: u64 = 32 * 1024 * 1024;

/// The text of an ordinary file. A directory or a pipe is refused instead of waited for.
///
/// # Errors
/// `Unreadable` with the reason; `Io` when the system refuses.
pub fn read_file(path: &Path) -> Result<String, ConfigError> {
    let kind = std::fs::metadata(path).map_err(|error| ConfigError::io("read", path, error))?.file_type();
    if kind.is_file() {
        return read_pipe(path);
    }
    let what = if kind.is_dir() { "a directory" } else { "no ordinary file" };
    Err(unreadable(path, format!("it is {what}")))
}

/// The text of an ordinary file, `None` when there is none.
///
/// # Errors
/// As `read_file`.
pub fn read_if_there(path: &Path) -> Result<Option<String>, ConfigError> {
    match read_file(path) {
        Err(ConfigError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// The text of a file or a pipe; `-` is standard input.
///
/// # Errors
/// As `read_file`.
pub fn read_pipe(path: &Path) -> Result<String, ConfigError> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(MOST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| ConfigError::io("read", path, error))?;
    decode(bytes).map_err(|detail| unreadable(path, detail))
}

/// Bytes of a file as text.
///
/// # Errors
/// A sentence on why they are none.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() as u64 > MOST {
        return Err(format!("it is larger than {} MiB", MOST >> 20));
    }
    String::from_utf8(bytes).map_err(|error| match error.as_bytes() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16; save it as UTF-8".to_owned(),
        _ => format!("not UTF-8 text (byte {})", error.utf8_error().valid_up_to()),
    })
}

fn unreadable(path: &Path, detail: String) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use super::{decode, read_file};

    #[test]
    fn only_utf_8_is_text() {
        assert_eq!(decode(b"\xef\xbb\xbfa".to_vec()), Ok("\u{feff}a".to_owned()));
        assert_eq!(decode(b"ab\xff".to_vec()), Err("not UTF-8 text (byte 2)".to_owned()));
        assert_eq!(decode(b"\xff\xfea\0".to_vec()), Err("it is UTF-16; save it as UTF-8".to_owned()));
    }

    #[test]
    fn a_directory_is_no_text() {
        let dir = tempfile::tempdir().unwrap();
        let error = read_file(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with(": it is a directory"), "{error}");
    }
}
