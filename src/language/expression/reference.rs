//! What an expression reads from outside, found without evaluating it.

use std::collections::HashSet;

use serde_json::Value;

use super::ast::{Arguments, Comprehension, Expr, Piece, Reference, Step};

impl Expr {
    /// Every stage, environment value, secret and unbound name, in the order of the text.
    pub fn references(&self) -> Vec<Reference> {
        self.walked().found
    }

    /// Every place that is read from outside: its root, and the steps behind it.
    pub(super) fn places(&self) -> Vec<(&Self, &[Step])> {
        self.walked().places
    }

    fn walked(&self) -> Walk<'_> {
        let mut walk = Walk { found: Vec::new(), places: Vec::new(), bound: HashSet::new() };
        walk.expr(self);
        walk
    }
}

struct Walk<'e> {
    found: Vec<Reference>,
    places: Vec<(&'e Expr, &'e [Step])>,
    bound: HashSet<&'e str>,
}

impl<'e> Walk<'e> {
    fn all(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        exprs.into_iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &'e Expr) {
        match expr {
            Expr::Literal(_) => {}
            Expr::Spliced(pieces) => {
                for piece in pieces {
                    if let Piece::Value(expr) = piece {
                        self.expr(expr);
                    }
                }
            }
            Expr::Name { .. } | Expr::Stage { .. } => self.postfix(expr, &[]),
            Expr::Postfix(base, steps) => self.postfix(base, steps),
            Expr::List(items) | Expr::Set(items) | Expr::And(items) | Expr::Or(items) => self.all(items),
            Expr::Dict(entries) => entries.iter().for_each(|(key, value)| self.all([key, value])),
            Expr::Not(operand) | Expr::Sign { operand, .. } => self.expr(operand),
            Expr::Compare(first, rest) => {
                self.expr(first);
                self.all(rest.iter().map(|(_, _, expr)| expr));
            }
            Expr::Arithmetic(first, rest) => {
                self.expr(first);
                self.all(rest.iter().map(|(_, _, expr)| expr));
            }
            Expr::Choice { test, yes, no } => self.all([&**yes, &**test, &**no]),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Call { function, arguments, offset } => {
                if function == "env_or"
                    && let Some(Expr::Literal(Value::String(name))) = arguments.positional.first()
                {
                    self.found.push(Reference::Env { name: name.clone(), optional: true, offset: *offset });
                }
                self.arguments(arguments);
            }
        }
    }

    fn arguments(&mut self, arguments: &'e Arguments) {
        self.all(&arguments.positional);
        self.all(arguments.named.iter().map(|(_, expr)| expr));
    }

    fn comprehension(&mut self, comprehension: &'e Comprehension) {
        let before = self.bound.clone();
        for clause in &comprehension.clauses {
            self.expr(&clause.items);
            self.bound.extend(clause.targets.iter().map(String::as_str));
            self.all(&clause.conditions);
        }
        self.expr(&comprehension.element);
        self.all(&comprehension.value);
        self.bound = before;
    }

    fn postfix(&mut self, base: &'e Expr, steps: &'e [Step]) {
        match base {
            Expr::Stage { id, offset, .. } => {
                self.places.push((base, steps));
                self.found.push(Reference::Stage { id: id.clone(), offset: *offset });
            }
            Expr::Name { name, offset } if !self.bound.contains(name.as_str()) => {
                self.places.push((base, steps));
                self.root(name, *offset, steps.first());
            }
            Expr::Name { .. } => {}
            other => self.expr(other),
        }
        for step in steps {
            match step {
                Step::Field { .. } => {}
                Step::Index { index, .. } => self.expr(index),
                Step::Slice { start, end, step, .. } => self.all([start, end, step].into_iter().flatten()),
                Step::Method { arguments, .. } => self.arguments(arguments),
            }
        }
    }

    fn root(&mut self, root: &str, offset: usize, first: Option<&Step>) {
        let (name, optional) = match first {
            Some(Step::Field { name, .. }) => (Some(name.clone()), false),
            Some(Step::Index { index: Expr::Literal(Value::String(name)), .. }) => (Some(name.clone()), false),
            Some(Step::Method { name, arguments, .. }) if name == "get" => match arguments.positional.first() {
                Some(Expr::Literal(Value::String(name))) => (Some(name.clone()), true),
                _ => (None, true),
            },
            _ => (None, false),
        };
        match (root, name) {
            ("env", Some(name)) => self.found.push(Reference::Env { name, optional, offset }),
            ("secrets", Some(name)) => self.found.push(Reference::Secret { name, optional, offset }),
            ("upstream" | "stages", Some(id)) => self.found.push(Reference::Stage { id, offset }),
            ("context", name) => self.found.push(Reference::Context { name }),
            ("variables", name) => self.found.push(Reference::Variable { name }),
            ("env" | "secrets" | "upstream" | "stages" | "input", _) => {}
            (name, _) => self.found.push(Reference::Name { name: name.to_owned(), offset }),
        }
    }
}
