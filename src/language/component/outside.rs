//! Components that act on the world outside: requests and processes.

use super::Entry;
use crate::language::field::Kind;

pub(super) static HTTP_REQUEST: Entry = Entry {
    name: "http-request",
    aliases: &["http", "http-call"],
    about: "Sends one HTTP request.",
    required: &[&["url"]],
    keys: keys! {
        "url": Kind::Text, "Where to.";
        "method": Kind::Text, "GET when absent.";
        "headers": Kind::Map, "Header names to values.";
        "body" | "json" | "data": Kind::Any, "An object is sent as JSON, a text as it is.";
        "params" | "query_params" | "query": Kind::Map, "Query parameters; lists repeat.";
        "timeout": Kind::RequestTimeout, "Time for one attempt: up to 300 seconds, above that milliseconds; 30 seconds when absent.";
        "timeout_ms": Kind::Milliseconds, "The same in milliseconds.";
        "follow_redirects" | "allow_redirects": Kind::Flag, "True when absent.";
        "max_redirects": Kind::Integer, "How many are followed; 10 when absent.";
        "verify_ssl" | "verify": Kind::Flag, "True when absent.";
        "expect_status" | "expected_status": Kind::Any, "A status, a list of them, or a class such as `2xx`; others fail.";
        "idempotency_key": Kind::Text, "Sent along, so that repeating the request does no harm; `true` makes one.";
        "max_body_bytes" | "max_response_bytes": Kind::Integer, "Largest answer that is read; 10 MiB when absent.";
        "auth": Kind::Any, "Credentials: `token`, or `username` and `password`.";
    },
    encloses: false,
    output: &[
        ("status_code", "The answer's status."),
        ("headers", "Its headers, names in lower case."),
        ("body", "JSON, or a text."),
        ("elapsed_ms", "Until the answer was read."),
        ("success", "Whether the status is 2xx."),
        ("url", "Where the answer came from, after redirects."),
    ],
    example: "\
- id: health
  type: http-request
  config: { url: \"{{input.url}}/health\", timeout: 5, expect_status: 2xx }
",
};

pub(super) static SHELL: Entry = Entry {
    name: "shell",
    aliases: &["command", "script", "bash"],
    about: "Runs a script or a program.",
    required: &[&["run", "command"]],
    keys: keys! {
        "run" | "script": Kind::Script, "A script; template values are quoted by themselves.";
        "command" | "cmd": Kind::Any, "A program and its arguments, a list.";
        "cwd" | "working_directory": Kind::Text, "The directory; the workspace's when absent.";
        "env" | "environment": Kind::Map, "Environment variables.";
        "shell" | "interpreter": Kind::Any, "What runs the script; `sh` when absent.";
        "stdin" | "input": Kind::Any, "Standard input; closed when absent.";
        "outputs": Kind::Any, "Names of outputs that the script must write.";
        "timeout": Kind::Seconds, "Time for one attempt.";
        "timeout_ms": Kind::Milliseconds, "The same in milliseconds.";
        "grace" | "grace_period": Kind::Seconds, "Between TERM and KILL; 10 when absent.";
    },
    encloses: false,
    output: &[
        ("exit_code", "0 when all went well."),
        ("outputs", "What the script wrote into `$FLOWDECK_OUTPUT`."),
        ("duration_ms", "How long it ran."),
    ],
    example: "\
- id: build
  type: shell
  config: { run: 'make VERSION={{input.version}} && echo artifact=dist/app >> \"$FLOWDECK_OUTPUT\"', timeout: 5m }
",
};
