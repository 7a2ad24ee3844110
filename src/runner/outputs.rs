//! What a stage wrote to `$FLOWDECK_OUTPUT`.
//!
//! ```text
//! version=1.2.3                a text
//! {"count": 3, "ok": true}     a JSON object: all its keys
//! notes<<END                   a text of several lines
//! first
//! second
//! END
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::model::StageId;
use crate::process::spawn::plain;

const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// The file of one attempt. It is removed when this is dropped: it may hold what must not stay on disk.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
}

impl OutputFile {
    /// Creates the empty file, readable and writable for its owner only.
    pub fn create(run_dir: &Path, stage: &StageId, attempt: u32) -> io::Result<Self> {
        let path = run_dir.join("outputs").join(format!("{}.{attempt}", crate::logs::file_name(stage)));
        let open = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        if open().is_err() {
            DirBuilder::new().recursive(true).mode(0o700).create(run_dir.join("outputs"))?;
            open()?;
        }
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and understands the file; the error says what is wrong with it.
    pub fn read(&self) -> Result<Map<String, Value>, String> {
        let mut text = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut text)) {
            Ok(0) => return Ok(Map::new()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
            Err(error) => return Err(format!("$FLOWDECK_OUTPUT could not be read: {}", plain(&error))),
        }
        if text.len() as u64 > MAX_SIZE {
            return Err(format!("$FLOWDECK_OUTPUT is larger than {} MiB", MAX_SIZE / 1024 / 1024));
        }
        parse(&String::from_utf8_lossy(&text))
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let mut found = Map::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let number = number + 1;
        if line.trim().is_empty() {
            continue;
        }
        if line.trim_start().starts_with('{') {
            let object = serde_json::from_str::<Map<String, Value>>(line);
            found.extend(object.map_err(|error| format!("line {number} of $FLOWDECK_OUTPUT is not a JSON object: {error}"))?);
            continue;
        }
        let equals = line.find('=').unwrap_or(line.len());
        let heredoc = line.find("<<").filter(|at| *at < equals);
        if let Some(at) = heredoc {
            let (key, end) = (line[..at].trim(), line[at + 2..].trim());
            let mut texts = Vec::new();
            loop {
                match lines.next() {
                    Some((_, text)) if text == end => break,
                    Some((_, text)) => texts.push(text),
                    None => {
                        return Err(format!("the text that begins at line {number} of $FLOWDECK_OUTPUT does not end with {end}"));
                    }
                }
            }
            insert(&mut found, key, texts.join("\n"), number)?;
        } else if equals < line.len() {
            insert(&mut found, line[..equals].trim(), line[equals + 1..].to_owned(), number)?;
        } else {
            return Err(format!("line {number} of $FLOWDECK_OUTPUT is neither key=value nor a JSON object"));
        }
    }
    Ok(found)
}

fn insert(into: &mut Map<String, Value>, key: &str, text: String, number: usize) -> Result<(), String> {
    if key.is_empty() {
        return Err(format!("line {number} of $FLOWDECK_OUTPUT has no key"));
    }
    into.insert(key.to_owned(), Value::String(text));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::{Value, json};

    #[test]
    fn texts_objects_and_blocks_become_outputs() {
        let text = "a=1\nb = x = y\n\n{\"n\": 3, \"deep\": {\"k\": [true]}}\nnotes<<END\nfirst=1\n\n second\nEND\na=2\n";
        let wanted = json!({"a": "2", "b": " x = y", "n": 3, "deep": {"k": [true]}, "notes": "first=1\n\n second"});
        assert_eq!(Value::Object(parse(text).unwrap()), wanted);
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_its_line() {
        assert!(parse("ok=1\nnonsense\n").unwrap_err().starts_with("line 2 "));
        assert!(parse("{\"a\": }").unwrap_err().contains("not a JSON object"));
        assert!(parse("a<<END\nx").unwrap_err().contains("does not end with END"));
        assert!(parse("=x").unwrap_err().contains("no key"));
    }

    #[test]
    fn a_value_with_angle_brackets_is_not_the_start_of_a_block() {
        assert_eq!(parse("a=1 << 2").unwrap()["a"], "1 << 2");
    }
}
