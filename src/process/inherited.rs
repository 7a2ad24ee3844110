//! Letting go of what a long-lived process got from whoever started it.
//!
//! A descriptor that a shell or a lock program left open would otherwise stay open, and a lock locked, for as long as
//! the detached process lives. Owns the only unsafe code: closing descriptors that nobody in this program owns.

use std::fs;
use std::io;

/// Closes every descriptor above standard error.
///
/// Call it first thing in `main`, before this process has opened anything or started a thread.
#[expect(unsafe_code, reason = "no safe interface closes a descriptor that no value owns")]
pub fn close_all() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        if let Some(fd) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) {
            open.push(fd);
        }
    }
    // One of them was the directory itself, which is closed by now.
    for fd in open.into_iter().filter(|fd| *fd > 2 && fs::read_link(format!("/proc/self/fd/{fd}")).is_ok()) {
        // SAFETY: the process has just begun, so no value in it owns this descriptor, and no other thread can open one.
        unsafe { rustix::io::close(fd) };
    }
    Ok(())
}
