//! A request to end an attempt, from the engine's connection to the attempt's thread.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::event::EventfdFlags;

/// How an attempt is asked to end; the attempt's thread polls `event`.
#[derive(Debug)]
pub struct Cancel {
    pub event: OwnedFd,
    level: AtomicU8,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    None,
    /// TERM, the grace period, KILL.
    Gently,
    /// KILL.
    AtOnce,
}

impl Cancel {
    pub fn new() -> std::io::Result<Self> {
        let event = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, level: AtomicU8::new(0) })
    }

    pub fn ask(&self, force: bool) {
        self.level.fetch_max(if force { 2 } else { 1 }, Ordering::SeqCst);
        // Fails only when the counter is full, and then the thread is awake.
        rustix::io::write(&self.event, &1_u64.to_ne_bytes()).ok();
    }

    /// What is asked for now; the event is quiet afterwards until somebody asks again.
    pub fn take(&self) -> Wish {
        rustix::io::read(&self.event, &mut [0_u8; 8]).ok();
        match self.level.load(Ordering::SeqCst) {
            0 => Wish::None,
            1 => Wish::Gently,
            _ => Wish::AtOnce,
        }
    }
}
