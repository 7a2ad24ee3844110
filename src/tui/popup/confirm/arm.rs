//! When a dialog takes keys: not before the terminal has shown it, not what was typed ahead, not what came all at once.
//!
//! Time is an argument; keys come with the time they were read at.

use std::time::Duration;

use crate::model::Timestamp;

/// Nobody reads a dialog and answers it faster than this: what comes sooner was on its way before.
const PAUSE: Duration = Duration::from_millis(150);
/// Keys nearer to each other than this were read together.
const TOGETHER: Duration = Duration::from_millis(8);
/// So many keys together are no fingers but a paste, of a terminal that does not say so.
const MOST_TOGETHER: u32 = 4;

#[derive(Debug, Clone, Default)]
pub struct Arm {
    /// Keys count from here on; `None` until the dialog was seen.
    from: Option<Timestamp>,
    last: Option<Timestamp>,
    together: u32,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Typed by somebody who sees the dialog.
    Typed,
    TooEarly,
    AllAtOnce,
}

impl Arm {
    /// The terminal has shown the dialog.
    pub fn seen(&mut self, now: Timestamp) {
        self.from.get_or_insert(now.after(PAUSE));
    }

    pub fn is_unseen(&self) -> bool {
        self.from.is_none()
    }

    pub fn press(&mut self, now: Timestamp) -> Press {
        let Some(from) = self.from else { return Press::TooEarly };
        if now < from {
            // As long as it goes on, it is the same typing ahead.
            self.from = Some(now.after(PAUSE));
            return Press::TooEarly;
        }
        let near = self.last.is_some_and(|last| now.since(last) < TOGETHER);
        (self.together, self.last) = (if near { self.together + 1 } else { 1 }, Some(now));
        if self.together > MOST_TOGETHER { Press::AllAtOnce } else { Press::Typed }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arm, Press};
    use crate::model::Timestamp;

    #[test]
    fn keys_count_only_after_the_dialog_was_seen_and_a_pause() {
        let mut arm = Arm::default();
        assert_eq!(arm.press(Timestamp(10_000)), Press::TooEarly, "however long it is open");
        arm.seen(Timestamp(20_000));
        assert_eq!(arm.press(Timestamp(20_149)), Press::TooEarly);
        assert_eq!(arm.press(Timestamp(20_250)), Press::TooEarly, "the typing ahead went on");
        arm.seen(Timestamp(20_260));
        assert_eq!(arm.press(Timestamp(20_400)), Press::Typed);
    }

    #[test]
    fn keys_that_come_all_at_once_are_not_typed() {
        let mut arm = Arm::default();
        arm.seen(Timestamp(0));
        let read: Vec<Press> = (0..6).map(|n| arm.press(Timestamp(1_000 + n))).collect();
        assert_eq!(read[..4], [Press::Typed; 4]);
        assert_eq!(read[4..], [Press::AllAtOnce; 2]);
        assert_eq!(arm.press(Timestamp(1_100)), Press::Typed);
        let fast: Vec<Press> = (0..50).map(|n| arm.press(Timestamp(2_000 + n * 30))).collect();
        assert!(fast.iter().all(|press| *press == Press::Typed), "a key that is held down");
    }
}
