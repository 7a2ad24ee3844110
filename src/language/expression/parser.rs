//! Tokens to a tree, by recursive descent with a bounded depth. Here: everything with operators.

mod atoms;

use super::ast::{Comparison, Expr, Operator};
use super::lexer::{self, Kind, Token};
use super::{EvalError, Expression};
use crate::language::limits::{EXPRESSION_BYTES, EXPRESSION_DEPTH};

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
}
