//! What the kernel says about processes: who they are, whose children, which group.
//!
//! Reads `/proc` only; sends no signal.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The part of `/proc/PID/stat` that identifies a process and places it in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Clock ticks since boot; with `pid` and the boot id it names a process for ever.
    pub start_time: u64,
    /// It has ended and only waits to be reaped.
    pub dead: bool,
}

/// Looks at one process; none when there is no such process (any more).
pub fn stat(pid: i32) -> Option<Stat> {
    let mut text = Vec::with_capacity(512);
    File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read_to_end(&mut text)).ok()?;
    parse_stat(pid, &String::from_utf8_lossy(&text))
}

/// The program's name stands in parentheses and may contain any character: the fields begin after the last one.
fn parse_stat(pid: i32, text: &str) -> Option<Stat> {
    let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let start_time = fields.nth(15)?.parse().ok()?;
    Some(Stat { pid, parent, group, session, start_time, dead: matches!(state, "Z" | "X" | "x") })
}

/// Every process that is visible now.
pub fn all() -> io::Result<Vec<Stat>> {
    let mut found = Vec::with_capacity(256);
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if let Some(stat) = name.to_str().and_then(|name| name.parse().ok()).and_then(stat) {
            found.push(stat);
        }
    }
    Ok(found)
}

/// True when the process was started with `name=value` in its environment, the value starting with `prefix`.
pub fn environment_has(pid: i32, name: &str, prefix: &str) -> bool {
    let mut bytes = Vec::new();
    // A process of another user cannot be read, and is none of ours.
    if File::open(format!("/proc/{pid}/environ")).and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
        return false;
    }
    let wanted = [name.as_bytes(), b"=", prefix.as_bytes()].concat();
    bytes.split(|byte| *byte == 0).any(|entry| entry.starts_with(&wanted))
}

/// A name for this boot of the machine: process ids mean nothing across boots.
pub fn boot_id() -> io::Result<String> {
    std::fs::read_to_string(Path::new("/proc/sys/kernel/random/boot_id")).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{parse_stat, stat};

    #[test]
    fn a_program_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) b) S 3 4 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9999 1 1";
        let stat = parse_stat(7, text).unwrap();
        assert_eq!((stat.parent, stat.group, stat.session, stat.start_time, stat.dead), (3, 4, 5, 9999, false));
    }

    #[test]
    fn this_process_is_found_alive() {
        let own = i32::try_from(std::process::id()).unwrap();
        let stat = stat(own).unwrap();
        assert!(!stat.dead && stat.start_time > 0);
    }
}
