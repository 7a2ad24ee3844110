//! `flowdeck init`: a first pipeline with its tests and a workspace file, where there are none.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Context, Handoff, exit};

/// Make `flowdeck.toml` and a first pipeline
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The new workspace [default: this directory]
    dir: Option<PathBuf>,
}

const FILES: [(&str, &str); 3] = [
    ("flowdeck.toml", include_str!("init/flowdeck.toml")),
    ("pipelines/hello.yaml", include_str!("init/hello.yaml")),
    ("pipelines/hello.test.yaml", include_str!("init/hello.test.yaml")),
];

pub async fn run(args: Args, context: Context) -> Handoff {
    if context.read_only {
        errln!("error: `--read-only` writes nothing");
        return Handoff::Exit(exit::REFUSED);
    }
    let dir = args.dir.map_or_else(|| context.cwd.clone(), |dir| context.cwd.join(dir));
    let there: Vec<String> =
        FILES.iter().filter(|(name, _)| dir.join(name).exists()).map(|(name, _)| (*name).to_owned()).collect();
    if !there.is_empty() {
        errln!("error: {} already has {}; nothing was written", dir.display(), there.join(" and "));
        return Handoff::Exit(exit::USAGE);
    }
    for (name, text) in FILES {
        let path = dir.join(name);
        if let Err(error) = write_new(&path, text) {
            errln!("error: {}: {error}", path.display());
            return Handoff::Exit(exit::USAGE);
        }
        outln!("wrote {}", path.display());
    }
    outln!("next: `flowdeck test`; `flowdeck run hello -i name=Ada`, or `flowdeck` for the console");
    Handoff::Exit(exit::SUCCESS)
}

/// Writes a file that must not be there yet, with the directories above it.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => std::io::Error::other("it is already there and stays as it is"),
        _ => error,
    })?;
    file.write_all(text.as_bytes())
}
