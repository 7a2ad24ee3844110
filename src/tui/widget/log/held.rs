//! The lines that are held: one stretch of the view without gaps, made of the windows that came.
//!
//! Whole windows are let go at either end, so that the places at the ends stay exact.

use std::collections::VecDeque;

use super::line::Line;
use crate::model::{LogPlace, ViewWindow};

/// Lines and bytes held at most, about.
pub(super) const MOST_LINES: usize = 900;
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Small windows that follow each other are kept as one of up to so many lines and bytes.
const WINDOW: (usize, usize) = (150, 512 * 1024);

#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    pub lines: VecDeque<Line>,
    windows: VecDeque<Window>,
    to: LogPlace,
}

#[derive(Debug, Clone)]
struct Window {
    from: LogPlace,
    lines: usize,
    bytes: usize,
}

impl Held {
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// The places before and after what was looked at.
    pub fn ends(&self) -> (LogPlace, LogPlace) {
        (self.windows.front().map_or_else(LogPlace::default, |window| window.from.clone()), self.to.clone())
    }

    /// Numbers of the lines that were looked at, whether they passed the filter or not.
    pub fn span(&self) -> (u64, u64) {
        (self.windows.front().map_or(0, |window| window.from.line()), self.to.line())
    }

    /// Where in `lines` the first one with this number or a higher one is.
    pub fn position(&self, number: u64) -> usize {
        self.lines.partition_point(|line| line.number < number)
    }

    pub fn line(&self, number: u64) -> Option<&Line> {
        self.lines.get(self.position(number)).filter(|line| line.number == number)
    }

    pub fn replace(&mut self, window: ViewWindow) {
        *self = Self::default();
        self.append(window, 0);
    }

    /// Adds what comes after; lets go of the beginning where it is not in view (below line `top`).
    pub fn append(&mut self, window: ViewWindow, top: u64) {
        let new = measured(&window);
        self.to = window.to;
        self.lines.extend(window.lines.into_iter().map(Line::new));
        match self.windows.back_mut() {
            Some(last) if last.lines + new.lines <= WINDOW.0 && last.bytes + new.bytes <= WINDOW.1 => {
                last.lines += new.lines;
                last.bytes += new.bytes;
            }
            _ => self.windows.push_back(new),
        }
        while self.is_too_much() && self.windows.len() > 1 {
            let second = self.windows[1].from.line();
            if second > top {
                break;
            }
            let Some(first) = self.windows.pop_front() else { break };
            self.lines.drain(..first.lines);
        }
    }

    /// Adds what comes before; lets go of the end where it is not in view (from line `bottom` on).
    pub fn prepend(&mut self, window: ViewWindow, bottom: u64) {
        self.windows.push_front(measured(&window));
        for line in window.lines.into_iter().rev() {
            self.lines.push_front(Line::new(line));
        }
        while self.is_too_much() && self.windows.back().is_some_and(|last| self.windows.len() > 1 && last.from.line() > bottom) {
            let Some(last) = self.windows.pop_back() else { break };
            self.lines.truncate(self.lines.len() - last.lines);
            self.to = last.from;
        }
    }

    fn is_too_much(&self) -> bool {
        self.lines.len() > MOST_LINES || self.windows.iter().map(|window| window.bytes).sum::<usize>() > MOST_BYTES
    }
}

fn measured(window: &ViewWindow) -> Window {
    let bytes = window.lines.iter().map(|line| line.text.len()).sum();
    Window { from: window.from.clone(), lines: window.lines.len(), bytes }
}
