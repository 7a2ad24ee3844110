//! Hides secrets: in a stream of bytes before it reaches the disk, and in values before they are recorded.
//!
//! A secret is found as it is, in base64 (whatever stands before it), URL-encoded and JSON-escaped; of a secret with
//! several lines also each line. Values under four bytes are not hidden: hiding every `1` would hide nothing but the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// What stands in a secret's place.
pub const REPLACEMENT: &str = crate::model::MASK;
/// Shorter values are not hidden.
const SHORTEST: usize = 4;
/// Shorter base64 texts would hide too much by coincidence.
const SHORTEST_ENCODED: usize = 6;

/// What `encodeURIComponent` and its like leave as it is, and what leaves the slash, too.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const BROWSER: &AsciiSet = &COMPONENT.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
const PATH: &AsciiSet = &COMPONENT.remove(b'/');
/// What an address that is parsed and written again has escaped (WHATWG URL): in a query, in a path, before the `@`. A
/// secret that was not escaped when it came into the address keeps its own `?`, `#` and `%`.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
const SPECIAL_QUERY: &AsciiSet = &QUERY.add(b'\'');
const LOOSE_PATH: &AsciiSet = &QUERY.add(b'`').add(b'{').add(b'}');
const STRICT_PATH: &AsciiSet = &LOOSE_PATH.add(b'?').add(b'#');
const CARET_PATH: &AsciiSet = &LOOSE_PATH.add(b'^');
const USER: &AsciiSet =
    &STRICT_PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'^').add(b'|');

/// The set of secrets of a run. Cheap to clone; shows none of them when it is debug-printed.
#[derive(Clone, Default)]
pub struct Masker {
    words: Option<Arc<Words>>,
}

struct Words {
    finder: AhoCorasick,
    /// The patterns by their first byte: to tell whether the end of a read may be the start of a secret.
    by_first: HashMap<u8, Vec<Vec<u8>>>,
    longest: usize,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.words.is_some() { "Masker(…)" } else { "Masker(none)" })
    }
}

impl Masker {
    /// Prepares to hide these values.
    pub fn new<S: AsRef<str>>(secrets: &[S]) -> Self {
        let patterns: BTreeSet<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret.as_ref())).collect();
        if patterns.is_empty() {
            return Self::default();
        }
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns);
        // Building fails only beyond four thousand million states, which no run's secrets reach.
        let Ok(finder) = built else { return Self::default() };
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let mut by_first: HashMap<u8, Vec<Vec<u8>>> = HashMap::new();
        for pattern in patterns {
            by_first.entry(pattern[0]).or_default().push(pattern);
        }
        Self { words: Some(Arc::new(Words { finder, by_first, longest })) }
    }

    /// True when there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.words.is_none()
    }

    /// The text with every secret replaced.
    pub fn mask_text(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        let mut stream = self.stream();
        stream.push(text.as_bytes(), &mut out);
        stream.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The value with every secret replaced in its texts and keys. Numbers that spell a secret become the replacement.
    pub fn mask_value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.mask_text(&text);
                if masked == text { value.clone() } else { Value::String(masked) }
            }
            Value::String(text) => Value::String(self.mask_text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.mask_value(item)).collect()),
            Value::Object(map) => Value::Object(self.mask_map(map)),
        }
    }

    /// The object with every secret replaced in its keys and values.
    pub fn mask_map(&self, map: &Map<String, Value>) -> Map<String, Value> {
        map.iter().map(|(key, value)| (self.mask_text(key), self.mask_value(value))).collect()
    }

    /// A masker for one stream of bytes.
    pub fn stream(&self) -> MaskStream {
        MaskStream { words: self.words.clone(), held: Vec::new(), hidden: 0 }
    }
}

/// Hides secrets in a stream that comes in pieces. Holds back only what may be the start of a secret.
pub struct MaskStream {
    words: Option<Arc<Words>>,
    /// The end of what came so far, not passed on yet.
    held: Vec<u8>,
    /// So many bytes of `held` belong to a secret that was replaced already, and may begin another one.
    hidden: usize,
}

impl MaskStream {
    /// Takes a piece and appends what is safe to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let Some(words) = self.words.clone() else { return out.extend_from_slice(piece) };
        if self.held.is_empty() {
            let (kept, hidden) = words.replace(piece, 0, false, out);
            self.held.extend_from_slice(&piece[kept..]);
            self.hidden = hidden;
        } else {
            let mut buffer = std::mem::take(&mut self.held);
            buffer.extend_from_slice(piece);
            let (kept, hidden) = words.replace(&buffer, self.hidden, false, out);
            buffer.drain(..kept);
            self.held = buffer;
            self.hidden = hidden;
        }
    }

    /// The stream is over: what was held back is no secret.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(words) = &self.words {
            words.replace(&self.held, self.hidden, true, out);
        }
        self.held.clear();
        self.hidden = 0;
    }

    /// True when nothing is masked, so that bytes may bypass this stream.
    pub fn is_transparent(&self) -> bool {
        self.words.is_none()
    }
}

impl Words {
    /// Appends `text`, its first `hidden` bytes left out and secrets replaced, up to where a secret may be beginning.
    /// Returns that place, and how many bytes after it are hidden already. Secrets that overlap are hidden together.
    fn replace(&self, text: &[u8], hidden: usize, over: bool, out: &mut Vec<u8>) -> (usize, usize) {
        let mut done = hidden;
        let mut search = 0;
        let mut hold = if over { text.len() } else { self.may_begin(text, 0) };
        while let Some(found) = self.finder.find(Input::new(text).range(search..)) {
            if found.start() >= hold {
                break;
            }
            if found.start() >= done {
                out.extend_from_slice(&text[done..found.start()]);
                out.extend_from_slice(REPLACEMENT.as_bytes());
            }
            done = done.max(found.end());
            search = found.start() + 1;
        }
        if !over && done > hold {
            hold = self.may_begin(text, hold);
        }
        if hold > done {
            out.extend_from_slice(&text[done..hold]);
            done = hold;
        }
        (hold, done - hold)
    }

    /// The first place from `from` on where the rest of the text is the start, but not the whole, of a secret.
    fn may_begin(&self, text: &[u8], from: usize) -> usize {
        let first = text.len().saturating_sub(self.longest - 1).max(from);
        let begins = |at: &usize| {
            let rest = &text[*at..];
            let patterns = self.by_first.get(&text[*at]);
            patterns.is_some_and(|patterns| patterns.iter().any(|word| word.len() > rest.len() && word.starts_with(rest)))
        };
        (first..text.len()).find(begins).unwrap_or(text.len())
    }
}

/// Everything a secret may look like.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let whole = secret.trim_end_matches(['\n', '\r']);
    let mut found = Vec::new();
    if whole.len() < SHORTEST {
        return found;
    }
    found.push(whole.as_bytes().to_vec());
    if whole.contains('\n') {
        let lines = whole.lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
        found.extend(lines.map(|line| line.as_bytes().to_vec()));
        found.push(whole.replace("\r\n", "\n").into_bytes());
        found.push(whole.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes());
    }
    // As a part of a JSON pointer, which says where a value is not what it should be.
    let pointer = whole.replace('~', "~0").replace('/', "~1");
    for text in url_forms(whole).into_iter().chain(json_forms(whole)).chain([pointer]) {
        found.push(text.into_bytes());
    }
    found.extend(base64_forms(whole.as_bytes()));
    if secret.len() > whole.len() {
        found.extend(base64_forms(secret.as_bytes()));
    }
    found
}

fn url_forms(secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    let parsed = [QUERY, SPECIAL_QUERY, LOOSE_PATH, STRICT_PATH, CARET_PATH, USER];
    for set in [NON_ALPHANUMERIC, COMPONENT, BROWSER, PATH].into_iter().chain(parsed) {
        let text = utf8_percent_encode(secret, set).to_string();
        let lower = lower_escapes(&text);
        found.extend([text.replace("%20", "+"), lower.replace("%20", "+"), text, lower]);
    }
    found
}

/// The same with `%2f` for `%2F`.
fn lower_escapes(text: &str) -> String {
    let mut left = 0_u8;
    let lower = |letter: char| {
        let changed = if left > 0 { letter.to_ascii_lowercase() } else { letter };
        left = if letter == '%' { 2 } else { left.saturating_sub(1) };
        changed
    };
    text.chars().map(lower).collect()
}

fn json_forms(secret: &str) -> Vec<String> {
    let quoted = Value::String(secret.to_owned()).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let ascii: String = plain
        .chars()
        .flat_map(|letter| {
            let mut units = [0; 2];
            let escaped: Vec<String> = letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            if letter.is_ascii() { vec![letter.to_string()] } else { escaped }
        })
        .collect();
    // JSON inside JSON, as in a log line that quotes a request body.
    let nested = Value::String(plain.clone()).to_string();
    vec![plain.replace('/', "\\/"), ascii, nested[1..nested.len() - 1].to_owned(), plain]
}

/// The characters that the secret alone decides, for each of the three places it may have in a group of three bytes;
/// and the whole text with its padding where the secret stands alone.
fn base64_forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for engine in [&STANDARD, &URL_SAFE] {
        let alone = engine.encode(secret);
        found.push(alone.trim_end_matches('=').as_bytes().to_vec());
        found.push(alone.into_bytes());
        for before in 0..3 {
            let text = engine.encode([&vec![0; before], secret].concat());
            let from = [0, 2, 3][before];
            let to = (before + secret.len()) * 8 / 6;
            if to > from {
                found.push(text.as_bytes()[from..to].to_vec());
            }
        }
    }
    found.retain(|text| text.len() >= SHORTEST_ENCODED);
    found
}

#[cfg(test)]
mod tests;
