//! The pictures of the documentation, taken from the real console on the demo and on a shipped pipeline, and the table of
//! keys beside them: `cargo test --test e2e -- --ignored pictures`.
//!
//! Times, ids and ports differ from run to run; a picture that differs only in those from the one that is there is not
//! written again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use regex::Regex;

use super::console::command;
use super::pty::Console;
use super::support::{Workspace, until};
use super::svg;

/// The page with the table of keys.
pub const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/docs/console.md");
const OPENING: &str = "<!-- keys: written by `cargo test --test e2e -- --ignored pictures` -->\n```text\n";
const CLOSING: &str = "```\n";

/// Nothing for so long means that a frame is complete; a console on a run paints once a second.
const QUIET: Duration = Duration::from_millis(250);

/// The keys as they stand in the page.
pub fn block(listing: &str) -> String {
    format!("{OPENING}{listing}{CLOSING}")
}

/// The demo with a console on it.
struct Shop {
    workspace: Workspace,
    place: PathBuf,
    console: Console,
}

impl Shop {
    fn open() -> Self {
        let workspace = Workspace::new();
        let place = workspace.file("shop");
        let start = command(&workspace, workspace.state(), &["demo", "shop"]);
        let start = start.env("FLOWDECK_THEME", "dark").env("COLORTERM", "truecolor");
        let mut console = Console::spawn(start, 120, 32);
        console.wait_for("1 for you");
        let mut shop = Self { workspace, place, console };
        shop.agree();
        shop.console.wait_for("succeeded");
        shop
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.workspace.command(args);
        command.current_dir(&self.place).env("FLOWDECK_STATE_DIR", self.place.join("state"));
        command
    }

    /// Says yes to the one request that waits, once it does.
    fn agree(&self) {
        let mut gate = serde_json::Value::Null;
        until("a gate waits", || {
            let said = self.command(&["gates", "--json"]).output().expect("flowdeck");
            let gates: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
            gate = gates["gates"][0].clone();
            gate["status"] == "pending"
        });
        let text = |key: &str| gate[key].as_str().expect("a text");
        let args = ["gates", "approve", text("id"), "--digest", text("digest"), "--reason", "looked at it"];
        assert!(self.command(&args).stdout(Stdio::null()).status().expect("flowdeck").success());
    }

    fn run(&self, args: &[&str]) {
        let mut command = self.command(&["run"]);
        command.args(args).arg("--detach");
        assert!(command.stdout(Stdio::null()).status().expect("flowdeck").success());
    }

    /// Types keys and waits for what they bring.
    fn show(&mut self, keys: &str, text: &str) -> &mut Self {
        self.console.type_keys(keys);
        self.console.wait_for(text);
        self
    }

    /// Of whole frames only: what is on its way to the terminal is taken first.
    fn picture(&mut self, name: &str) {
        while self.console.read(QUIET) {}
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name).with_extension("svg");
        let picture = svg::of(self.console.parsed());
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        if shape(&known) != shape(&picture) {
            std::fs::write(path, picture).expect("a picture");
        }
    }
}

/// What a picture shows, without what is another every time: numbers, ids, and lengths that follow from them.
fn shape(svg: &str) -> String {
    let masks = [
        (r#" (x|width|textLength)="[^"]*""#, ""),
        (r"[0-9a-z]{7}-[0-9a-z]{5}", "ID"),
        (r"\d+(\.\d+)?(ms|s|m|h| ?KB| ?B)?( \d+s)?", "0"),
        (r"0\u{a0}ago|\bnow\b", "AGE"),
        // Bars, the sides of boxes, the track of a replay.
        (r"[▁▂▃▄▅▆▇█]+", "▁"),
        ("▁(\\u{a0}+▁)+", "▁"),
        (r"─+", "─"),
        (r"━+", "━"),
        (r"┄+", "┄"),
        ("\u{a0}+", " "),
    ];
    masks.iter().fold(svg.to_owned(), |text, (mask, with)| {
        Regex::new(mask).expect("an expression").replace_all(&text, *with).into_owned()
    })
}

#[test]
fn only_times_ids_and_ports_leave_a_picture_as_it_is() {
    let line = |x: &str, text: &str| format!("<text x=\"{x}\" textLength=\"9.0\" fill=\"#fff\">{text}</text>");
    let same = |one: &str, other: &str| assert_eq!(shape(&line("1.0", one)), shape(&line("9.4", other)));
    same("run 1v9r8p0-bbbbb took 9.8s", "run 1v9r8p1-ccccc took 10.2s");
    same("started\u{a0}now", "started\u{a0}12s\u{a0}ago");
    same("▁▁▃█ ╭─ build ──╮", "▂▁ ╭─ build ───╮");
    assert_ne!(shape(&line("1.0", "run failed")), shape(&line("1.0", "run succeeded")));
    assert_ne!(shape(&line("1.0", "known")), shape(&line("1.0", "unknown")));
    assert_ne!(shape(&line("1.0", "x")), shape(&line("1.0", "x").replace("fff", "eee")));
}

#[test]
#[ignore = "writes assets/*.svg"]
fn the_readme_has_pictures_of_the_real_console() {
    let mut shop = Shop::open();
    shop.run(&["bad-release"]);
    shop.console.wait_for("1 for you");
    shop.show("5", "+ input error_rate: 1").picture("approvals");
    shop.agree();
    shop.show("1", "failed");
    shop.show("4", "in quarantine").show("j", "production").picture("deployments");
    shop.console.type_keys("1");
    // Slow enough to be seen while it is tested.
    shop.run(&["release", "-i", "version=v1.3.0", "-i", "latency_ms=2000"]);
    shop.console.wait_for("3/14");
    shop.show("g", "running").picture("overview");
    shop.show("\r", "━ Test the build ━").show("glk", "━ build ━").show("", "compiled metrics");
    shop.show("i", "artifact").picture("console");
    shop.console.type_keys("i");
    shop.agree();
    shop.show("2", "Release a bad version")
        .console
        .wait("three ends", |console| console.screen().matches("succeeded").count() > 1);
    shop.picture("runs");
    shop.show("gj\r", "failed").show("n", "traffic is back at 0 %").show("i", "condition").picture("failed");
    shop.console.type_keys("i");
    shop.show("?", "╭─ Help").picture("help");
    shop.console.type_keys("\x1b");
    shop.show("\x14", "╭─ Colours").show("j", "▸ light").picture("colours");
    shop.console.type_keys("\x1b");
    shop.show("2", "took  started").show("g\r", "v1.3.0").show("p", "replay").show(" ", "replay paused");
    shop.show("0", "event 1/").show(")", "Test the build ━").show("h", "compiled metrics").picture("replay");
    shop.console.type_keys("\x1b");
    shop.run(&["check"]);
    shop.run(&["chatter", "-i", "lines=200"]);
    shop.show("2", "took  started").console.wait("five ends", |console| console.screen().matches("succeeded").count() > 3);
    shop.show("9", "slowest first").picture("metrics");
    shop.show("6", "newest right").console.wait("both", |console| console.screen().matches("healthy").count() > 1);
    shop.picture("health");
    shop.console.type_keys("q");
    shop.console.wait_for_exit();
}

#[test]
#[ignore = "writes assets/*.svg"]
fn the_pictures_of_a_larger_graph_and_of_a_long_log() {
    let mut shop = Shop::open();
    prepare_release(&shop);
    shop.run(&["fork-join-release", "-i", "version=v2.0.0"]);
    shop.workspace.hear("shop/up");
    shop.show("2", "Release of two parts").show("g\r", "test-server").picture("graph");
    shop.run(&["chatter", "-i", "lines=3000", "-i", "pause=0"]);
    shop.show("2", "A stage that talks").show("g\r", "1/1").show("", "003000").show("\t", "wrap");
    shop.show("/slow request\r", "60/60").show("N", "59/60").picture("search");
    // Leaving the demo ends its runs.
    shop.console.type_keys("q");
    shop.console.wait_for_exit();
}

/// Two projects whose server half waits in its tests, so that the graph shows every state.
fn prepare_release(shop: &Shop) {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/fork-join-release.yaml");
    std::fs::copy(shipped, shop.place.join("pipelines/fork-join-release.yaml")).expect("copied");
    for project in ["extension", "server"] {
        std::fs::create_dir(shop.place.join(project)).expect("a project");
        for step in ["build", "test", "package"] {
            let waits = if (project, step) == ("server", "test") { "echo up > ../up; cat ../go" } else { "" };
            let path = shop.place.join(project).join(step);
            std::fs::write(&path, format!("#!/bin/sh\necho {step} of {project} $1\n{waits}\necho {step} ok\n")).expect("written");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&path, mode).expect("a program");
        }
    }
    shop.workspace.fifo("shop/up");
    shop.workspace.fifo("shop/go");
}

#[test]
#[ignore = "writes assets/docs/console.md"]
fn the_page_of_the_pictures_has_the_keys_of_the_console() {
    let listing = Workspace::new().ok(&["keys"]).out;
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let (before, rest) = page.split_once(OPENING).expect("the mark");
    let (_, after) = rest.split_once(CLOSING).expect("an end");
    std::fs::write(PAGE, format!("{before}{}{after}", block(&listing))).expect("written");
}
