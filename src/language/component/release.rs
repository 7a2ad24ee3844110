//! Components for releases: gates, deployments, their checks, and telling people.

use super::Entry;
use crate::language::field::Kind;

pub(super) static APPROVAL: Entry = Entry {
    name: "approval",
    aliases: &["approve", "manual-approval"],
    about: "Waits for people to agree.",
    required: &[],
    keys: keys! {
        "environment": Kind::Text, "Whose rules hold; the run's when absent.";
        "message": Kind::Text, "What is asked.";
        "rules": Kind::List, "Further rules, `{name, users, groups, min}` each; they only add to the environment's.";
        "evidence": Kind::Any, "What to show: a list of values, or values by name.";
    },
    encloses: false,
    output: &[("approved", "true")],
    example: "\
- id: sign-off
  type: approval
  config: { environment: production, message: \"ship {{input.version}}?\" }
",
};

pub(super) static DEPLOY: Entry = Entry {
    name: "deploy",
    aliases: &[],
    about: "Records a release around the work it wraps.",
    required: &[&["service"], &["run", "command", "request", "compose", "kubernetes", "stages"]],
    keys: keys! {
        "environment": Kind::Text, "Where to; the run's when absent.";
        "service": Kind::Text, "What.";
        "version": Kind::Text, "Which; the run's input `version` when absent.";
        "artifact" | "artifacts" | "artefact" | "artefacts": Kind::Any, "A digest, `{name, digest}`, or digests by name.";
        "strategy": Kind::Text, "run, request, compose, kubernetes or stages; what is there when absent.";
        "run": Kind::Script, "The script that deploys.";
        "command": Kind::List, "Or the program that does, with its arguments.";
        "request": Kind::Map, "Or the HTTP request, as of `http-request`.";
        "compose": Kind::Map, "Or `{file, project, services, args}` of `docker compose up`.";
        "kubernetes": Kind::Map, "Or `{manifest}` or `{deployment, container, image}`, with `namespace`, `context`, `timeout`.";
        "stages": Kind::Stages, "Or stages, in the listed order.";
        "cwd": Kind::Text, "The directory of the process.";
        "env": Kind::Map, "Environment variables of the process.";
        "shell": Kind::Any, "The interpreter of the script.";
        "timeout": Kind::Seconds, "Of the process or the request.";
        "bake": Kind::Seconds, "Time under watch before it is stable; at least the environment's.";
    },
    encloses: true,
    output: &[
        ("release", "the release's id"),
        ("environment", ""),
        ("service", ""),
        ("version", ""),
        ("result", "what its work gave"),
    ],
    example: "\
- id: ship
  type: deploy
  config: { environment: production, service: api, version: \"{{input.version}}\", run: \"make deploy\", bake: 5m }
",
};

pub(super) static HEALTH_CHECK: Entry = Entry {
    name: "health-check",
    aliases: &[],
    about: "Asks services how they are.",
    required: &[&["services", "urls", "url", "service"]],
    keys: keys! {
        "services": Kind::Texts, "Names from `[[services]]` of flowdeck.toml, with a probe by HTTP.";
        "service": Kind::Text, "One of them.";
        "environment": Kind::Text, "Whose services, where several have the name; the stage's own when absent.";
        "urls": Kind::Texts, "Or addresses.";
        "url": Kind::Text, "One of them.";
        "until_healthy": Kind::Flag, "Asks again until all are well, or `within` is over.";
        "for": Kind::Seconds, "They have to stay well for so long.";
        "within" | "deadline": Kind::Seconds, "How long `until_healthy` asks; 5 minutes when absent.";
        "timeout": Kind::Seconds, "Of one question; 5 s when absent.";
        "timeout_ms": Kind::Milliseconds, "The same in milliseconds.";
        "interval": Kind::Seconds, "Between questions; 5 s when absent.";
        "expect_status": Kind::Any, "The status of a healthy answer: 200, `2xx`, a list; 2xx when absent.";
        "strict": Kind::Flag, "`degraded` (two thirds are well) fails the stage as well.";
    },
    encloses: false,
    output: &[
        ("verdict", "`healthy`, `degraded` (at least two thirds are well) or `unhealthy`."),
        ("healthy", "How many are well."),
        ("total", "How many were asked."),
        ("checks", "`{name, url, status, status_code, latency_ms, error}` of each."),
    ],
    example: "\
- id: well
  type: health-check
  config: { services: [api], until_healthy: true, for: 30s, interval: 5s, within: 5m }
",
};

pub(super) static ROLLBACK: Entry = Entry {
    name: "rollback",
    aliases: &[],
    about: "Deploys the last good release again.",
    required: &[],
    keys: keys! {
        "environment": Kind::Text, "Where; the run's when absent.";
        "service": Kind::Text, "What; the only one there when absent.";
        "to": Kind::Text, "A version; the newest stable one when absent.";
        "reason": Kind::Text, "Why.";
    },
    encloses: false,
    output: &[("run_id", ""), ("status", ""), ("result", ""), ("execution_time_ms", ""), ("error", "")],
    example: "\
- id: back
  type: rollback
  config: { environment: production, service: api, reason: \"{{input.reason}}\" }
",
};

pub(super) static ROLLOUT: Entry = Entry {
    name: "rollout",
    aliases: &[],
    about: "Moves traffic to a release step by step, and judges each step before the next.",
    required: &[&["strategy", "steps"], &["set_weight"]],
    keys: keys! {
        "environment": Kind::Text, "Where; the stage targets it as if its own `environment` said so.";
        "service": Kind::Text, "What, for people.";
        "strategy": Kind::Choice(&["canary", "blue-green", "rolling"]), "Which steps are usual: canary when absent.";
        "steps": Kind::List, "`{weight, bake, analysis}`: percent, time under watch, `false` for a step that nothing judges.";
        "bake": Kind::Seconds, "Time under watch of steps that give none.";
        "set_weight": Kind::Deferred, "Moves traffic: `run`, `command` or `request`, with `weight` as a name in templates.";
        "analysis": Kind::Deferred, "What is measured in each step: one or a list of `{name, provider, success_if, failure_if, …}`.";
        "on_failure": Kind::Choice(&["rollback", "stop"]), "`rollback` moves traffic back to 0, `stop` leaves it; `rollback` when absent.";
    },
    encloses: false,
    output: &[
        ("verdict", "`successful`, `failed`, `inconclusive` or `error`; null when it was cut off."),
        ("weight", "Percent of traffic that was reached; null when that is not known."),
        ("steps_done", "Steps that were good."),
        ("steps_total", "Steps there are."),
        ("rolled_back", "Whether traffic was moved back to 0."),
        ("analysis", "`{name, verdict, measurements, message}` of each check; its last 20 measurements."),
    ],
    example: "\
- id: gradually
  type: rollout
  config:
    environment: production
    service: api
    strategy: canary
    steps: [{ weight: 10, bake: 5m }, { weight: 100 }]
    set_weight: { run: \"./traffic.sh {{weight}}\" }
    analysis: { name: errors, provider: prometheus, server: \"http://127.0.0.1:9090\", query: error_rate, success_if: result < 0.05 }
",
};

pub(super) static SMOKE_TEST: Entry = Entry {
    name: "smoke-test",
    aliases: &[],
    about: "Tries a deployed service out: every test has to pass.",
    required: &[&["tests", "endpoints"]],
    keys: keys! {
        "url": Kind::Text, "The service: what paths are below.";
        "endpoints": Kind::Deferred, "Paths, addresses, or `{name, path, url, method, headers, body, expect_status, contains, expect, timeout}`.";
        "tests": Kind::Deferred, "More of them.";
        "headers": Kind::Map, "Headers of every request.";
        "timeout": Kind::Seconds, "Of one test; 10 s when absent.";
        "timeout_ms": Kind::Milliseconds, "The same in milliseconds.";
        "parallel": Kind::Any, "How many at once: 8 when absent, 1 for `false`, at most 64.";
    },
    encloses: false,
    output: &[
        ("passed", "Tests that passed."),
        ("total", "Tests there are."),
        ("failed", "Tests that failed."),
        ("results", "`{name, status, duration_ms, status_code, error}` of each, in the order they are written."),
    ],
    example: "\
- id: smoke
  type: smoke-test
  config:
    url: \"{{input.url}}\"
    endpoints: [/health, { path: /version, expect: \"body.version == input.version\" }]
",
};

pub(super) static NOTIFY: Entry = Entry {
    name: "notify",
    aliases: &["notification"],
    about: "Tells people.",
    required: &[&["message", "payload"], &["channel", "url", "command"]],
    keys: keys! {
        "channel" | "to": Kind::Text, "A `[notify]` entry of flowdeck.toml.";
        "url": Kind::Text, "Or an address.";
        "format": Kind::Choice(&["webhook", "slack", "pagerduty"]), "What the address takes; webhook when absent.";
        "secret": Kind::Text, "What signs for a message to the address, or PagerDuty's routing key.";
        "command": Kind::List, "Or a program that reads the message from standard input, as JSON.";
        "message" | "text": Kind::Text, "What is said.";
        "title": Kind::Text, "A heading.";
        "severity": Kind::Choice(&["info", "warning", "error", "critical"]), "How urgent it is; info when absent.";
        "payload": Kind::Any, "More of it, for programs; without a message it is sent as it is.";
        "timeout": Kind::Seconds, "Of the sending; 10 s when absent.";
        "timeout_ms": Kind::Milliseconds, "The same in milliseconds.";
    },
    encloses: false,
    output: &[
        ("sent", "Whether it was."),
        ("channel", "The entry of flowdeck.toml, or the format."),
        ("status_code", "What the receiver answered; null for a command."),
    ],
    example: "\
- id: tell
  type: notify
  config: { channel: team, message: \"{{input.version}} is out\", severity: info }
",
};
