//! Process entry: decides whether this process is a runner, an engine or a client.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "runner", "--dir", dir] => flowdeck::runner::main(Path::new(dir)),
        _ => ExitCode::SUCCESS,
    }
}
