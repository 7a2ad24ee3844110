//! What binds tightest: literals, names, displays, comprehensions, and the steps behind a value.

use serde_json::Value;

use super::{Parser, RESERVED, whole};
use crate::language::expression::ast::{Arguments, Clause, Comprehension, Expr, Piece, Shape, Step, View};
use crate::language::expression::lexer::{self, Kind};
use crate::language::expression::{EvalError, functions};
use crate::language::template;

impl Parser<'_> {
    pub(super) fn postfix(&mut self) -> Result<Expr, EvalError> {
        let base = self.atom()?;
        let mut steps = Vec::new();
        loop {
            let offset = self.offset();
            if self.take_symbol(".") {
                steps.push(self.member()?);
            } else if self.take_symbol("[") {
                steps.push(self.subscript(offset)?);
            } else if self.is_symbol("(") {
                return Err(EvalError::syntax(offset, "only functions and methods can be called"));
            } else {
                break;
            }
        }
        Ok(if steps.is_empty() { base } else { Expr::Postfix(Box::new(base), steps) })
    }

    pub(super) fn member(&mut self) -> Result<Step, EvalError> {
        let offset = self.offset();
        match self.peek().clone() {
            Kind::Number(index) if index.is_u64() => {
                self.advance();
                Ok(Step::Index { index: Expr::Literal(Value::Number(index)), offset })
            }
            Kind::Name(name) | Kind::Stage(name) => {
                public(&name, offset)?;
                self.advance();
                if self.take_symbol("(") {
                    let arguments = self.arguments()?;
                    return Ok(Step::Method { name, arguments, offset });
                }
                Ok(Step::Field { name, offset })
            }
            _ => Err(self.unexpected("a field name")),
        }
    }

    pub(super) fn subscript(&mut self, offset: usize) -> Result<Step, EvalError> {
        let start = if self.is_symbol(":") { None } else { Some(self.expression()?) };
        if !self.take_symbol(":") {
            self.expect("]")?;
            return start
                .map(|index| Step::Index { index, offset })
                .ok_or_else(|| EvalError::syntax(offset, "an index is missing"));
        }
        let end = if self.is_symbol(":") || self.is_symbol("]") { None } else { Some(self.expression()?) };
        let step = if self.take_symbol(":") && !self.is_symbol("]") { Some(self.expression()?) } else { None };
        self.expect("]")?;
        Ok(Step::Slice { start, end, step, offset })
    }

    pub(super) fn atom(&mut self) -> Result<Expr, EvalError> {
        let offset = self.offset();
        match self.peek().clone() {
            Kind::Number(number) => {
                self.advance();
                Ok(Expr::Literal(Value::Number(number)))
            }
            Kind::Text(mut text) => {
                self.advance();
                while let Kind::Text(more) = self.peek() {
                    text.push_str(more);
                    self.advance();
                }
                Ok(Expr::Literal(Value::String(text)))
            }
            Kind::Spliced(raw) => {
                self.advance();
                self.spliced(&raw, offset + 1)
            }
            Kind::Stage(id) => {
                self.advance();
                Ok(Expr::Stage { id, view: View::Whole, offset })
            }
            Kind::Name(name) => self.name(name, offset),
            Kind::Symbol("(") => self.parenthesis(),
            Kind::Symbol("[") => self.list(),
            Kind::Symbol("{") => self.braces(),
            Kind::Symbol(_) | Kind::End => Err(self.unexpected("a value")),
        }
    }

    pub(super) fn spliced(&mut self, raw: &str, offset: usize) -> Result<Expr, EvalError> {
        self.deeper()?;
        let mut pieces = Vec::new();
        for segment in template::segments(raw) {
            pieces.push(match segment {
                template::Segment::Text(text) => Piece::Text(lexer::unescaped(text)),
                template::Segment::Template { expression, offset: inner } => {
                    let parsed = whole(expression, self.ids, false, self.depth).map_err(|error| error.moved(offset + inner))?;
                    Piece::Value(parsed.root)
                }
            });
        }
        self.depth -= 1;
        Ok(Expr::Spliced(pieces))
    }

    pub(super) fn name(&mut self, name: String, offset: usize) -> Result<Expr, EvalError> {
        let literal = match name.as_str() {
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            "null" | "None" => Some(Value::Null),
            word if RESERVED.contains(&word) => return Err(self.unexpected("a value")),
            _ => None,
        };
        public(&name, offset)?;
        self.advance();
        if let Some(value) = literal {
            return Ok(Expr::Literal(value));
        }
        if (name == "upstream" || name == "stages") && self.is_symbol(".") {
            self.advance();
            let at = self.offset();
            let Kind::Stage(id) = self.peek().clone() else { return Err(self.unexpected("a stage id")) };
            self.advance();
            let view = if name == "upstream" { View::Upstream } else { View::Whole };
            return Ok(Expr::Stage { id, view, offset: at });
        }
        if self.take_symbol("(") {
            let arguments = self.arguments()?;
            functions::known(&name, offset)?;
            return Ok(Expr::Call { function: name, arguments, offset });
        }
        Ok(Expr::Name { name, offset })
    }

    /// After `(`: arguments up to and with `)`. A lone generator is a list.
    pub(super) fn arguments(&mut self) -> Result<Arguments, EvalError> {
        let mut arguments = Arguments::default();
        while !self.take_symbol(")") {
            let named = match (self.peek(), self.tokens.get(self.at + 1).map(|token| &token.kind)) {
                (Kind::Name(name), Some(Kind::Symbol("="))) => Some(name.clone()),
                _ => None,
            };
            if let Some(name) = named {
                self.advance();
                self.advance();
                arguments.named.push((name, self.expression()?));
            } else {
                let value = self.expression()?;
                let value = if self.is_word("for") { self.comprehension(Shape::List, value, None)? } else { value };
                if !arguments.named.is_empty() {
                    return Err(EvalError::syntax(self.offset(), "positional arguments come before named ones"));
                }
                arguments.positional.push(value);
            }
            if !self.is_symbol(")") {
                self.expect(",")?;
            }
        }
        Ok(arguments)
    }

    /// `(x)`, `(x for …)`, or a tuple, which is a list.
    pub(super) fn parenthesis(&mut self) -> Result<Expr, EvalError> {
        self.advance();
        if self.take_symbol(")") {
            return Ok(Expr::List(Vec::new()));
        }
        let first = self.expression()?;
        if self.is_word("for") {
            let list = self.comprehension(Shape::List, first, None)?;
            self.expect(")")?;
            return Ok(list);
        }
        if self.take_symbol(")") {
            return Ok(first);
        }
        self.rest(first, ")").map(Expr::List)
    }

    pub(super) fn list(&mut self) -> Result<Expr, EvalError> {
        self.advance();
        if self.take_symbol("]") {
            return Ok(Expr::List(Vec::new()));
        }
        let first = self.expression()?;
        if self.is_word("for") {
            let list = self.comprehension(Shape::List, first, None)?;
            self.expect("]")?;
            return Ok(list);
        }
        self.rest(first, "]").map(Expr::List)
    }

    /// The items after the first one, up to and with `close`.
    pub(super) fn rest(&mut self, first: Expr, close: &'static str) -> Result<Vec<Expr>, EvalError> {
        let mut items = vec![first];
        while !self.take_symbol(close) {
            if !self.take_symbol(",") {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
            if !self.is_symbol(close) {
                items.push(self.expression()?);
            }
        }
        Ok(items)
    }

    pub(super) fn braces(&mut self) -> Result<Expr, EvalError> {
        self.advance();
        if self.take_symbol("}") {
            return Ok(Expr::Dict(Vec::new()));
        }
        let first = self.expression()?;
        if !self.take_symbol(":") {
            if self.is_word("for") {
                let set = self.comprehension(Shape::Set, first, None)?;
                self.expect("}")?;
                return Ok(set);
            }
            return self.rest(first, "}").map(Expr::Set);
        }
        let value = self.expression()?;
        if self.is_word("for") {
            let dict = self.comprehension(Shape::Dict, first, Some(value))?;
            self.expect("}")?;
            return Ok(dict);
        }
        let mut entries = vec![(first, value)];
        while !self.take_symbol("}") {
            if !self.take_symbol(",") {
                return Err(self.unexpected("`,` or `}`"));
            }
            if !self.is_symbol("}") {
                let key = self.expression()?;
                self.expect(":")?;
                entries.push((key, self.expression()?));
            }
        }
        Ok(Expr::Dict(entries))
    }

    pub(super) fn comprehension(&mut self, shape: Shape, element: Expr, value: Option<Expr>) -> Result<Expr, EvalError> {
        let mut clauses = Vec::new();
        while self.is_word("for") {
            let offset = self.offset();
            self.deeper()?;
            self.advance();
            let targets = self.targets()?;
            if !self.take_word("in") {
                return Err(self.unexpected("`in`"));
            }
            let items = self.either()?;
            let mut conditions = Vec::new();
            while self.take_word("if") {
                conditions.push(self.either()?);
            }
            clauses.push(Clause { targets, items, conditions, offset });
        }
        self.depth -= clauses.len();
        Ok(Expr::Comprehension(Box::new(Comprehension { shape, element, value, clauses })))
    }

    /// `x`, or `k, v`, or `(k, v)`.
    pub(super) fn targets(&mut self) -> Result<Vec<String>, EvalError> {
        let bracketed = self.take_symbol("(");
        let mut targets = Vec::new();
        loop {
            let Kind::Name(name) = self.peek().clone() else { return Err(self.unexpected("a variable name")) };
            if RESERVED.contains(&name.as_str()) {
                return Err(self.unexpected("a variable name"));
            }
            if name != "_" {
                public(&name, self.offset())?;
            }
            self.advance();
            targets.push(name);
            if !self.take_symbol(",") {
                break;
            }
        }
        if bracketed {
            self.expect(")")?;
        }
        Ok(targets)
    }
}

fn public(name: &str, offset: usize) -> Result<(), EvalError> {
    if name.starts_with('_') {
        return Err(EvalError::syntax(
            offset,
            format!("the name `{name}` begins with an underscore; read such a key as ['{name}']"),
        ));
    }
    Ok(())
}
