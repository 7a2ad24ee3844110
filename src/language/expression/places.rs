//! What an expression reads, as texts and expressions of their own: for showing why it does not hold.

use serde_json::Value;

use super::Expression;
use super::ast::{Expr, Step, View};

impl Expression {
    /// Each place that is read from outside, once, in the order of the text: `stages.build.status`, and how to read it.
    pub fn places(&self) -> Vec<(String, Expression)> {
        let mut found: Vec<(String, Expression)> = Vec::new();
        for (base, steps) in self.root.places() {
            let mut text = match base {
                Expr::Stage { id, view: View::Whole, .. } => format!("stages.{id}"),
                Expr::Stage { id, view: View::Upstream, .. } => format!("upstream.{id}"),
                Expr::Name { name, .. } => name.clone(),
                _ => continue,
            };
            let mut plain = 0;
            for step in steps {
                match step {
                    Step::Field { name, .. } => text.push_str(&format!(".{name}")),
                    Step::Index { index: Expr::Literal(index @ (Value::Number(_) | Value::String(_))), .. } => {
                        text.push_str(&format!("[{index}]"));
                    }
                    Step::Index { .. } | Step::Slice { .. } | Step::Method { .. } => break,
                }
                plain += 1;
            }
            if !found.iter().any(|(known, _)| *known == text) {
                let root = Expr::Postfix(Box::new(base.clone()), steps[..plain].to_vec());
                found.push((text, Expression { root }));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn places_are_named_once_and_end_before_what_is_computed() {
        let ids = |text: &str| text.starts_with("log-start").then_some(9);
        let source = "stages.log-start.status == output.items[0].name.upper() and len(output.items) > 1 or [x.y for x in run.z]";
        let parsed = parse(source, &ids).unwrap();
        let texts: Vec<String> = parsed.places().into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["stages.log-start.status", "output.items[0].name", "output.items", "run.z"]);
    }
}
