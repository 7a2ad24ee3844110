//! The tools that deploy: what Docker Compose and kubectl are called with. Values are arguments, never part of a script.

use serde_json::Value;

use crate::model::StageError;
use crate::operators::fields::{kind, wrong};

/// Applies a manifest or sets an image, and waits until it is rolled out. `$1` says which.
const KUBERNETES: &str = r#"set -eu
what=$1; subject=$2; container=$3; image=$4; timeout=$5; shift 5
if [ "$what" = manifest ]; then
  kubectl "$@" apply -f "$subject"
  exec kubectl "$@" rollout status -f "$subject" --timeout "$timeout"
fi
kubectl "$@" set image "deployment/$subject" "$container=$image"
exec kubectl "$@" rollout status "deployment/$subject" --timeout "$timeout"
"#;

/// The words of the command for a strategy.
pub(super) fn command(strategy: &str, given: Value) -> Result<Vec<String>, StageError> {
    let Value::Object(fields) = &given else {
        return Err(wrong(format!("`{strategy}` must be a table, not {}", kind(&given))));
    };
    let known: &[&str] = match strategy {
        "compose" => &["file", "project", "services", "args"],
        _ => &["manifest", "deployment", "container", "image", "namespace", "context", "timeout"],
    };
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(format!("`{strategy}` has no `{unknown}`; it has {}", known.join(", "))));
    }
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(format!("`{strategy}.{name}` must be a text, not {}", kind(other)))),
    };
    let list = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) => Ok(all.iter().map(crate::language::template::to_text).collect()),
        Some(other) => Err(wrong(format!("`{strategy}.{name}` must be a list, not {}", kind(other)))),
    };
    if strategy == "compose" { compose(text, list) } else { kubernetes(text) }
}

fn compose(
    text: impl Fn(&str) -> Result<Option<String>, StageError>,
    list: impl Fn(&str) -> Result<Vec<String>, StageError>,
) -> Result<Vec<String>, StageError> {
    let mut words = vec!["docker".to_owned(), "compose".to_owned()];
    for (flag, name) in [("--file", "file"), ("--project-name", "project")] {
        words.extend(text(name)?.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    words.extend(["up", "--detach", "--wait"].map(str::to_owned));
    words.extend(list("args")?);
    words.push("--".to_owned());
    words.extend(list("services")?);
    Ok(words)
}

fn kubernetes(text: impl Fn(&str) -> Result<Option<String>, StageError>) -> Result<Vec<String>, StageError> {
    let timeout = text("timeout")?.unwrap_or_else(|| "10m".to_owned());
    let subject = match (text("manifest")?, text("deployment")?, text("image")?) {
        (Some(manifest), None, None) => ["manifest".to_owned(), manifest, String::new(), String::new(), timeout],
        (None, Some(deployment), Some(image)) => {
            let container = text("container")?.unwrap_or_else(|| deployment.clone());
            ["image".to_owned(), deployment, container, image, timeout]
        }
        _ => return Err(wrong("`kubernetes` needs either `manifest`, or `deployment` and `image`")),
    };
    let mut words = ["sh", "-c", KUBERNETES, "kubernetes"].map(str::to_owned).to_vec();
    words.extend(subject);
    for (flag, name) in [("--namespace", "namespace"), ("--context", "context")] {
        words.extend(text(name)?.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    Ok(words)
}
