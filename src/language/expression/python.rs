//! Python's view of a value: truth, `str()`, `repr()`, and the format mini-language.

use serde_json::Value;

use super::EvalError;
use super::number::{Num, round};

/// Widest field and most digits a format may ask for.
const FORMAT_WIDTH: usize = 1000;

/// Null, false, 0 and everything empty are false.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// `str(value)`.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => {
            let mut out = String::new();
            repr(value, &mut out);
            out
        }
    }
}

fn repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&float_text(float)),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(text) => quoted(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                repr(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                quoted(key, out);
                out.push_str(": ");
                repr(item, out);
            }
            out.push('}');
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(quote);
}

fn float_text(float: f64) -> String {
    let text = format!("{float:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{}e{sign}{digits:0>2}", mantissa.strip_suffix(".0").unwrap_or(mantissa))
        }
    }
}

/// `template.format(*positional, **named)`.
pub fn format(template: &str, positional: &[Value], named: &[(String, Value)]) -> Result<String, EvalError> {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                out.push(c);
            }
            '{' => {
                let field: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let (name, spec) = field.split_once(':').unwrap_or((&field, ""));
                let value = if name.is_empty() {
                    next += 1;
                    positional.get(next - 1)
                } else if let Ok(index) = name.parse::<usize>() {
                    positional.get(index)
                } else {
                    named.iter().find(|(known, _)| known == name).map(|(_, value)| value)
                };
                let value = value.ok_or_else(|| EvalError::value("format() has no argument for one of its fields"))?;
                out.push_str(&formatted(value, spec)?);
            }
            '}' => return Err(EvalError::value("format() found a single `}`; a brace is written `}}`")),
            c => out.push(c),
        }
    }
    Ok(out)
}

struct Spec {
    fill: char,
    align: Option<char>,
    sign: Option<char>,
    width: usize,
    grouped: bool,
    precision: Option<usize>,
    kind: Option<char>,
}

fn specification(text: &str) -> Option<Spec> {
    let mut spec = Spec { fill: ' ', align: None, sign: None, width: 0, grouped: false, precision: None, kind: None };
    let is_align = |c: &char| matches!(c, '<' | '>' | '^' | '=');
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    if chars.get(1).is_some_and(is_align) {
        (spec.fill, spec.align, at) = (chars[0], Some(chars[1]), 2);
    } else if chars.first().is_some_and(is_align) {
        (spec.align, at) = (Some(chars[0]), 1);
    }
    if let Some(sign @ ('+' | '-' | ' ')) = chars.get(at) {
        spec.sign = Some(*sign);
        at += 1;
    }
    if chars.get(at) == Some(&'0') && spec.align.is_none() {
        (spec.fill, spec.align) = ('0', Some('='));
    }
    let number = |at: &mut usize| {
        let start = *at;
        while chars.get(*at).is_some_and(char::is_ascii_digit) {
            *at += 1;
        }
        chars[start..*at].iter().collect::<String>().parse::<usize>().ok()
    };
    spec.width = number(&mut at).unwrap_or(0);
    if chars.get(at) == Some(&',') {
        spec.grouped = true;
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        spec.precision = Some(number(&mut at)?);
    }
    if let Some(kind) = chars.get(at) {
        spec.kind = Some(*kind);
        at += 1;
    }
    let in_bounds = spec.width <= FORMAT_WIDTH && spec.precision.is_none_or(|precision| precision <= FORMAT_WIDTH);
    (at == chars.len() && in_bounds).then_some(spec)
}

fn formatted(value: &Value, spec: &str) -> Result<String, EvalError> {
    if spec.is_empty() {
        return Ok(text(value));
    }
    let spec = specification(spec).ok_or_else(|| EvalError::value("format() does not know this format"))?;
    let wrong = || EvalError::value("format() cannot write this type in this format");
    let number = match value {
        Value::Number(_) => Num::of(value),
        Value::Bool(_) if spec.kind.is_some_and(|kind| kind != 's') => Num::of(value),
        _ => None,
    };
    let (body, negative) = match number {
        Some(number) if spec.kind != Some('s') => digits(number, &spec)?,
        _ if matches!(spec.kind, None | Some('s')) => {
            let text = text(value);
            (spec.precision.map_or(text.clone(), |precision| text.chars().take(precision).collect()), false)
        }
        _ => return Err(wrong()),
    };
    let sign = match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) if number.is_some() => "+",
        (false, Some(' ')) if number.is_some() => " ",
        _ => "",
    };
    Ok(padded(sign, &body, &spec, number.is_some()))
}

/// The digits without sign, and whether the number is negative.
fn digits(number: Num, spec: &Spec) -> Result<(String, bool), EvalError> {
    let float = number.float();
    let negative = match number {
        Num::Int(int) => int < 0,
        Num::Float(float) => float < 0.0,
    };
    let precision = spec.precision.unwrap_or(6);
    let body = match (spec.kind, number) {
        (None | Some('d' | 'n'), Num::Int(int)) if spec.precision.is_none() => int.unsigned_abs().to_string(),
        (Some('x'), Num::Int(int)) => format!("{:x}", int.unsigned_abs()),
        (Some('X'), Num::Int(int)) => format!("{:X}", int.unsigned_abs()),
        (Some('o'), Num::Int(int)) => format!("{:o}", int.unsigned_abs()),
        (Some('b'), Num::Int(int)) => format!("{:b}", int.unsigned_abs()),
        (Some('f' | 'F'), _) => format!("{:.precision$}", float.abs()),
        (Some('%'), _) => format!("{:.precision$}%", float.abs() * 100.0),
        (Some('e'), _) => {
            let text = format!("{:.precision$e}", float.abs());
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        (None | Some('g'), _) => match spec.precision {
            Some(precision) => {
                let magnitude = if float == 0.0 { 0.0 } else { float.abs().log10().floor() };
                #[expect(clippy::cast_possible_truncation, reason = "the exponent of a double is small")]
                let rounded = round(Num::Float(float.abs()), Some(precision.max(1) as i128 - 1 - magnitude as i128))?.float();
                let text = float_text(rounded);
                text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
            }
            None => float_text(float.abs()),
        },
        _ => return Err(EvalError::value("format() cannot write this type in this format")),
    };
    Ok((if spec.grouped { grouped(&body) } else { body }, negative))
}

fn grouped(body: &str) -> String {
    let end = body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len());
    let mut out = String::new();
    for (at, digit) in body[..end].chars().enumerate() {
        if at > 0 && (end - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + &body[end..]
}

fn padded(sign: &str, body: &str, spec: &Spec, is_number: bool) -> String {
    let missing = spec.width.saturating_sub(sign.len() + body.chars().count());
    let fill = |count: usize| spec.fill.to_string().repeat(count);
    match spec.align.unwrap_or(if is_number { '>' } else { '<' }) {
        '<' => format!("{sign}{body}{}", fill(missing)),
        '^' => format!("{}{sign}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => format!("{sign}{}{body}", fill(missing)),
        _ => format!("{}{sign}{body}", fill(missing)),
    }
}
