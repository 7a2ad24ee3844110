//! Tokens to a tree, by recursive descent with a bounded depth.

use serde_json::Value;

use super::ast::{Arguments, Clause, Comparison, Comprehension, Expr, Operator, Piece, Shape, Step, View};
use super::lexer::{self, Kind, Token};
use super::{EvalError, Expression};
use crate::language::limits::{EXPRESSION_BYTES, EXPRESSION_DEPTH};
use crate::language::template;

/// From a text to the length of the known stage id it starts with.
pub type Ids<'i> = dyn Fn(&str) -> Option<usize> + 'i;

/// Parses one expression.
///
/// # Errors
/// Text that is no expression, with the place in it.
pub fn parse(source: &str, ids: &Ids<'_>) -> Result<Expression, EvalError> {
    whole(source, ids, false, 0)
}

/// As [`parse`], with templates inside quotes.
pub(super) fn parse_spliced(source: &str, ids: &Ids<'_>) -> Result<Expression, EvalError> {
    whole(source, ids, true, 0)
}

pub(super) fn check_length(source: &str) -> Result<(), EvalError> {
    if source.len() > EXPRESSION_BYTES {
        return Err(EvalError::syntax(0, format!("an expression longer than {EXPRESSION_BYTES} bytes")));
    }
    Ok(())
}

fn whole(source: &str, ids: &Ids<'_>, spliced: bool, depth: usize) -> Result<Expression, EvalError> {
    if source.starts_with("{{") {
        return Err(EvalError::syntax(0, "the template is not closed with `}}`"));
    }
    check_length(source)?;
    let tokens = lexer::tokens(source, ids, spliced)?;
    let mut parser = Parser { tokens, at: 0, depth, ids };
    if parser.peek() == &Kind::End {
        return Err(EvalError::syntax(0, "the expression is empty"));
    }
    let root = parser.expression()?;
    match parser.peek() {
        Kind::End => Ok(Expression { root }),
        _ => Err(parser.unexpected("the end of the expression")),
    }
}

struct Parser<'i> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    ids: &'i Ids<'i>,
}

/// Words that cannot be names.
const RESERVED: &[&str] = &["and", "or", "not", "in", "is", "if", "else", "for", "lambda", "await", "async", "yield"];

impl Parser<'_> {
    fn peek(&self) -> &Kind {
        &self.tokens[self.at].kind
    }

    fn offset(&self) -> usize {
        self.tokens[self.at].offset
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Kind::Symbol(found) if *found == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Name(found) if found == word)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), EvalError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> EvalError {
        let found = match self.peek() {
            Kind::Name(name) if name == "lambda" => {
                return EvalError::syntax(self.offset(), "`lambda` is not part of the language");
            }
            Kind::Name(name) | Kind::Stage(name) => format!("`{name}`"),
            Kind::Number(number) => format!("`{number}`"),
            Kind::Text(_) | Kind::Spliced(_) => "a text".to_owned(),
            Kind::Symbol("&&") => return EvalError::syntax(self.offset(), "`&&` is written `and`"),
            Kind::Symbol("||") => return EvalError::syntax(self.offset(), "`||` is written `or`"),
            Kind::Symbol("!") => return EvalError::syntax(self.offset(), "`!` is written `not`"),
            Kind::Symbol("?") => return EvalError::syntax(self.offset(), "a choice is written `A if condition else B`"),
            Kind::Symbol("=") => return EvalError::syntax(self.offset(), "a comparison is written `==`"),
            Kind::Symbol("|") => {
                return EvalError::syntax(self.offset(), "there are no filters with `|`; call a function or a method");
            }
            Kind::Symbol(symbol) => format!("`{symbol}`"),
            Kind::End => "the end".to_owned(),
        };
        EvalError::syntax(self.offset(), format!("expected {wanted}, found {found}"))
    }

    fn deeper(&mut self) -> Result<(), EvalError> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH {
            return Err(EvalError::syntax(self.offset(), format!("nested deeper than {EXPRESSION_DEPTH} levels")));
        }
        Ok(())
    }

    /// `A if C else B`, the weakest binding.
    fn expression(&mut self) -> Result<Expr, EvalError> {
        self.deeper()?;
        let yes = self.either()?;
        let expr = if self.is_word("if") { self.choice(yes)? } else { yes };
        self.depth -= 1;
        Ok(expr)
    }

    fn choice(&mut self, yes: Expr) -> Result<Expr, EvalError> {
        self.advance();
        let test = self.either()?;
        if !self.take_word("else") {
            return Err(self.unexpected("`else`"));
        }
        let no = self.expression()?;
        Ok(Expr::Choice { test: Box::new(test), yes: Box::new(yes), no: Box::new(no) })
    }

    fn either(&mut self) -> Result<Expr, EvalError> {
        self.operands("or", Self::both, Expr::Or)
    }

    fn both(&mut self) -> Result<Expr, EvalError> {
        self.operands("and", Self::negation, Expr::And)
    }

    fn operands(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Result<Expr, EvalError>,
        join: fn(Vec<Expr>) -> Expr,
    ) -> Result<Expr, EvalError> {
        let first = operand(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.take_word(word) {
            all.push(operand(self)?);
        }
        Ok(join(all))
    }

    fn negation(&mut self) -> Result<Expr, EvalError> {
        let mut count = 0_usize;
        while self.take_word("not") {
            count += 1;
        }
        let operand = self.comparison()?;
        // `not not x` is the truth of x, so two are enough.
        let times = if count == 0 { 0 } else { 2 - count % 2 };
        Ok((0..times).fold(operand, |inner, _| Expr::Not(Box::new(inner))))
    }

    fn comparison(&mut self) -> Result<Expr, EvalError> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let offset = self.offset();
            let Some(comparison) = self.comparator() else { break };
            rest.push((comparison, offset, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn comparator(&mut self) -> Option<Comparison> {
        let comparison = match self.peek() {
            Kind::Symbol("==") => Comparison::Equal,
            Kind::Symbol("!=") => Comparison::NotEqual,
            Kind::Symbol("<") => Comparison::Less,
            Kind::Symbol("<=") => Comparison::LessOrEqual,
            Kind::Symbol(">") => Comparison::Greater,
            Kind::Symbol(">=") => Comparison::GreaterOrEqual,
            Kind::Name(word) if word == "in" => Comparison::In,
            Kind::Name(word) if word == "is" => Comparison::Is,
            Kind::Name(word) if word == "not" => {
                let next = self.tokens.get(self.at + 1).map(|token| &token.kind);
                if !matches!(next, Some(Kind::Name(word)) if word == "in") {
                    return None;
                }
                self.advance();
                Comparison::NotIn
            }
            _ => return None,
        };
        self.advance();
        if comparison == Comparison::Is && self.take_word("not") {
            return Some(Comparison::IsNot);
        }
        Some(comparison)
    }

    fn sum(&mut self) -> Result<Expr, EvalError> {
        self.chain(Self::product, |symbol| match symbol {
            "+" => Some(Operator::Add),
            "-" => Some(Operator::Subtract),
            _ => None,
        })
    }

    fn product(&mut self) -> Result<Expr, EvalError> {
        self.chain(Self::sign, |symbol| match symbol {
            "*" => Some(Operator::Multiply),
            "/" => Some(Operator::Divide),
            "//" => Some(Operator::FloorDivide),
            "%" => Some(Operator::Modulo),
            _ => None,
        })
    }

    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Result<Expr, EvalError>,
        operator: fn(&str) -> Option<Operator>,
    ) -> Result<Expr, EvalError> {
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Kind::Symbol(symbol) = self.peek()
            && let Some(operator) = operator(symbol)
        {
            let offset = self.offset();
            self.advance();
            rest.push((operator, offset, operand(self)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Arithmetic(Box::new(first), rest) })
    }

    fn sign(&mut self) -> Result<Expr, EvalError> {
        let offset = self.offset();
        let (mut signs, mut negative) = (0_usize, false);
        while let Kind::Symbol(symbol @ ("+" | "-")) = self.peek() {
            negative ^= *symbol == "-";
            signs += 1;
            self.advance();
        }
        let operand = self.power()?;
        Ok(if signs == 0 { operand } else { Expr::Sign { negative, operand: Box::new(operand), offset } })
    }

    fn power(&mut self) -> Result<Expr, EvalError> {
        let base = self.postfix()?;
        let offset = self.offset();
        if !self.take_symbol("**") {
            return Ok(base);
        }
        self.deeper()?;
        let exponent = self.sign()?;
        self.depth -= 1;
        Ok(Expr::Arithmetic(Box::new(base), vec![(Operator::Power, offset, exponent)]))
    }

    fn postfix(&mut self) -> Result<Expr, EvalError> {
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

    fn member(&mut self) -> Result<Step, EvalError> {
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

    fn subscript(&mut self, offset: usize) -> Result<Step, EvalError> {
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

    fn atom(&mut self) -> Result<Expr, EvalError> {
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

    fn spliced(&mut self, raw: &str, offset: usize) -> Result<Expr, EvalError> {
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

    fn name(&mut self, name: String, offset: usize) -> Result<Expr, EvalError> {
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
            super::functions::known(&name, offset)?;
            return Ok(Expr::Call { function: name, arguments, offset });
        }
        Ok(Expr::Name { name, offset })
    }

    /// After `(`: arguments up to and with `)`. A lone generator is a list.
    fn arguments(&mut self) -> Result<Arguments, EvalError> {
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
    fn parenthesis(&mut self) -> Result<Expr, EvalError> {
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

    fn list(&mut self) -> Result<Expr, EvalError> {
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
    fn rest(&mut self, first: Expr, close: &'static str) -> Result<Vec<Expr>, EvalError> {
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

    fn braces(&mut self) -> Result<Expr, EvalError> {
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

    fn comprehension(&mut self, shape: Shape, element: Expr, value: Option<Expr>) -> Result<Expr, EvalError> {
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
    fn targets(&mut self) -> Result<Vec<String>, EvalError> {
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
