//! Scripts with values spliced in. That the values arrive as they are is tested against real shells elsewhere.

use flowdeck::language::{Format, StageSpec, load};
use flowdeck::model::RunId;
use flowdeck::operators::{Context, Secrets, Settings, Work, prepare};
use flowdeck::process::Program;
use serde_json::json;

use super::scope::Fixed;

pub const WORDS: &[&str] = &[
    "{{input.quote}}",
    "{{input.n}}",
    "{{ raw(input.text) }}",
    "$(",
    "`",
    "$((",
    "))",
    "${x",
    "}",
    "<<EOF\n",
    "<<-'EOF'\n",
    "EOF\n",
    "'",
    "\"",
    "\\",
    "$'",
    "$\"",
    "[[ ",
    " ]]",
    "-eq",
    "case x in\n",
    "a) ",
    ";;",
    "esac",
    "#",
    "&&",
    "|",
    ";",
    "\n",
    "((",
    "a[",
    "]",
    "eval ",
    "<<<",
    "bash\n",
    "sh\n",
    "\0",
    "é",
];

struct Nothing;

impl Secrets for Nothing {
    fn hides(&self, _: &serde_json::Value) -> bool {
        false
    }

    fn contains_secret(&self, text: &str) -> bool {
        text.contains("hunter2")
    }

    fn contains_credential(&self, text: &str) -> bool {
        self.contains_secret(text)
    }
}

/// A stage of a component with this config.
pub(super) fn stage(config: serde_json::Value, component: &str) -> StageSpec {
    let text = json!({"id": "p", "stages": [{"id": "s", "type": component, "config": {"run": "true", "data": 1}}]}).to_string();
    let mut pipeline = load(&text, Format::Json).pipeline.expect("a pipeline");
    StageSpec { config, ..pipeline.stages.remove(0) }
}

/// What a stage's config asks for; `None` when it is refused.
pub(super) fn work(stage: &StageSpec) -> Option<Work> {
    let (scope, settings) = (Fixed::default(), Settings::default());
    let context = Context {
        scope: &scope,
        stage,
        run_id: &RunId::from_text("run-1"),
        attempt: 1,
        exe: "flowdeck",
        workspace: "/workspace",
        http: &settings.http,
        ai: &settings.ai,
        services: &settings.services,
        notify: &settings.notify,
        secrets: &Nothing,
    };
    prepare(&context).ok().map(|prepared| prepared.work)
}

/// The first line is the shell, the rest the script.
pub fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (shell, script) = text.split_once('\n').unwrap_or(("sh", &text));
    let stage = stage(json!({"shell": shell, "run": script}), "shell");
    let written = work(&stage).map(written);
    assert_eq!(written, work(&stage).map(self::written), "{text:?}");
    if let Some(written) = written
        && !script.contains("{{")
    {
        assert_eq!(written, script, "a script without values stays as it is");
    }
}

fn written(work: Work) -> String {
    match work {
        Work::Process(spec) => match spec.program {
            Program::Script { text, .. } => text,
            Program::Command(words) => panic!("a script became {words:?}"),
        },
        other => panic!("a script became {other:?}"),
    }
}
