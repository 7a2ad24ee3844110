//! Components for releases: gates, deployments, their checks, and telling people. What they give is not settled yet.

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
        "services": Kind::Texts, "Names from flowdeck.toml.";
        "service": Kind::Text, "One of them.";
        "urls": Kind::Texts, "Or addresses.";
        "url": Kind::Text, "One of them.";
        "until_healthy": Kind::Flag, "Asks again until they are well.";
        "for": Kind::Seconds, "How long.";
        "timeout": Kind::Seconds, "Of one question.";
        "interval": Kind::Seconds, "Between questions.";
        "expect_status": Kind::Any, "The status of a healthy answer.";
    },
    encloses: false,
    output: &[],
    example: "\
- id: well
  type: health-check
  config: { services: [api], until_healthy: true, timeout: 5s, interval: 10s }
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
    about: "Moves traffic to a release step by step.",
    required: &[&["strategy", "steps"]],
    keys: keys! {
        "environment": Kind::Text, "Where.";
        "service": Kind::Text, "What.";
        "strategy": Kind::Text, "canary, blue-green, rolling.";
        "steps": Kind::List, "Weights and bake times.";
        "set_weight": Kind::Deferred, "The action that moves traffic.";
        "analysis": Kind::Any, "How to judge each step.";
        "on_failure": Kind::Text, "rollback.";
    },
    encloses: false,
    output: &[],
    example: "\
- id: gradually
  type: rollout
  config: { environment: production, service: api, strategy: canary, steps: [{ weight: 10, bake: 5m }, { weight: 100 }] }
",
};

pub(super) static SMOKE_TEST: Entry = Entry {
    name: "smoke-test",
    aliases: &[],
    about: "Tries a deployed service out.",
    required: &[&["tests", "endpoints", "url"]],
    keys: keys! {
        "tests": Kind::Any, "Named tests.";
        "endpoints": Kind::Any, "Addresses.";
        "url": Kind::Text, "The service.";
        "pipelines": Kind::Any, "Pipelines that test it.";
        "timeout": Kind::Seconds, "Of one test.";
        "parallel": Kind::Flag, "True when absent.";
    },
    encloses: false,
    output: &[],
    example: "\
- id: smoke
  type: smoke-test
  config: { url: \"{{input.url}}\", endpoints: [/health, /version] }
",
};

pub(super) static NOTIFY: Entry = Entry {
    name: "notify",
    aliases: &["notification"],
    about: "Tells people.",
    required: &[&["message", "text", "payload"]],
    keys: keys! {
        "channel": Kind::Text, "A `[notify]` entry of flowdeck.toml.";
        "to": Kind::Any, "Another spelling of `channel`.";
        "url": Kind::Text, "A webhook.";
        "format": Kind::Text, "webhook, slack, pagerduty, command.";
        "message": Kind::Text, "What is said.";
        "text": Kind::Text, "Another spelling of `message`.";
        "title": Kind::Text, "A heading.";
        "severity": Kind::Text, "How urgent.";
        "payload": Kind::Any, "Sent as it is.";
        "command": Kind::Any, "A program that tells them.";
    },
    encloses: false,
    output: &[],
    example: "\
- id: tell
  type: notify
  config: { channel: team, message: \"{{input.version}} is out\", severity: info }
",
};
