//! Reads `src/` and enforces the layer table: who may `use crate::…` whom.

use std::fs;
use std::path::{Path, PathBuf};

/// Module, its layer, and the modules it may use besides itself.
const TABLE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("language", &["model"]),
    ("policy", &["model"]),
    ("accounts", &["model"]),
    ("config", &["model"]),
    ("logs", &["model"]),
    ("process", &["model"]),
    ("store", &["model"]),
    // `policy` for the verdict of an analysis, which is pure.
    ("operators", &["model", "language", "policy", "process"]),
    ("probes", &["model", "process"]),
    ("runner", &["model", "logs", "process"]),
    (
        "engine",
        &["model", "language", "policy", "accounts", "config", "logs", "process", "store", "operators", "probes", "runner"],
    ),
    (
        "api",
        &[
            "model",
            "language",
            "policy",
            "accounts",
            "config",
            "logs",
            "process",
            "store",
            "operators",
            "probes",
            "runner",
            "engine",
        ],
    ),
    ("client", &["model", "api"]),
    ("tui", &["model", "language", "config", "client"]),
    ("cli", &["model", "language", "accounts", "config", "client"]),
    ("demo", &["model", "config", "client"]),
];

/// Modules that decide without a clock, I/O or a runtime, and what would betray them.
const PURE: &[&str] = &["model", "language", "policy", "engine/scheduler"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "tokio",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now(",
    "reqwest",
    "rusqlite",
    "rustix",
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    assert!(paths.len() > 10, "only {} sources found under {}", paths.len(), root.display());
    let name = |path: &Path| path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| (name(path), fs::read_to_string(path).expect("utf-8 source"))).collect()
}

/// The top-level modules that a line names through `crate::`, also inside a brace list.
fn used_modules(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split("};").next().unwrap_or(list);
            found.extend(list.split(',').map(|item| word(item.trim())));
        } else {
            found.push(word(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn modules_use_only_the_layers_below_them() {
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        let module = file.split(['/', '.']).next().unwrap_or_default().to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("src/{file}: module `{module}` is not in the layer table"));
            continue;
        };
        let known = |name: &str| TABLE.iter().any(|(module, _)| *module == name);
        for used in used_modules(&text) {
            if known(&used) && used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("src/{file}: `{module}` may not use `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_modules_know_no_clock_io_or_runtime() {
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        let stem = file.trim_end_matches(".rs");
        if !PURE.iter().any(|pure| stem == *pure || stem.starts_with(&format!("{pure}/"))) {
            continue;
        }
        // Tests, in files of their own as well as below their code, may measure.
        if stem.ends_with("tests") || stem.contains("/tests/") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for needle in IMPURE.iter().filter(|needle| code.contains(**needle)) {
            wrong.push(format!("src/{file}: a pure module mentions `{needle}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scanner_sees_lists_and_paths() {
    assert_eq!(used_modules("use crate::{model, store::Writer};\nlet x = crate::engine::Engine;"), ["model", "store", "engine"]);
}
