//! What a pipeline promises: inputs before it starts, the output when it has ended, components that can be run.

use std::fs;

use super::support::{Said, Workspace, kill};

fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "{word}: {said:#?}");
    }
}

const PROMISE: &str = "
id: promise
output_schema: {type: object, required: [total], properties: {total: {type: integer}, note: {type: string}}}
stages:
  - {id: work, type: shell, config: {run: 'echo up > up; cat go; echo \"total={{input.total}}\" >> \"$FLOWDECK_OUTPUT\"'}}
  - {id: sum, type: json-transform, depends_on: [work], config: {template: {total: '{{input.total}}', note: 5}}}
";

#[test]
fn an_output_that_breaks_the_promise_fails_the_run_and_is_still_shown() {
    let text = PROMISE.replace("echo up > up; cat go; ", "");
    let workspace = Workspace::with("promise.yaml", &text);
    let said = workspace.say(&["run", "promise", "-i", "total=many", "--json"]);
    let run = said.json();
    assert_eq!((said.code, &run["status"], &run["error"]["type"]), (Some(1), &"failed".into(), &"VALIDATION".into()), "{run:#}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("/total: ") && message.contains("/note: "), "{message}");
    assert_eq!(run["output"], serde_json::json!({"total": "many", "note": 5}));
    assert_eq!(run["stages"]["sum"]["status"], "succeeded");
    workspace.pipeline("promise.yaml", &text.replace("note: 5}", "note: five}"));
    workspace.ok(&["run", "promise", "-i", "total=3"]);
}

#[test]
fn the_verdict_about_the_output_is_the_same_after_a_kill() {
    let workspace = Workspace::with("promise.yaml", PROMISE);
    workspace.fifo("up");
    workspace.fifo("go");
    let said = workspace.ok(&["run", "promise", "-i", "total=many", "--detach", "--json"]);
    let id = said.json()["id"].as_str().unwrap().to_owned();
    workspace.hear("up");
    kill(workspace.engine_pid());
    workspace.release("go");
    let run = workspace.wait(&id);
    assert_eq!((&run["status"], &run["error"]["type"]), (&"failed".into(), &"VALIDATION".into()), "{run:#}");
    assert_eq!(run["output"]["total"], "many");
}

const RELEASE: &str = r#"
id: release
environment: staging
input_schema: {type: object, properties: {version: {type: string, default: v1}}}
stages:
  - {id: build, type: shell, config: {run: "echo {{input.version}} \"for {{input.who or 'a$b'}}\"", stdin: "{{input.version}}"}}
  - {id: gone, type: shell, when: input.version == 'v2', config: {run: "echo {{upstream.build.outputs.artifact}}"}}
"#;

#[test]
fn a_plan_says_what_a_run_then_does() {
    let workspace = Workspace::with("release.yaml", RELEASE);
    let plan = workspace.ok(&["plan", "release", "--json"]).json();
    let run = workspace.ok(&["run", "release", "--json"]).json();
    let script = &run["stages"]["build"]["attempts"][0]["config"]["run"];
    assert_eq!(&plan["stages"][0]["config"]["run"], script, "{plan:#}");
    assert_eq!(script, r#"echo 'v1' "for "'a$b'"""#);
    assert_eq!((&plan["stages"][1]["skipped"], &run["stages"]["gone"]["reason"]), (&"when".into(), &"when".into()));
    assert_eq!(plan["stages"][1]["when"], serde_json::json!({"expression": "input.version == 'v2'", "holds": false}));
    assert_eq!(plan["inputs"], run["inputs"]);
}

#[test]
fn the_digest_follows_inputs_and_environment_and_nothing_else() {
    let workspace = Workspace::with("release.yaml", RELEASE);
    let digest = |args: &[&str]| {
        let plan = workspace.ok(&[&["plan", "release", "--json"], args].concat()).json();
        plan["digest"].as_str().unwrap().to_owned()
    };
    let plain = digest(&[]);
    assert!(plain.starts_with("sha256:") && plain.len() == 71, "{plain}");
    assert_eq!(digest(&["-i", "version=v1"]), plain, "the default");
    assert_eq!(digest(&["--env", "staging"]), plain, "the pipeline's own");
    assert_ne!(digest(&["-i", "version=v2"]), plain);
    assert_ne!(digest(&["--env", "production"]), plain);
    let said = workspace.ok(&["plan", "release"]);
    assert!(said.out.lines().nth(1).is_some_and(|line| line == format!("digest {plain}, environment staging")), "{said:#?}");
    workspace.pipeline("release.yaml", &format!("# other words{}", RELEASE.replace("id: release", "id: release\nname: New")));
    assert_eq!(digest(&[]), plain);
}

#[test]
fn a_plan_tells_what_will_surely_fail() {
    let text = "{id: p, stages: [{id: a, type: logger, config: {message: \"{{input.n + 'x'}}\"}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let said = workspace.say(&["plan", "p", "-i", "n=1"]);
    refused(&said, 1, &["error: a: config.message: "]);
    assert!(said.out.contains("1. a (logger)"), "the plan is shown all the same: {said:#?}");
    let said = workspace.say(&["plan", "p", "-i", "n=1", "--json"]);
    assert_eq!(said.json()["stages"][0]["problems"][0]["path"], "config.message");
    workspace.ok(&["plan", "p", "-i", "n=a"]);
}

#[test]
fn the_environment_of_a_run_is_kept_and_is_no_input() {
    let text = "{id: p, environment: staging, input_schema: {type: object, additionalProperties: false},
      stages: [{id: a, type: logger, config: {message: hi}}]}";
    let workspace = Workspace::with("p.yaml", text);
    let run = |args: &[&str]| workspace.ok(&[&["run", "p", "--json"], args].concat()).json();
    assert_eq!(run(&[])["environment"], "staging");
    let production = run(&["--env", "production"]);
    assert_eq!((&production["environment"], &production["inputs"]), (&"production".into(), &serde_json::json!({})));
    let again = workspace.ok(&["runs", "rerun", "last", "--all", "--json"]).json();
    assert_eq!(again["environment"], "production");
    fs::write(workspace.file("flowdeck.toml"), "[environments.staging]\n[environments.production]\n").unwrap();
    for command in ["run", "plan"] {
        refused(
            &workspace.say(&[command, "p", "--env", "prodction"]),
            2,
            &["no environment `prodction`", "did you mean `production`?"],
        );
    }
    workspace.ok(&["plan", "p", "--env", "production"]);
}

const NESTED: &str = r#"
id: nested
input_schema:
  type: object
  required: [service]
  properties:
    service: {type: string}
    deploy:
      type: object
      default: {}
      required: [region]
      properties:
        region: {type: string}
        replicas: {type: integer, minimum: 1, default: 2}
        probe: {type: object, default: {path: /health}, properties: {path: {type: string}, tries: {type: integer, default: 3}}}
sample_input: {service: api, deploy: {region: eu}}
stages:
  - {id: a, type: logger, config: {message: "{{input.service}}"}}
"#;

#[test]
fn inputs_are_checked_all_at_once_each_with_its_path() {
    let workspace = Workspace::with("nested.yaml", NESTED);
    fs::write(workspace.file("bad.json"), r#"{"deploy": {"replicas": 0, "probe": {"tries": "x", "path": 5}}}"#).unwrap();
    for command in ["plan", "run"] {
        let said = workspace.say(&[command, "nested", "--inputs", "bad.json"]);
        let paths = [
            "  service: is required",
            "  deploy.region: is required",
            "  deploy.replicas: ",
            "  deploy.probe.tries: ",
            "  deploy.probe.path: ",
        ];
        refused(&said, 2, &paths);
    }
    assert!(workspace.ok(&["runs", "list", "--json"]).json()["runs"].as_array().unwrap().is_empty(), "nothing was started");
}

#[test]
fn sample_inputs_get_the_nested_defaults_and_give_way_to_others() {
    let workspace = Workspace::with("nested.yaml", NESTED);
    let expected = serde_json::json!({"service": "api", "deploy": {"region": "eu", "replicas": 2, "probe": {"path": "/health", "tries": 3}}});
    assert_eq!(workspace.ok(&["plan", "nested", "--sample", "--json"]).json()["inputs"], expected);
    assert_eq!(workspace.ok(&["run", "nested", "--sample", "--json"]).json()["inputs"], expected);
    fs::write(workspace.file("more.json"), r#"{"service": "web", "deploy": {"region": "us"}}"#).unwrap();
    let plan = workspace.ok(&["plan", "nested", "--sample", "--inputs", "more.json", "-i", "service=db", "--json"]).json();
    assert_eq!((&plan["inputs"]["service"], &plan["inputs"]["deploy"]["region"]), (&"db".into(), &"us".into()));
    workspace.pipeline("nested.yaml", &NESTED.replace("sample_input", "example_input"));
    assert_eq!(workspace.ok(&["plan", "nested", "--sample", "--json"]).json()["inputs"], expected);
    workspace.pipeline("nested.yaml", &NESTED.replace("sample_input", "x-sample"));
    refused(&workspace.say(&["plan", "nested", "--sample"]), 2, &["no `sample_input`"]);
}

#[test]
fn an_environment_that_the_workspace_does_not_have_is_told_at_its_place() {
    let text = "id: p\nenvironment: produktion\nstages:\n  - {id: a, type: logger, environment: stagin, config: {message: m}}\n";
    let workspace = Workspace::with("p.yaml", text);
    workspace.ok(&["validate"]);
    std::fs::write(workspace.file("flowdeck.toml"), "[environments.staging]\n[environments.production]\n").expect("the file");
    for command in [&["validate"][..], &["run", "p"], &["plan", "p"]] {
        let said = workspace.say(command);
        assert_eq!(said.code, Some(2), "{said:#?}");
        for expected in ["p.yaml:2:14", "did you mean `production`?", "p.yaml:4:40", "did you mean `staging`?"] {
            assert!(said.err.contains(expected), "{expected}: {said:#?}");
        }
    }
}
