//! Arithmetic with Python's meaning. Integers are exact as long as 64 bits hold them; beyond that it is an error, since a
//! rounded build number is worse than none.

use serde_json::Value;

use super::EvalError;
use super::ast::Operator;

#[derive(Debug, Clone, Copy)]
pub enum Num {
    Int(i128),
    Float(f64),
}

impl Num {
    /// Booleans count as 0 and 1.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Int(i128::from(*value))),
            Value::Number(number) => Some(match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Self::Int(int.into()),
                (None, Some(int)) => Self::Int(int.into()),
                (None, None) => Self::Float(number.as_f64()?),
            }),
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "that is what a float is")]
    pub fn float(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }

    pub fn value(self) -> Result<Value, EvalError> {
        match self {
            Self::Int(int) => match (i64::try_from(int), u64::try_from(int)) {
                (Ok(int), _) => Ok(int.into()),
                (_, Ok(int)) => Ok(int.into()),
                _ => Err(EvalError::value("the integer does not fit into 64 bits")),
            },
            Self::Float(float) => {
                let number = serde_json::Number::from_f64(float);
                number.map(Value::Number).ok_or_else(|| EvalError::value("the result is not a finite number"))
            }
        }
    }

    /// Mixed comparisons are exact also where a float cannot tell two integers apart.
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
    pub fn order(self, other: Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Int(_), Self::Float(_)) => other.order(self).map(std::cmp::Ordering::reverse),
            (Self::Float(a), Self::Int(b)) => {
                if a.abs() > 1e30 {
                    return a.partial_cmp(&0.0);
                }
                let whole = a.floor();
                Some((whole as i128).cmp(&b).then(if a > whole {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }))
            }
        }
    }
}

pub fn calculate(operator: Operator, a: Num, b: Num) -> Result<Num, EvalError> {
    let overflow = || EvalError::value("the integer does not fit into 64 bits");
    if let (Num::Int(a), Num::Int(b)) = (a, b) {
        let result = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::FloorDivide | Operator::Modulo | Operator::Divide if b == 0 => {
                return Err(EvalError::value("division by zero"));
            }
            Operator::FloorDivide => Some(floor_divide(a, b)),
            Operator::Modulo => Some(a - floor_divide(a, b) * b),
            Operator::Power if b >= 0 => u32::try_from(b).ok().and_then(|exponent| a.checked_pow(exponent)),
            Operator::Divide | Operator::Power => return floats(operator, Num::Int(a).float(), Num::Int(b).float()),
        };
        let result = result.ok_or_else(overflow)?;
        return if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&result) {
            Ok(Num::Int(result))
        } else {
            Err(overflow())
        };
    }
    floats(operator, a.float(), b.float())
}

fn floor_divide(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
}

fn floats(operator: Operator, a: f64, b: f64) -> Result<Num, EvalError> {
    let divides = matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Modulo);
    if (divides && b == 0.0) || (operator == Operator::Power && a == 0.0 && b < 0.0) {
        return Err(EvalError::value("division by zero"));
    }
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::FloorDivide => (a / b).floor(),
        Operator::Modulo => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
        Operator::Power => a.powf(b),
    };
    if result.is_finite() { Ok(Num::Float(result)) } else { Err(EvalError::value("the result is not a finite number")) }
}

/// Half to even, as Python rounds; without digits the result is an integer.
pub fn round(number: Num, digits: Option<i128>) -> Result<Num, EvalError> {
    match (number, digits) {
        (Num::Int(_), None | Some(0..)) => Ok(number),
        (Num::Int(int), Some(digits)) => {
            let exponent = u32::try_from(-digits).ok().filter(|exponent| *exponent <= 30);
            let Some(unit) = exponent.map(|exponent| 10_i128.pow(exponent)) else { return Ok(Num::Int(0)) };
            let (quotient, rest) = (floor_divide(int, unit), int - floor_divide(int, unit) * unit);
            let up = rest * 2 > unit || (rest * 2 == unit && quotient % 2 != 0);
            Ok(Num::Int((quotient + i128::from(up)) * unit))
        }
        (Num::Float(float), None) => whole(float.round_ties_even()),
        (Num::Float(float), Some(digits @ 0..=300)) => {
            let precision = usize::try_from(digits).unwrap_or(0);
            let text = format!("{float:.precision$}");
            text.parse().map(Num::Float).map_err(|_| EvalError::value("the number cannot be rounded"))
        }
        (Num::Float(float), Some(301..)) => Ok(Num::Float(float)),
        (Num::Float(float), Some(digits)) => {
            let unit = 10_f64.powi(i32::try_from(-digits).unwrap_or(400));
            let rounded = (float / unit).round_ties_even() * unit;
            Ok(Num::Float(if rounded.is_finite() { rounded } else { 0.0 }))
        }
    }
}

/// The integer nearest to zero-side of a float.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
pub fn whole(float: f64) -> Result<Num, EvalError> {
    if float.abs() < 1.9e19 {
        Ok(Num::Int(float.trunc() as i128))
    } else {
        Err(EvalError::value("the integer does not fit into 64 bits"))
    }
}
