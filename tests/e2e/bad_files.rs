//! Files that are no pipelines and no inputs: refused with the reason, without waiting and without eating memory.

use std::fs::File;

use super::support::{Said, Workspace};

const PIPELINE: &str =
    "{\"id\": \"p\", \"stages\": [{\"id\": \"a\", \"type\": \"logger\", \"config\": {\"message\": \"{{input.x}}\"}}]}";

fn refused(workspace: &Workspace, args: &[&str], reason: &str) -> Said {
    let said = workspace.say(args);
    assert_eq!(said.code, Some(2), "{args:?}: {said:#?}");
    assert!(said.err.contains(reason), "{reason}: {said:#?}");
    assert!(said.err.len() < 5_000 && !said.err.contains("panicked"), "{said:#?}");
    said
}

#[test]
fn what_is_no_ordinary_file_is_no_pipeline() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.file("pipelines/folder.yaml")).expect("a folder");
    workspace.fifo("pipelines/pipe.yaml");
    std::os::unix::fs::symlink("/dev/zero", workspace.file("pipelines/endless.yaml")).expect("a link");
    for (name, reason) in [("folder", "a directory"), ("pipe", "no ordinary file"), ("endless", "no ordinary file")] {
        let path = format!("pipelines/{name}.yaml");
        for command in ["run", "validate"] {
            refused(&workspace, &[command, &path], reason);
        }
        // As a name it is none of the workspace's pipelines.
        refused(&workspace, &["run", name], "there is no pipeline");
    }
}

#[test]
fn a_file_of_a_gigabyte_is_not_read() {
    let workspace = Workspace::new();
    for name in ["pipelines/p.yaml", "pipelines/q.json", "inputs"] {
        File::create(workspace.file(name)).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    }
    workspace.pipeline("ok.json", PIPELINE);
    let limited = |args: &[&str]| {
        // With less memory than the file has bytes.
        let words = args.join(" ");
        let mut command = std::process::Command::new("sh");
        let script = format!("ulimit -d 400000; exec {} {words}", env!("CARGO_BIN_EXE_flowdeck"));
        command.args(["-c", &script]).current_dir(workspace.file("")).env("FLOWDECK_STATE_DIR", workspace.state());
        let output = command.output().expect("sh starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for args in [&["run", "p"][..], &["run", "q"], &["validate", "p"], &["run", "ok", "--inputs", "inputs"]] {
        let (code, said) = limited(args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains("it is larger than 32 MiB"), "{args:?}: {said}");
    }
}

#[test]
fn a_workspace_file_that_is_a_pipe_is_not_waited_for() {
    let workspace = Workspace::with("p.json", PIPELINE);
    workspace.fifo("flowdeck.toml");
    refused(&workspace, &["run", "p"], "no ordinary file");
    std::fs::remove_file(workspace.file("flowdeck.toml")).expect("removed");
}

#[test]
fn inputs_that_are_no_json_object_are_refused_with_their_place() {
    let workspace = Workspace::with("p.json", PIPELINE);
    std::fs::create_dir(workspace.file("folder")).expect("a folder");
    let deep = format!("{{\"x\": {}1{}}}", "[".repeat(300), "]".repeat(300));
    let cases: [(&[u8], &str); 8] = [
        (b"{\"x\": ", "inputs:1:6"),
        (b"", "inputs:1:1"),
        (b"[1]", "inputs are a JSON object"),
        (b"{\"x\": 1e400}", "number out of range"),
        (b"{\"x\": NaN}", "inputs:1:7"),
        (b"x: 1", "inputs:1:1"),
        (b"\xff\xfe{\0}\0", "UTF-16"),
        (deep.as_bytes(), "recursion limit"),
    ];
    for (bytes, reason) in cases {
        std::fs::write(workspace.file("inputs"), bytes).expect("written");
        refused(&workspace, &["run", "p", "--inputs", "inputs"], reason);
    }
    refused(&workspace, &["run", "p", "--inputs", "folder"], "cannot read");
    refused(&workspace, &["run", "p", "--inputs", "nothere"], "cannot read");
    refused(&workspace, &["run", "p", "-i", "nonsense"], "not KEY=VALUE");
    std::fs::write(workspace.file("inputs"), b"\xef\xbb\xbf{\"x\": \"with a mark\"}").expect("written");
    workspace.ok(&["run", "p", "--inputs", "inputs"]);
}

#[test]
fn documents_that_are_bombs_or_say_things_twice_are_refused() {
    let laughs: String = (1..12).map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(10))).collect();
    let stages = "stages: [{id: a, type: logger, config: {message: m}}]\n";
    let cases = [
        ("p.yaml", format!("a0: &a0 [lol]\n{laughs}id: p\n{stages}"), "too large once its aliases are expanded"),
        ("p.yaml", format!("id: p\nid: q\n{stages}"), "the key `id` appears twice"),
        ("p.json", PIPELINE.replace("\"id\": \"a\"", "\"id\": \"a\", \"id\": \"b\""), "the key `id` appears twice"),
        ("p.yaml", format!("id: p\nmetadata: [.nan]\n{stages}"), "numbers are finite"),
        ("p.yaml", format!("id: p\nmetadata: [-.inf]\n{stages}"), "numbers are finite"),
        ("p.json", PIPELINE.replace("\"id\": \"p\"", "\"id\": \"p\", \"metadata\": NaN"), "p.json:1:"),
        ("p.json", PIPELINE.replace("\"id\": \"p\"", "\"id\": \"p\", \"metadata\": -Infinity"), "p.json:1:"),
        ("p.json", PIPELINE.replace("\"id\": \"p\"", "\"id\": \"p\", \"metadata\": 1e400"), "out of range"),
        ("p.json", PIPELINE.replace("\"id\": \"p\"", &format!("\"id\": \"p\", \"timeout\": 1{}", "0".repeat(400))), "p.json:1:"),
        ("p.yaml", format!("id: p\ntimeout: 1{}\n{stages}", "0".repeat(400)), "p.yaml:2:"),
        ("p.json", PIPELINE.replace("\"m", "\u{b}\"m"), "JSON has only inside strings"),
    ];
    for (file, text, reason) in cases {
        let workspace = Workspace::with(file, &text);
        let said = refused(&workspace, &["run", &format!("pipelines/{file}")], reason);
        assert!(said.err.contains(&format!("{file}:")), "{said:#?}");
    }
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read_and_other_encodings_named() {
    let yaml = "id: p\nstages:\n  - id: a\n    type: shell\n    config:\n      run: |\n        printf one >> effects\n        printf two >> effects\n";
    for text in [format!("\u{feff}{yaml}"), yaml.replace('\n', "\r\n"), format!("\u{feff}{}", yaml.replace('\n', "\r\n"))] {
        let workspace = Workspace::with("p.yaml", &text);
        workspace.ok(&["run", "p", "--plain"]);
        assert_eq!(workspace.read("effects"), "onetwo", "no carriage return reaches the shell");
    }
    let wide: Vec<u8> = std::iter::once(0xfeff).chain(yaml.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let workspace = Workspace::new();
    std::fs::write(workspace.file("pipelines/p.yaml"), &wide).expect("written");
    refused(&workspace, &["run", "p"], "UTF-16");
    std::fs::write(workspace.file("pipelines/p.yaml"), &wide[2..]).expect("written");
    refused(&workspace, &["validate", "p"], "p.yaml:1:2");
}
