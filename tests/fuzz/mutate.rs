//! Inputs made from the kept ones: the same for the same seed, and mostly near the grammar they come from.

/// A small generator of numbers (splitmix64): what matters is that a seed always gives the same ones.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`; 0 when that is 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &'a [Box<T>]) -> Option<&'a T> {
        from.get(self.below(from.len())).map(|item| &**item)
    }
}

/// Inputs grow no longer than this: hostile sizes have tests of their own.
const LONGEST: usize = 16 * 1024;

/// One new input out of the kept ones and the target's words.
pub fn input(dice: &mut Dice, seeds: &[Box<[u8]>], words: &[&str]) -> Vec<u8> {
    let mut made = dice.pick(seeds).unwrap_or_default().to_vec();
    for _ in 0..=dice.below(4) {
        change(&mut made, dice, seeds, words);
        made.truncate(LONGEST);
    }
    made
}

fn change(made: &mut Vec<u8>, dice: &mut Dice, seeds: &[Box<[u8]>], words: &[&str]) {
    let at = dice.below(made.len() + 1);
    match dice.below(9) {
        // A part of the grammar in the place of another.
        0..=2 => {
            let other = dice.pick(seeds).unwrap_or_default();
            let piece = other[part(other, dice)].to_vec();
            let place = part(made, dice);
            made.splice(place, piece);
        }
        3 | 4 if !words.is_empty() => {
            let word = words[dice.below(words.len())].bytes();
            let place = if dice.below(2) == 0 { at..at } else { part(made, dice) };
            made.splice(place, word);
        }
        5 => {
            let piece = made[part(made, dice)].repeat(1 + dice.below(40));
            made.splice(at..at, piece.into_iter().take(LONGEST));
        }
        6 => {
            made.drain(part(made, dice));
        }
        7 => made.truncate(at),
        _ => {
            let byte = u8::try_from(dice.below(256)).unwrap_or(0);
            match made.get_mut(at) {
                Some(there) => *there = byte,
                None => made.push(byte),
            }
        }
    }
}

/// A bracketed group, a quoted text, a line or a word: something that a grammar has a name for.
fn part(text: &[u8], dice: &mut Dice) -> std::ops::Range<usize> {
    let at = dice.below(text.len());
    let Some(&first) = text.get(at) else { return 0..0 };
    let rest = &text[at..];
    let length = match first {
        b'(' | b'[' | b'{' => group(rest),
        quote @ (b'"' | b'\'' | b'`') => rest[1..].iter().position(|byte| *byte == quote).map(|end| end + 2),
        b'\n' => rest[1..].iter().position(|byte| *byte == b'\n').map(|end| end + 1),
        _ => None,
    };
    if let Some(length) = length {
        return at..at + length;
    }
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let start = text[..at].iter().rposition(|byte| !is_word(byte)).map_or(0, |before| before + 1);
    let end = rest.iter().position(|byte| !is_word(byte)).map_or(text.len(), |length| at + length);
    if start < end { start..end } else { at..at + 1 }
}

/// The length of the balanced group that `text` begins with.
fn group(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}
