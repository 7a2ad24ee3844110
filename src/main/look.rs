//! Themes and keys of the user's: read from their files, listed and printed.

use std::error::Error;
use std::path::PathBuf;

use flowdeck::cli::{self, Context, KeysArgs, ThemesArgs, exit};
use flowdeck::config::{ConfigError, Problem, Workspace, read_file, read_if_there};
use flowdeck::tui::keymap::Keymap;
use flowdeck::tui::theme::{Entry, Origin, Themes};
use serde_json::json;

/// All themes there are. A directory or a file that cannot be read is told, not fatal: nobody's console stays dark for it.
pub fn themes(context: &Context) -> (Themes, Vec<ConfigError>) {
    let dir = context.paths.themes_dir();
    let mut troubles = Vec::new();
    let mut files = Vec::new();
    let found = match std::fs::read_dir(&dir) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(source) => {
            troubles.push(ConfigError::Io { action: "read", path: dir, source });
            Vec::new()
        }
    };
    for path in found.into_iter().filter(|path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml")) {
        match read_file(&path) {
            Ok(text) => files.push((path, text)),
            Err(error) => troubles.push(error),
        }
    }
    (Themes::with_files(files), troubles)
}

/// Our keys with the workspace's changes, then the user's. A file with a mistake changes nothing: half of a map could put
/// an action where another one is looked for.
pub fn keys(context: &Context) -> (Keymap, Vec<ConfigError>) {
    let mut troubles = Vec::new();
    let map = lay(Keymap::default(), Workspace::file_of(context.root()), Keymap::with_workspace, &mut troubles);
    let map = lay(map, context.paths.keys_file(), Keymap::with_file, &mut troubles);
    (map, troubles)
}

type Change = fn(Keymap, &str) -> Result<Keymap, Vec<Problem>>;

fn lay(map: Keymap, path: PathBuf, change: Change, troubles: &mut Vec<ConfigError>) -> Keymap {
    let changed = match read_if_there(&path) {
        Ok(None) => return map,
        Ok(Some(text)) => change(map.clone(), &text).map_err(|problems| ConfigError::Invalid { path, text, problems }),
        Err(error) => Err(error),
    };
    changed.unwrap_or_else(|error| {
        troubles.push(error);
        map
    })
}

/// `flowdeck keys`: the map in force.
pub fn print_keys(context: &Context, args: &KeysArgs) -> Result<u8, Box<dyn Error>> {
    let (map, troubles) = keys(context);
    if args.json {
        cli::print(&format!("{:#}\n", map.document()));
    } else if args.toml {
        cli::print(&map.file());
    } else {
        cli::print(&map.listing());
    }
    Ok(complain(&troubles))
}

/// `flowdeck themes`: all of them, or the text of one.
pub fn print_themes(context: &Context, args: &ThemesArgs) -> Result<u8, Box<dyn Error>> {
    let (themes, mut troubles) = themes(context);
    if let Some(name) = &args.name {
        themes.get(name)?;
        let text = themes.entries().iter().find(|entry| entry.name == *name).map(|entry| entry.text.as_str());
        cli::print(text.unwrap_or_default());
        return Ok(exit::SUCCESS);
    }
    troubles.extend(themes.entries().iter().filter_map(Entry::complaint));
    let worn = &context.settings.theme;
    if args.json {
        cli::print(&format!("{:#}\n", document(&themes, worn)));
    } else {
        let row = |entry: &Entry| {
            let mark = if entry.name == *worn { "*" } else { "" };
            let state = if entry.theme.is_ok() { "" } else { "not valid" };
            vec![mark.to_owned(), entry.name.clone(), place(entry), state.to_owned()]
        };
        cli::table(&["", "THEME", "FROM", ""], &themes.entries().iter().map(row).collect::<Vec<_>>());
    }
    if let Err(problem) = themes.get(worn) {
        cli::warn(&format!("{problem}; the console falls back to `{}`", super::console::FALLBACK));
    }
    Ok(complain(&troubles))
}

fn document(themes: &Themes, worn: &str) -> serde_json::Value {
    let entry = |entry: &Entry| {
        let problems: Vec<String> = entry.theme.as_ref().err().into_iter().flatten().map(ToString::to_string).collect();
        let path = match &entry.origin {
            Origin::Shipped => None,
            Origin::File(path) => Some(path),
        };
        json!({"name": entry.name, "path": path, "in_use": entry.name == worn, "valid": problems.is_empty(), "problems": problems})
    };
    json!({"themes": themes.entries().iter().map(entry).collect::<Vec<_>>()})
}

fn place(entry: &Entry) -> String {
    match &entry.origin {
        Origin::Shipped => "shipped".to_owned(),
        Origin::File(path) => path.display().to_string(),
    }
}

/// Every mistake with its source line, on standard error; gives the exit code.
fn complain(troubles: &[ConfigError]) -> u8 {
    for error in troubles {
        cli::complain_about_settings(error);
    }
    if troubles.is_empty() { exit::SUCCESS } else { exit::USAGE }
}
