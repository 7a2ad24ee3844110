//! `flowdeck explain`: what a component type takes, does and gives, with an example.

use serde_json::{Value, json};

use super::{Context, Handoff, exit};
use crate::language::Component;
use crate::language::component::Entry;
use crate::language::field::Field;

/// Explain a component type: its config, its output, an example
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

fn document(entry: &'static Entry) -> Value {
    let keys: Vec<Value> = own_keys(entry)
        .map(|field| {
            let required = is_required(entry, field.name);
            json!({"name": field.name, "aliases": aliases(entry, field), "about": field.about, "required": required})
        })
        .collect();
    let output: Vec<Value> = entry.output.iter().map(|(name, about)| json!({"name": name, "about": about})).collect();
    json!({"name": entry.name, "aliases": entry.aliases, "about": entry.about, "config": keys, "output": output, "example": entry.example})
}

fn own_keys(entry: &'static Entry) -> impl Iterator<Item = &'static Field> {
    entry.keys.iter().filter(|field| field.alias_of.is_none())
}

fn aliases(entry: &Entry, field: &Field) -> Vec<&'static str> {
    entry.keys.iter().filter(|other| other.alias_of == Some(field.name)).map(|other| other.name).collect()
}

fn print(entry: &'static Entry) {
    outln!("{}: {}", entry.name, entry.about);
    if !entry.aliases.is_empty() {
        outln!("also written: {}", entry.aliases.join(", "));
    }
    outln!("\nconfig (* needed, or another of its kind):");
    let width = own_keys(entry).map(|field| field.name.len()).max().unwrap_or(0);
    for field in own_keys(entry) {
        let mark = if is_required(entry, field.name) { "*" } else { " " };
        let also = aliases(entry, field).join(", ");
        let also = if also.is_empty() { also } else { format!(" (also {also})") };
        outln!("  {mark} {:<width$}  {}{also}", field.name, field.about);
    }
    if entry.output.is_empty() {
        outln!("\nThis version checks it, and does not run it yet.");
    } else {
        outln!("\noutput:");
        let width = entry.output.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        entry.output.iter().for_each(|(name, about)| outln!("    {name:<width$}  {about}"));
    }
    outln!("\nexample:");
    entry.example.lines().for_each(|line| outln!("  {line}"));
}
