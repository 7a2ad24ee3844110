//! Which text disturbs what stands around it, the same for every terminal that is shown some.
//!
//! Must not know terminals or their control characters.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// Combining marks beyond this many bytes are dropped: they would pile up over neighbouring lines.
pub const LONGEST_CLUSTER: usize = 40;

/// Characters that reorder the rest of a line.
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text for a plain stream of lines, without what would reorder it or pile up over the lines around it. Control characters
/// stay.
pub fn tamed(text: &str) -> Cow<'_, str> {
    let wild = |cluster: &str| cluster.len() > LONGEST_CLUSTER || cluster.chars().any(turns_direction);
    if text.is_ascii() || !text.graphemes(true).any(wild) {
        return Cow::Borrowed(text);
    }
    let tame = |cluster| match cluster {
        cluster if !wild(cluster) => cluster,
        cluster if cluster.chars().any(turns_direction) => "·",
        pile => &pile[..pile.chars().next().map_or(0, char::len_utf8)],
    };
    text.graphemes(true).map(tame).collect::<String>().into()
}
