//! Paths into JSON: `user.name`, `items[0].id`, `items[*].id`, `$.a.b`.

use serde_json::Value;

#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Key(&'a str),
    Index(i64),
    Each,
}

/// A parsed path. An empty one is the whole value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a>(Vec<Step<'a>>);

impl<'a> Path<'a> {
    /// `None` when the text is no path.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('$').map_or(text, |rest| rest.strip_prefix('.').unwrap_or(rest));
        let mut steps = Vec::new();
        for part in text.split('.').filter(|_| !text.is_empty()) {
            let (key, mut brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
            if key.is_empty() && (brackets.is_empty() || !steps.is_empty()) || !key.chars().all(is_key) {
                return None;
            }
            match key {
                "" => {}
                "*" => steps.push(Step::Each),
                _ => steps.push(Step::Key(key)),
            }
            while let Some(rest) = brackets.strip_prefix('[') {
                let (inside, after) = rest.split_once(']')?;
                steps.push(bracket(inside.trim())?);
                brackets = after;
            }
            if !brackets.is_empty() {
                return None;
            }
        }
        Some(Self(steps))
    }

    /// The value at the path. When it is not there, once more inside the value's `result`, or without a leading `result`.
    pub(super) fn find(&self, root: &Value) -> Option<Value> {
        let direct = walk(&self.0, root);
        let inside = || root.get("result").and_then(|result| walk(&self.0, result));
        let outside = || match self.0.as_slice() {
            [Step::Key("result"), rest @ ..] if !rest.is_empty() => walk(rest, root),
            _ => None,
        };
        direct.or_else(inside).or_else(outside)
    }

    /// Removes the value at the path.
    pub(super) fn remove(&self, root: &mut Value) {
        remove(&self.0, root);
    }
}

fn is_key(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '@' | '/' | ':' | ' ')
}

fn bracket(inside: &str) -> Option<Step<'_>> {
    let quoted = |quote: char| inside.strip_prefix(quote)?.strip_suffix(quote);
    match inside {
        "*" | "" => Some(Step::Each),
        _ => quoted('"').or_else(|| quoted('\'')).map(Step::Key).or_else(|| inside.parse().ok().map(Step::Index)),
    }
}

fn position(index: i64, len: usize) -> Option<usize> {
    if index >= 0 { usize::try_from(index).ok() } else { len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?) }
}

fn walk(steps: &[Step], value: &Value) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value.clone()) };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) => walk(rest, map.get(*key)?),
        (Step::Key(key), Value::Array(list)) => walk(rest, list.get(position(key.parse().ok()?, list.len())?)?),
        (Step::Index(index), Value::Array(list)) => walk(rest, list.get(position(*index, list.len())?)?),
        (Step::Each, Value::Array(list)) => Some(list.iter().filter_map(|item| walk(rest, item)).collect()),
        (Step::Each, Value::Object(map)) => Some(map.values().filter_map(|item| walk(rest, item)).collect()),
        _ => None,
    }
}

fn remove(steps: &[Step], value: &mut Value) {
    let Some((step, rest)) = steps.split_first() else { return };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) if rest.is_empty() => {
            map.shift_remove(*key);
        }
        (Step::Key(key), Value::Object(map)) => {
            if let Some(inner) = map.get_mut(*key) {
                remove(rest, inner);
            }
        }
        (Step::Index(index), Value::Array(list)) => match position(*index, list.len()).filter(|at| *at < list.len()) {
            Some(at) if rest.is_empty() => drop(list.remove(at)),
            Some(at) => remove(rest, &mut list[at]),
            None => {}
        },
        (Step::Each, Value::Array(list)) => list.iter_mut().for_each(|item| remove(rest, item)),
        (Step::Each, Value::Object(map)) => map.values_mut().for_each(|item| remove(rest, item)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Path;

    fn find(path: &str, root: &Value) -> Option<Value> {
        Path::parse(path).unwrap_or_else(|| panic!("{path} is a path")).find(root)
    }

    #[test]
    fn keys_indexes_and_wildcards_lead_into_a_value() {
        let root = json!({"a": {"b-c": [{"id": 1}, {"id": 2}]}, "x": null});
        assert_eq!(find("a.b-c[1].id", &root), Some(json!(2)));
        assert_eq!(find("$.a.b-c.0.id", &root), Some(json!(1)));
        assert_eq!(find("a['b-c'][-1].id", &root), Some(json!(2)));
        assert_eq!(find("a.b-c[*].id", &root), Some(json!([1, 2])));
        assert_eq!(find("x", &root), Some(Value::Null), "a null that is there is found");
        assert_eq!(find("a.nothing", &root), None);
        assert_eq!(find("$", &root), Some(root.clone()));
    }

    #[test]
    fn a_path_falls_into_and_out_of_result() {
        assert_eq!(find("score", &json!({"result": {"score": 7}})), Some(json!(7)));
        assert_eq!(find("result.score", &json!({"score": 7})), Some(json!(7)));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["a..b", "length(a)", "a[?b > `1`]", "a[", "a[0]x", ".a", "a || b"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_path_removes_what_it_leads_to() {
        let mut root = json!({"user": {"name": "ann", "password": "x"}, "rows": [{"a": 1, "b": 2}]});
        Path::parse("user.password").unwrap().remove(&mut root);
        Path::parse("rows[*].a").unwrap().remove(&mut root);
        Path::parse("nothing.there").unwrap().remove(&mut root);
        assert_eq!(root, json!({"user": {"name": "ann"}, "rows": [{"b": 2}]}));
    }
}
