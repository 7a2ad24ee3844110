//! `flowdeck test`: mocks, expectations, reports, and that nothing is ever done by accident.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::support::{Said, Workspace, finish, kill, processes_naming};

const SHIP: &str = "
id: ship
input_schema: {type: object, properties: {hosts: {type: array, default: [a, b]}, tag: {type: string, default: v1}}}
output_stage_id: report
stages:
  - {id: build, type: shell, retry_config: {max_retries: 2}, config: {run: 'touch built; make {{input.tag}} TOKEN={{secrets.TOKEN}}'}}
  - {id: all, type: foreach, depends_on: [build], config: {items: '{{input.hosts}}', loop_stages: [push]}}
  - id: push
    type: http-request
    error_handling: {on_error: retry, max_retries: 2, retry_delay: 60000}
    config: {url: 'http://{{item}}.test/{{input.tag}}', method: PUT}
  - {id: report, type: json-transform, depends_on: [all], config: {template: {pushed: '{{len(upstream.all.results)}}'}}}
  - {id: page, type: shell, depends_on: [report], when: 'false', config: {run: 'touch paged'}}
";

fn ship(tests: &str) -> Workspace {
    let workspace = Workspace::with("ship.yaml", SHIP);
    workspace.pipeline("ship.test.yaml", tests);
    workspace
}

/// The command with a temporary directory of its own, in which nothing may be left.
fn test(workspace: &Workspace, args: &[&str]) -> Command {
    let temporary = workspace.file("tmp");
    fs::create_dir_all(&temporary).expect("a temporary directory");
    let args: Vec<&str> = ["test"].iter().chain(args).copied().collect();
    let mut command = workspace.command(&args);
    command.env("TMPDIR", temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn tested(workspace: &Workspace, args: &[&str]) -> Said {
    let said = finish(test(workspace, args).spawn().expect("flowdeck starts"));
    nothing_is_left(workspace);
    said
}

fn nothing_is_left(workspace: &Workspace) {
    let temporary = workspace.file("tmp");
    assert_eq!(fs::read_dir(&temporary).expect("the directory").count(), 0, "the temporary directory is empty");
    assert_eq!(processes_naming(temporary.to_str().expect("a plain path")), [] as [i32; 0], "no process is left");
}

#[test]
fn mocks_retries_loops_and_expectations_work_together() {
    let workspace = ship(
        "
secrets: {TOKEN: hunter2-hunter2}
mocks:
  shell: {}
  push:
    - {when: \"item == 'b'\", output: {status_code: 500}}
    - {when: {url: '/a\\.test/'}, output: {body: fine}}
    - {when: \"item == 'b'\", output: {body: '{{config.method}} {{item}}'}}
tests:
  - name: a host that fails once is tried again at once
    expect:
      output: {pushed: 2}
      not_run: page
      stages:
        build: {called_with: {run: \"/make 'v1' TOKEN=/\"}}
        push: {iterations: 2, attempts: 3, called_with: [{url: 'http://a.test/v1'}, {url: 'http://b.test/v1'}, {method: PUT}]}
        'push[1]': {status: succeeded, attempts: 2, contains: {body: PUT b}}
        page: not_run
    assert:
      - stages.all.output.results[0].body == 'fine'
      - \"'hunter2' not in stages.build.calls[0].run\"
      - run.status == 'succeeded' and input.tag == 'v1'
  - name: a flaky build is tried again, and a bad one is an error
    mocks: {build: [{error: {type: TIMEOUT}}, {error: gone}, {output: {exit_code: 2}}]}
    expect: {stages: {build: {status: failed, attempts: 3}}, not_run: [all, push]}
    expect_error: {type: RETRY_EXHAUSTED, stage: build, message: exit code 2}
",
    );
    let said = tested(&workspace, &[]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.out.contains("never tested in ship: page\n"), "{said:#?}");
    assert!(!workspace.file("built").exists() && !workspace.file("paged").exists());
    assert!(!said.out.contains("hunter2"), "{said:#?}");
}

#[test]
fn a_stage_without_a_mock_fails_the_test_and_does_nothing_even_when_its_failure_is_forgiven() {
    let text = "
id: p
stages:
  - {id: deploy, type: shell, on_error: continue, config: {run: 'touch deployed'}}
  - {id: call, type: http-request, on_error: continue, config: {url: 'http://127.0.0.1:1/'}}
  - {id: think, type: generator, on_error: continue, config: {prompt: x}}
  - {id: child, type: subpipeline, on_error: continue, config: {pipeline: other}}
";
    let workspace = Workspace::with("p.yaml", text);
    workspace.pipeline("p.test.yaml", "tests: [{name: it runs, expect: {status: succeeded}}]");
    let said = tested(&workspace, &[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    for expected in [
        "stage `deploy` would run a shell command; mock it or say `allow: [shell]`",
        "stage `call` would send an HTTP request; mock it or say `allow: [http-request]`",
        "stage `think` would ask a language model; mock it or say `allow: [generator]`",
        "stage `child` would run another pipeline; mock it or say `allow: [subpipeline]`",
    ] {
        assert!(said.out.contains(expected), "{expected}: {said:#?}");
    }
    assert!(!workspace.file("deployed").exists());
    workspace.pipeline(
        "p.test.yaml",
        "{mocks: {http-request: {}, generator: {}, child: {}}, tests: [{name: it runs, allow: deploy}]}",
    );
    assert_eq!(tested(&workspace, &[]).code, Some(0));
    assert!(workspace.file("deployed").exists(), "what is allowed runs, in the workspace");
}

#[test]
fn a_failing_expectation_says_where_and_what() {
    let workspace = ship(
        "
mocks: {build: {}, push: {output: {body: {n: 1}}}}
secrets: {TOKEN: t0ken-t0ken}
tests:
  - name: everything is wrong
    expect:
      status: failed
      output: {pushed: 3, more: true}
      stages:
        build: failed
        push: {attempts: 5, called_with: {method: GET}}
        page: {reason: no reason}
        'push[0]': {contains: {body: {n: 2, m: 1}}}
    assert:
      - output.pushed > 2 and stages.build.attempts == 1
      - 1 / (stages.build.attempts - 1) == 1
  - name: the error is another one
    mocks: {build: {output: {exit_code: 9}}}
    expect_error: {type: EXECUTION, stage: all, message: exit code 3}
  - name: there should be an error
    expect_error: {message: x}
  - {name: later, skip: not yet}
",
    );
    let said = tested(&workspace, &[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let failures = &said.out[said.out.find("\nFAILED").expect("failures")..];
    let failures: Vec<&str> = failures.lines().filter(|line| !line.contains(" tests: ")).collect();
    insta::assert_snapshot!(failures.join("\n"));
    assert!(said.out.contains("4 tests: 0 passed, 3 failed, 1 skipped ("), "{said:#?}");
    assert!(said.out.contains("  skip  later: not yet\n"), "{said:#?}");
}

#[test]
fn a_wrong_test_file_is_shown_at_its_place_and_nothing_runs() {
    let workspace = ship(
        "
mock: {}
mocks:
  biuld: {}
  report: {output: 1}
  shell: {output: {stdout: x}}
  push: {when: {url: '/(/'}, outptu: 1}
tests:
  - name: one
    expect:
      status: succeded
      stages: {pusch: succeeded, build: {attemps: 1}, report: {called_with: {}}}
    assert: ['stages.build.statsu == 1', 'output. == 2', 'outputs.x', stages.nobody.status]
  - {name: one, allow: [shel]}
  - {expect_error: {invalid: inputs, type: NOPE}, expect: {status: failed}}
",
    );
    let said = tested(&workspace, &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:#?}");
    insta::assert_snapshot!(said.err);
    let document = tested(&workspace, &["--json"]).json();
    let first = &document["files"][0]["problems"][0];
    assert_eq!((&first["line"], &first["help"]), (&json!(2), &json!("did you mean `mocks`?")), "{document:#}");
}

#[test]
fn invalid_inputs_and_invalid_pipelines_can_be_what_is_expected() {
    let workspace = ship(
        "
mocks: {shell: {}, push: {}}
tests:
  - {name: a number is no list, inputs: {hosts: 5}, expect_error: {invalid: inputs, message: hosts}}
  - {name: a list is a list, inputs: {hosts: []}, expect_error: {invalid: inputs}}
",
    );
    workspace.pipeline("bad.yaml", "{id: bad, stages: [{id: a, type: shel}]}");
    workspace.pipeline(
        "bad.test.json",
        r#"{"tests": [{"name": "it is refused", "expect_error": {"invalid": "pipeline", "message": "no component `shel`"}}, {"name": "it runs"}]}"#,
    );
    let document = tested(&workspace, &["--json"]);
    assert_eq!(document.code, Some(1), "{document:#?}");
    let document = document.json();
    let statuses: Vec<&Value> = document["files"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| file["tests"].as_array().unwrap())
        .map(|test| &test["status"])
        .collect();
    assert_eq!(statuses, ["passed", "failed", "passed", "failed"]);
    assert!(document["files"][0]["tests"][1]["failures"][0]["message"].as_str().unwrap().contains("not valid"), "{document:#}");
    assert!(document["files"][1]["tests"][1]["failures"][0]["message"].as_str().unwrap().contains("should not be"));
}

#[test]
fn tests_are_found_chosen_and_never_taken_for_pipelines() {
    let workspace = ship("tests: [{name: first, mocks: {shell: {}, push: {}}, secrets: {TOKEN: x}}]");
    fs::create_dir_all(workspace.file("pipelines/team")).unwrap();
    fs::write(
        workspace.file("pipelines/team/other.test.json"),
        r#"{"pipeline": "../ship.yaml", "tests": [{"name": "second"}, {"name": "third", "only": true, "mocks": {"build": {"error": "x"}}, "expect_error": {}}]}"#,
    )
    .unwrap();
    let all = tested(&workspace, &["--json"]).json();
    assert_eq!((&all["passed"], &all["skipped"], &all["ok"]), (&json!(2), &json!(1), &json!(true)), "{all:#}");
    let one = tested(&workspace, &["--filter", "first", "--json"]).json();
    assert_eq!(one["files"].as_array().unwrap().len(), 1, "{one:#}");
    assert_eq!(tested(&workspace, &["pipelines/team"]).code, Some(0));
    let valid = workspace.ok(&["validate", "--json"]).json();
    assert_eq!(valid["pipelines"].as_array().unwrap().len(), 1, "{valid:#}");
    for args in [&["run", "ship.test"][..], &["validate", "pipelines/ship.test.yaml"], &["plan", "ship.test.yaml"]] {
        let said = workspace.say(args);
        assert!(said.code == Some(2) && said.err.contains("`flowdeck test` runs them"), "{said:#?}");
    }
    for (args, hint) in [
        (&["--filter", "nothing"][..], "no test has \"nothing\""),
        (&["pipelines/ship.yaml"], "is no test file"),
        (&["nowhere"], "is not there"),
        (&["tmp"], "no tests in"),
    ] {
        let said = tested(&workspace, args);
        assert!(said.code == Some(2) && said.err.contains(hint), "{said:#?}");
    }
    workspace.pipeline("lost.test.yaml", "tests: [{name: x}]");
    let said = tested(&workspace, &["pipelines/lost.test.yaml"]);
    assert!(said.code == Some(2) && said.err.contains("there is no pipeline \"lost\""), "{said:#?}");
}

#[test]
fn the_first_failure_may_end_it() {
    let workspace = ship(
        "
mocks: {shell: {}, push: {}}
secrets: {TOKEN: x}
tests: [{name: a}, {name: b, expect: {status: failed}}, {name: c}]
",
    );
    let said = tested(&workspace, &["--fail-fast"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("3 tests: 1 passed, 1 failed, 1 skipped"), "{said:#?}");
}

#[test]
fn the_junit_report_reads_back_whatever_the_tests_are_called() {
    let name = "a <b> & \"c\" 'd' \u{1b}[31m ]]>";
    let tests = json!({"mocks": {"shell": {}, "push": {}}, "secrets": {"TOKEN": "x"}, "tests": [
        {"name": name, "expect": {"output": {"pushed": "<&>\n"}}}, {"name": "fine"}, {"name": "later", "skip": "why \"not\""}]});
    let workspace = ship(&tests.to_string());
    let said = tested(&workspace, &["--junit", "reports/junit.xml"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(!said.out.contains('\u{1b}'), "{said:#?}");
    let elements = xml(&workspace.read("reports/junit.xml"));
    let names: Vec<&str> = elements.iter().map(|element| element.name.as_str()).collect();
    assert_eq!(names, ["testsuites", "testsuite", "testcase", "failure", "testcase", "testcase", "skipped"]);
    assert_eq!(elements[1].get("name"), "pipelines/ship.test.yaml");
    let counts = ["tests", "failures", "errors", "skipped"].map(|count| elements[0].get(count));
    assert_eq!(counts, ["3", "1", "0", "1"]);
    assert_eq!(elements[2].get("name"), name.replace('\u{1b}', "\u{fffd}"));
    assert_eq!((elements[2].get("classname"), elements[2].get("file")), ("ship", "pipelines/ship.test.yaml"));
    assert!(elements[2].get("time").parse::<f64>().is_ok());
    assert_eq!(elements[3].get("message"), "output.pushed");
    assert!(elements[3].text.contains("expected  \"<&>\\n\"\n"), "{:?}", elements[3].text);
    assert_eq!(elements[6].get("message"), "why \"not\"");
}

/// An element of a document, in the order of the opening tags.
#[derive(Debug)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A strict reader of the XML that reports need: tags that match, quoted attributes, no stray `<` or `&`.
fn xml(document: &str) -> Vec<Element> {
    assert!(document.chars().all(|c| c >= ' ' || c == '\n'), "no control characters");
    let mut rest = document.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    while let Some((text, tag)) = rest.split_once('<') {
        if let Some(at) = open.last() {
            elements[*at].text.push_str(&unescaped(text));
        }
        let (tag, behind) = tag.split_once('>').expect("a tag that ends");
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(elements[open.pop().expect("an open element")].name, name);
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, mut list) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while let Some((name, value)) = list.split_once("=\"") {
            let (value, behind) = value.split_once('"').expect("a quoted value");
            attributes.push((name.trim().to_owned(), unescaped(value)));
            list = behind;
        }
        assert_eq!(list.trim(), "");
        elements.push(Element { name: name.to_owned(), attributes, text: String::new() });
        if !closed {
            open.push(elements.len() - 1);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "everything is closed");
    elements
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once(';').expect("a reference that ends");
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                char::from_u32(number.strip_prefix('#').expect("a known name").parse().expect("a number")).expect("a character")
            }
        });
        out.push_str(rest);
    }
    out
}

#[test]
fn a_signal_in_the_middle_leaves_nothing_behind() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let workspace =
            Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo up > up; exec cat go'}}]}");
        workspace.pipeline("p.test.yaml", "{allow: shell, tests: [{name: it hangs}]}");
        workspace.fifo("up");
        workspace.fifo("go");
        let child = test(&workspace, &[]).spawn().expect("flowdeck starts");
        workspace.hear("up");
        rustix::process::kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        let said = finish(child);
        assert_eq!(said.code, Some(code), "{said:#?}");
        nothing_is_left(&workspace);
    }
}

#[test]
fn an_engine_that_dies_under_the_tests_is_an_error_and_no_riddle() {
    let workspace =
        Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, config: {run: 'echo up > up; exec cat go'}}]}");
    workspace.pipeline("p.test.yaml", "{allow: shell, tests: [{name: it hangs}]}");
    workspace.fifo("up");
    workspace.fifo("go");
    let child = test(&workspace, &[]).spawn().expect("flowdeck starts");
    workspace.hear("up");
    let engine = fs::read_dir(workspace.file("tmp")).unwrap().next().unwrap().unwrap().path().join("state/engine.lock");
    kill(fs::read_to_string(engine).unwrap().trim().parse().unwrap());
    let said = finish(child);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.out.contains("the tests' engine is gone"), "{said:#?}");
    nothing_is_left(&workspace);
}

#[test]
fn tests_see_no_environment_and_no_settings_of_the_user() {
    let text = "
id: p
stages:
  - {id: a, type: json-transform, config: {template: '{{env_or(\"COLOUR\", \"none\")}}'}}
  - {id: call, type: http-request, config: {url: 'http://127.0.0.1:9/'}, depends_on: [a]}
";
    let workspace = Workspace::with("p.yaml", text);
    fs::write(
        workspace.file("flowdeck.toml"),
        "[network]\nallow = [\"10.0.0.1\"]\n[ai.providers.local]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\nkey = { command = [\"touch\", \"asked\"] }\n",
    )
    .unwrap();
    workspace.pipeline(
        "p.test.yaml",
        "
allow: http-request
tests:
  - {name: none, expect: {stages: {a: {output: none}}}, expect_error: {type: SECURITY, stage: call}}
  - {name: own, env: {COLOUR: red}, expect: {stages: {a: {output: red}}}, expect_error: {type: SECURITY}}
",
    );
    let said = finish(test(&workspace, &[]).env("COLOUR", "blue").spawn().unwrap());
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(!workspace.file("asked").exists(), "no key is read");
}

#[test]
fn the_schema_of_test_files_fits_the_shipped_ones() {
    let workspace = Workspace::new();
    let schema = workspace.ok(&["schema", "--test"]).json();
    let compiled = flowdeck::language::json_schema::Compiled::new(&schema).expect("a schema");
    let file = json!({"tests": [{"name": "x", "mocks": {"a": null, "b": [{"error": "e"}, {"when": "true", "output": {}}]},
        "expect": {"stages": {"a": "not_run", "b": {"attempts": 1, "error": {"type": "TIMEOUT"}}}}, "assert": ["1"]}]});
    assert_eq!(compiled.check(&file), []);
    for wrong in [
        json!({}),
        json!({"tests": [{"name": "x", "mock": {}}]}),
        json!({"tests": [{"name": "x", "mocks": {"a": {"outptu": 1}}}]}),
    ] {
        assert_ne!(compiled.check(&wrong), [], "{wrong}");
    }
}

#[test]
fn an_included_pipeline_runs_under_the_same_rules() {
    let parent = "{id: parent, stages: [
      {id: call, type: subpipeline, config: {pipeline: below, input: {n: 2}}},
      {id: told, type: json-transform, depends_on: [call], config: {template: '{{upstream.call.result}}'}}]}";
    let below = "{id: below, stages: [
      {id: work, type: shell, on_error: continue, config: {run: 'touch effect; echo {{input.n}}'}},
      {id: out, type: json-transform, depends_on: [work], config: {template: '{{upstream.work.outputs.x}}'}}]}";
    let workspace = Workspace::with("parent.yaml", parent);
    workspace.pipeline("below.yaml", below);
    workspace.pipeline(
        "parent.test.yaml",
        "allow: [subpipeline]
tests:
  - {name: mocked below, mocks: {shell: {output: {outputs: {x: seven}}}}, expect: {output: seven}}
  - {name: not mocked below}
",
    );
    let said = tested(&workspace, &[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.out.contains("ok    mocked below"), "{said:#?}");
    assert!(said.out.contains("stage `work` would run a shell command"), "{said:#?}");
    assert!(!workspace.file("effect").exists());
}

#[test]
fn nobody_is_offered_the_mock_component() {
    let workspace =
        Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: mock, config: {component: shell, config: {}, answers: []}}]}");
    let offered = workspace.ok(&["explain", "--json"]).json();
    let offered = offered["components"].as_array().expect("a list");
    assert!(offered.len() > 20 && offered.iter().all(|component| component["name"] != "mock"), "{offered:?}");
    assert_eq!(workspace.say(&["explain", "mock"]).code, Some(2));
    assert!(!workspace.ok(&["schema"]).out.contains("\"mock\""));
    let said = workspace.say(&["validate", "--strict"]);
    assert!(said.code == Some(2) && said.err.contains("stands in for a stage in tests"), "{said:#?}");
}

#[test]
fn the_shipped_pipelines_pass_their_tests() {
    let workspace = Workspace::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines");
    let document = tested(&workspace, &["--json", root]);
    assert_eq!(document.code, Some(0), "{document:#?}");
    for file in document.json()["files"].as_array().unwrap() {
        assert_eq!(file["never_tested"], json!([]), "{file:#}");
    }
}

#[test]
fn a_new_workspace_has_a_test_that_passes() {
    let workspace = Workspace::new();
    let dir = workspace.file("new");
    let place = dir.to_str().unwrap();
    workspace.ok(&["init", place]);
    let said = tested(&workspace, &["--workspace", place]);
    assert_eq!(said.code, Some(0), "{said:#?}");
}

#[test]
fn the_documented_tests_are_true() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/docs/testing.md")).expect("the document");
    let blocks: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [pipeline, tests, fragments @ ..] = blocks.as_slice() else { panic!("a pipeline and its tests") };
    let workspace = Workspace::with("release.yaml", pipeline);
    workspace.pipeline("release.test.yaml", tests);
    let said = tested(&workspace, &[]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(!fragments.is_empty());
    for fragment in fragments {
        workspace.pipeline("release.test.yaml", &format!("{fragment}\ntests: [{{name: x, skip: true}}]\n"));
        let said = tested(&workspace, &[]);
        assert_eq!(said.code, Some(0), "{fragment}{said:#?}");
    }
}

#[test]
fn a_reader_that_has_gone_leaves_nothing_behind() {
    let workspace =
        Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, when: 'input.wait', config: {run: 'cat go'}}]}");
    workspace.pipeline(
        "p.test.yaml",
        "{allow: shell, tests: [{name: quick, inputs: {wait: false}}, {name: slow, inputs: {wait: true}}]}",
    );
    workspace.fifo("go");
    let mut child = test(&workspace, &[]).spawn().unwrap();
    assert_eq!(BufReader::new(child.stdout.take().unwrap()).lines().take(2).count(), 2);
    // The next line, that of the slow test, has no reader any more.
    workspace.release("go");
    assert_eq!(finish(child).code, Some(0));
    nothing_is_left(&workspace);
}

#[test]
fn lines_come_as_the_tests_end() {
    let workspace =
        Workspace::with("p.yaml", "{id: p, stages: [{id: a, type: shell, when: 'input.wait', config: {run: 'cat go'}}]}");
    workspace.pipeline(
        "p.test.yaml",
        "{allow: shell, tests: [{name: quick, inputs: {wait: false}}, {name: slow, inputs: {wait: true}}]}",
    );
    workspace.fifo("go");
    let mut child = test(&workspace, &[]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(out.next().unwrap().unwrap(), "pipelines/p.test.yaml (p)");
    assert!(out.next().unwrap().unwrap().contains("quick"));
    workspace.release("go");
    assert!(out.next().unwrap().unwrap().contains("slow"));
    drop(out);
    assert_eq!(finish(child).code, Some(0));
}
