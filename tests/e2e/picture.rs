//! The README's pictures, taken from the real console on the demo:
//! `cargo test --test e2e -- --ignored the_readme_has_pictures_of_the_real_console`.

use std::path::Path;

use super::console::command;
use super::pty::Console;
use super::support::Workspace;
use super::svg;

#[test]
#[ignore = "writes assets/*.svg"]
fn the_readme_has_pictures_of_the_real_console() {
    let workspace = Workspace::new();
    let place = workspace.file("shop");
    let state = place.join("state");
    let start = command(&workspace, workspace.state(), &["demo", "shop"]);
    let mut console = Console::spawn(start, 120, 28);
    console.wait_for("succeeded");
    let run = |inputs: &[&str]| {
        let mut command = workspace.command(&["run", "release", "--detach"]);
        command.args(inputs).current_dir(&place).env("FLOWDECK_STATE_DIR", &state);
        assert!(command.stdout(std::process::Stdio::null()).status().expect("flowdeck").success());
    };
    run(&["-i", "version=v1.2.0", "-i", "error_rate=1"]);
    console.wait_for("failed");
    // Slow enough to be seen while its requests are answered.
    run(&["-i", "version=v1.3.0", "-i", "latency_ms=200"]);
    console.wait_for("running");
    console.wait_for("3/11");
    console.type_keys("g");
    save(&console, "overview");
    console.type_keys("\r");
    console.wait_for("Try the build");
    console.type_keys("glk");
    console.wait_for("building");
    console.type_keys("i");
    console.wait_for("artifact");
    save(&console, "console");
    console.type_keys("q");
    console.wait_for_exit();
}

fn save(console: &Console, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name).with_extension("svg");
    std::fs::create_dir_all(path.parent().expect("assets")).expect("a directory");
    std::fs::write(path, svg::of(console.parsed())).expect("a picture");
}
