//! Finding the processes that belong to a piece of work, also those that left its group or session.
//!
//! Every attempt's process gets a mark in its environment, which its offspring inherits.

use std::collections::HashSet;
use std::io;

use super::procfs::{self, Stat};

/// The environment variable that carries the mark.
pub const MARK: &str = "FLOWDECK_ATTEMPT";

/// Living members of a process group.
pub fn members(group: i32) -> io::Result<Vec<Stat>> {
    Ok(procfs::all()?.into_iter().filter(|stat| stat.group == group && !stat.dead).collect())
}

/// Living processes whose mark starts with one of `marks`, or that `also` picks, with all their descendants.
/// The caller itself is never among them.
pub fn of_marks(marks: &[String], also: impl Fn(&Stat) -> bool) -> io::Result<Vec<Stat>> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let all = procfs::all()?;
    let marked = |stat: &Stat| marks.iter().any(|mark| procfs::environment_has(stat.pid, MARK, mark));
    let belongs = |stat: &&Stat| also(stat) || marked(stat);
    let mut ours: HashSet<i32> = all.iter().filter(|stat| !stat.dead).filter(belongs).map(|stat| stat.pid).collect();
    loop {
        let before = ours.len();
        ours.extend(all.iter().filter(|stat| ours.contains(&stat.parent)).map(|stat| stat.pid).collect::<Vec<_>>());
        if ours.len() == before {
            break;
        }
    }
    Ok(all.into_iter().filter(|stat| ours.contains(&stat.pid) && !stat.dead && stat.pid != own).collect())
}
