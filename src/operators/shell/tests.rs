use serde_json::{Map, Value, json};

use super::super::testing::Stage;
use super::finish;
use crate::language::Component;
use crate::model::{Ending, ErrorKind};
use crate::process::{Exit, Program, Spec};

fn shell(config: Value) -> Stage {
    Stage::new(Component::Shell, config).input(json!({"branch": "$(rm -rf /)", "n": 3, "list": ["a", "b c"], "none": null}))
}

fn script(spec: &Spec) -> (&[String], &str, bool) {
    match &spec.program {
        Program::Script { interpreter, text, secret } => (interpreter, text, *secret),
        Program::Command(words) => panic!("{words:?}"),
    }
}

#[test]
fn values_in_a_script_are_quoted() {
    let stage = shell(json!({"run": "git checkout {{input.branch}} # {{input.n}}\necho \"{{input.list}}\" {{input.none}}"}));
    let spec = stage.process();
    let (interpreter, text, secret) = script(&spec);
    assert_eq!(interpreter, ["sh", "-e"]);
    assert_eq!(text, "git checkout '$(rm -rf /)' # 3\necho \"\"'[\"a\",\"b c\"]'\"\" ''");
    assert!(!secret);
    assert_eq!(spec.cwd, "/workspace");
    assert_eq!(spec.grace_ms, 10_000);
}

#[test]
fn raw_opts_out_of_quoting() {
    let spec = shell(json!({"run": "echo {{raw(input.branch)}} {{ raw('a b') }} {{input.n}}"})).process();
    assert_eq!(script(&spec).1, "echo $(rm -rf /) a b '3'");
}

#[test]
fn interpreters_come_by_name_or_as_a_list() {
    let cases = [
        (json!("bash"), vec!["bash", "-e", "-o", "pipefail"]),
        (json!("/bin/dash"), vec!["/bin/dash", "-e"]),
        (json!("bash -x"), vec!["bash", "-x"]),
        (json!(["python3", "-u"]), vec!["python3", "-u"]),
        (json!("node"), vec!["node"]),
    ];
    for (name, words) in cases {
        assert_eq!(script(&shell(json!({"run": "x", "shell": name})).process()).0, words);
    }
}

#[test]
fn only_shells_get_values_spliced() {
    let error = shell(json!({"run": "print({{input.n}})", "shell": "python3"})).error();
    assert!(error.message.contains("cannot be quoted for `python3`") && error.message.contains("`env`"), "{error}");
    let spec = shell(json!({"run": "print({{raw(input.n)}})", "shell": "python3"})).process();
    assert_eq!(script(&spec).1, "print(3)");
    assert!(shell(json!({"run": "echo {{input.n}}", "shell": ["/usr/bin/env", "bash"]})).prepared().is_ok());
}

#[test]
fn a_secret_marks_its_script() {
    let spec = shell(json!({"run": "curl -H {{secrets.TOKEN}}"})).secret("TOKEN", "hunter2").process();
    assert_eq!(script(&spec), (&["sh".to_owned(), "-e".to_owned()][..], "curl -H 'hunter2'", true));
}

#[test]
fn a_secret_is_shown_by_name_even_where_quoting_takes_it_apart() {
    let stage = shell(json!({"run": "login {{secrets.TOKEN}} {{input.n}}"})).secret("TOKEN", "it's secret");
    let prepared = stage.prepared().unwrap();
    assert_eq!(prepared.config["run"], "login '{{secrets.TOKEN}}' '3'");
    assert_eq!(script(&stage.process()).1, "login 'it'\\''s secret' '3'");
    assert!(script(&stage.process()).2);
}

#[test]
fn a_credential_among_arguments_is_refused() {
    let error = shell(json!({"command": ["curl", "-u", "{{secrets.TOKEN}}"]})).secret("TOKEN", "hunter2").error();
    assert_eq!(error.kind, ErrorKind::Security);
    assert!(error.message.contains("argument 2") && error.message.contains("pass it through `env`"), "{error}");
    let spec = shell(json!({"command": ["curl"], "env": {"TOKEN": "{{secrets.TOKEN}}"}})).secret("TOKEN", "hunter2").process();
    assert!(spec.env.contains(&("TOKEN".to_owned(), "hunter2".to_owned())));
}

#[test]
fn a_command_takes_values_as_whole_arguments() {
    let spec = shell(json!({"command": ["git", "checkout", "{{input.branch}}", "{{input.n}}"]})).process();
    let words = ["git", "checkout", "$(rm -rf /)", "3"].map(str::to_owned).to_vec();
    assert_eq!(spec.program, Program::Command(words));
}

#[test]
fn directory_environment_input_and_limits_are_passed_on() {
    let config = json!({
        "run": "x", "cwd": "app/{{input.n}}", "env": {"N": "{{input.n}}", "EMPTY": null}, "stdin": {"a": 1},
        "timeout": "5m", "grace": 3, "outputs": ["image"],
    });
    let spec = shell(config).process();
    assert_eq!(spec.cwd, "/workspace/app/3");
    for (name, value) in
        [("N", "3"), ("EMPTY", ""), ("FLOWDECK_RUN_ID", "run-1"), ("FLOWDECK_STAGE_ID", "stage"), ("FLOWDECK_ATTEMPT", "1")]
    {
        assert!(spec.env.contains(&(name.to_owned(), value.to_owned())), "{name} in {:?}", spec.env);
    }
    assert_eq!(spec.stdin.as_deref(), Some("{\"a\":1}"));
    assert_eq!((spec.timeout_ms, spec.grace_ms), (Some(300_000), 3_000));
    assert_eq!(shell(json!({"run": "x", "cwd": "/tmp"})).process().cwd, "/tmp");
}

#[test]
fn the_rendered_script_is_shown() {
    let prepared = shell(json!({"run": "echo {{input.n}}", "env": {"N": "{{input.n}}"}})).prepared().unwrap();
    assert_eq!(prepared.config, json!({"env": {"N": 3}, "run": "echo '3'"}));
}

#[test]
fn a_stage_without_or_with_too_much_to_run_is_refused() {
    assert!(shell(json!({})).error().message.contains("needs `run`"));
    assert!(shell(json!({"run": "a", "command": ["b"]})).error().message.contains("not both"));
    assert!(shell(json!({"command": "make test"})).error().message.contains("a script goes into `run`"));
    assert!(shell(json!({"command": []})).error().message.contains("names no program"));
    assert!(shell(json!({"run": "x", "env": {"A=B": 1}})).error().message.contains("is not a name"));
    let error = shell(json!({"run": "echo {{input.nope}} {{upstream.gone.x}}"})).error();
    assert!(error.message.starts_with("in `run`: "), "{error}");
}

fn exit() -> Exit {
    let outputs = Map::from_iter([("image".to_owned(), json!("web:1"))]);
    Exit {
        code: Some(0),
        signal: None,
        outputs,
        duration_ms: 1234,
        timed_out: false,
        cancelled: false,
        failure: None,
        lines: 0,
        bytes: 0,
    }
}

#[test]
fn every_end_of_a_process_has_its_meaning() {
    let stage = shell(json!({"run": "x", "outputs": ["image"]}));
    let outcome = |exit: Exit| finish(stage.spec(), &exit);
    let good = outcome(exit());
    assert_eq!(good.ending, Ending::Succeeded);
    assert_eq!(good.output, json!({"exit_code": 0, "outputs": {"image": "web:1"}, "duration_ms": 1234}));

    let cases = [
        (Exit { code: Some(3), ..exit() }, Ending::Failed, ErrorKind::Execution, "exit code 3"),
        (Exit { code: Some(127), ..exit() }, Ending::Failed, ErrorKind::Execution, "exit code 127: a command was not found"),
        (Exit { code: None, signal: Some(9), ..exit() }, Ending::Failed, ErrorKind::Execution, "ended by signal 9 (KILL)"),
        (
            Exit { code: None, signal: Some(15), timed_out: true, ..exit() },
            Ending::TimedOut,
            ErrorKind::Timeout,
            "did not end in time; ended after 1.2 s",
        ),
        (Exit { code: None, signal: Some(15), cancelled: true, ..exit() }, Ending::Cancelled, ErrorKind::Cancelled, "cancelled"),
        (
            Exit { code: None, failure: Some("no such directory".to_owned()), ..exit() },
            Ending::Failed,
            ErrorKind::Execution,
            "no such directory",
        ),
        (
            Exit { outputs: Map::new(), ..exit() },
            Ending::Failed,
            ErrorKind::Validation,
            "the script did not write its output `image`",
        ),
    ];
    for (exit, ending, kind, message) in cases {
        let outcome = outcome(exit);
        let error = outcome.error.unwrap();
        assert_eq!((outcome.ending, error.kind, error.message.as_str()), (ending, kind, message));
        assert_eq!(outcome.output["duration_ms"], 1234, "the output is kept");
    }
}
