//! `[audit]`: where checkpoints of the audit chain are kept.

use std::path::{Path, PathBuf};

use super::reader::{Node, Reader};

/// How many records are signed for at once where the file does not say.
const EVERY: u32 = 1000;

/// `[audit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The file that checkpoints are appended to; absolute. Without one the engine makes none by itself.
    pub checkpoint: Option<PathBuf>,
    /// After how many records there is a new one; at the engine's end there is one as well.
    pub every: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { checkpoint: None, every: EVERY }
    }
}

pub(super) fn audit(reader: &mut Reader<'_>, value: &Node<'_>, workspace: &Path) -> Audit {
    let mut audit = Audit::default();
    for (key, value) in reader.table(value).into_iter().flatten() {
        match key.get_ref().as_ref() {
            "checkpoint" => audit.checkpoint = reader.text(value).map(|path| workspace.join(path)),
            "every" => audit.every = reader.count(value).unwrap_or(EVERY),
            _ => reader.unknown("key", key, &["checkpoint", "every"]),
        }
    }
    audit
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::File;

    #[test]
    fn a_place_is_relative_to_the_workspace_and_the_rest_has_defaults() {
        let audit = |text: &str| File::parse(text, Path::new("/srv")).unwrap().audit;
        assert_eq!((audit("").checkpoint, audit("").every), (None, 1000));
        let named = audit("[audit]\ncheckpoint = \"audit/points.jsonl\"\nevery = 5\n");
        assert_eq!((named.checkpoint, named.every), (Some("/srv/audit/points.jsonl".into()), 5));
        assert_eq!(audit("[audit]\ncheckpoint = \"/mnt/worm/a\"\n").checkpoint, Some("/mnt/worm/a".into()));
    }

    #[test]
    fn what_cannot_be_is_said() {
        for (line, expected) in
            [("every = 0", "a whole number from 1"), ("checkpoint = \"\"", "empty string"), ("chekpoint = \"x\"", "chekpoint")]
        {
            let problems = File::parse(&format!("[audit]\n{line}\n"), Path::new("/srv")).expect_err(line);
            assert!(problems[0].message.contains(expected), "{problems:?}");
        }
    }
}
