//! The tree of an expression. Chains are flat, so its depth is the nesting a person wrote, and that is bounded.

use serde_json::Value;

#[derive(Debug, Clone)]
pub enum Expr {
    Literal(Value),
    /// A quoted text of a condition with templates inside.
    Spliced(Vec<Piece>),
    Name {
        name: String,
        offset: usize,
    },
    /// `upstream.<id>`, `stages.<id>`, or `<id>` before `.output`.
    Stage {
        id: String,
        view: View,
        offset: usize,
    },
    List(Vec<Expr>),
    Set(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Postfix(Box<Expr>, Vec<Step>),
    Not(Box<Expr>),
    Sign {
        negative: bool,
        operand: Box<Expr>,
        offset: usize,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, usize, Expr)>),
    Arithmetic(Box<Expr>, Vec<(Operator, usize, Expr)>),
    Choice {
        test: Box<Expr>,
        yes: Box<Expr>,
        no: Box<Expr>,
    },
    Comprehension(Box<Comprehension>),
    Call {
        function: String,
        arguments: Arguments,
        offset: usize,
    },
}

#[derive(Debug, Clone)]
pub enum Piece {
    Text(String),
    Value(Expr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The output, with `error`, `error_type`, `status` and `output` behind its own fields.
    Upstream,
    /// The stage itself: `output`, `status`, `error`, `error_type`.
    Whole,
}

#[derive(Debug, Clone)]
pub enum Step {
    Field { name: String, offset: usize },
    Index { index: Expr, offset: usize },
    Slice { start: Option<Expr>, end: Option<Expr>, step: Option<Expr>, offset: usize },
    Method { name: String, arguments: Arguments, offset: usize },
}

#[derive(Debug, Clone, Default)]
pub struct Arguments {
    pub positional: Vec<Expr>,
    pub named: Vec<(String, Expr)>,
}

#[derive(Debug, Clone)]
pub struct Comprehension {
    pub shape: Shape,
    pub element: Expr,
    /// Of a dict comprehension.
    pub value: Option<Expr>,
    pub clauses: Vec<Clause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    List,
    Set,
    Dict,
}

#[derive(Debug, Clone)]
pub struct Clause {
    pub targets: Vec<String>,
    pub items: Expr,
    pub conditions: Vec<Expr>,
    pub offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Is,
    IsNot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

/// Something outside that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    Stage {
        id: String,
        offset: usize,
    },
    /// `optional` when it is read through `env_or` or `env.get`, so that a missing value is no error.
    Env {
        name: String,
        optional: bool,
        offset: usize,
    },
    Secret {
        name: String,
        optional: bool,
        offset: usize,
    },
    /// `context.<name>`; no name when all of it is read, or the name is computed.
    Context {
        name: Option<String>,
    },
    /// `variables.<name>`, likewise.
    Variable {
        name: Option<String>,
    },
    /// A bare name that is neither a root nor bound inside the expression.
    Name {
        name: String,
        offset: usize,
    },
}
