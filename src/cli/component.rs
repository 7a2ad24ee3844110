//! `flowdeck explain`: what a component type takes and does.

use serde_json::{Value, json};

use super::{Context, Handoff, exit};
use crate::language::Component;
use crate::language::component::Entry;

/// Explain a component type: its config and what it does
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: flowdeck explain http-request")]
pub struct Args {
    /// A component type such as `shell`; all of them without it
    component: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, _: Context) -> Handoff {
    let Some(name) = &args.component else {
        return list(args.json);
    };
    match Component::from_name(name).filter(|component| Component::written().any(|known| known == *component)) {
        Some(component) => {
            let entry = component.entry();
            if args.json {
                outln!("{:#}", document(entry))
            } else {
                print(entry)
            }
            Handoff::Exit(exit::SUCCESS)
        }
        None => {
            errln!("error: there is no component `{name}`");
            errln!("help: `flowdeck explain` lists them");
            Handoff::Exit(exit::USAGE)
        }
    }
}

fn list(as_json: bool) -> Handoff {
    let entries = Component::written().map(Component::entry);
    if as_json {
        let all: Vec<Value> = entries.map(document).collect();
        outln!("{:#}", json!({"components": all}));
    } else {
        entries.for_each(|entry| outln!("{:<16} {}", entry.name, entry.about));
    }
    Handoff::Exit(exit::SUCCESS)
}

fn is_required(entry: &Entry, key: &str) -> bool {
    entry.required.iter().any(|group| group.contains(&key))
}

fn document(entry: &Entry) -> Value {
    let keys: Vec<Value> = entry
        .keys
        .iter()
        .map(|field| json!({"name": field.name, "about": field.about, "required": is_required(entry, field.name)}))
        .collect();
    json!({"name": entry.name, "aliases": entry.aliases, "about": entry.about, "config": keys})
}

fn print(entry: &Entry) {
    outln!("{}: {}", entry.name, entry.about);
    if !entry.aliases.is_empty() {
        outln!("also written: {}", entry.aliases.join(", "));
    }
    outln!("\nconfig (* needed, or another of its kind):");
    let width = entry.keys.iter().map(|field| field.name.len()).max().unwrap_or(0);
    for field in entry.keys {
        let mark = if is_required(entry, field.name) { "*" } else { " " };
        outln!("  {mark} {:<width$}  {}", field.name, field.about);
    }
}
