//! Who is who on this system: users, groups and memberships, asked of its account database anew each time.
//!
//! The database is the host's own word (NSS: `/etc/passwd` and `/etc/group`, sssd, LDAP, …), so whoever was taken out of
//! a group is out at the next question. The groups that the kernel holds for a process (`SO_PEERGROUPS`) are deliberately
//! not asked: they are those of the moment its session began, and would let somebody who was removed vote until they log
//! out. They still decide who can open the socket at all, so both must agree. Nor does anything of the process count that
//! it can choose itself: `$USER`, its arguments, a header. Nothing is remembered here. Every function may block, as a
//! directory server may. Must not know roles or policies.

use std::collections::BTreeSet;
use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::model::Person;

/// The account database gave no answer; that somebody is unknown is one.
#[derive(Debug, thiserror::Error)]
#[error("the system's account database does not answer: {0}")]
pub struct AccountError(#[from] Errno);

/// A user with all groups, primary and supplementary, as the database has them now. A user id without an account has a
/// name that no account can have, and no groups.
///
/// # Errors
/// When the database does not answer.
pub fn person(uid: u32) -> Result<Person, AccountError> {
    let (name, groups) = match User::from_uid(Uid::from_raw(uid))? {
        Some(user) => {
            let groups = groups(&user)?;
            (user.name, groups)
        }
        None => (nameless(uid), BTreeSet::new()),
    };
    Ok(Person { name, uid: Some(uid), groups, service: false })
}

/// What a user is called, for people to read.
pub fn user_name(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| nameless(uid), |user| user.name)
}

/// Whether there is a user of this name.
///
/// # Errors
/// When the database does not answer.
pub fn is_user(name: &str) -> Result<bool, AccountError> {
    Ok(User::from_name(name)?.is_some())
}

/// The id of a group, `None` when there is no such group.
///
/// # Errors
/// When the database does not answer.
pub fn group_id(name: &str) -> Result<Option<u32>, AccountError> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

fn nameless(uid: u32) -> String {
    format!("uid:{uid}")
}

fn groups(user: &User) -> Result<BTreeSet<String>, AccountError> {
    let name = CString::new(user.name.as_str()).map_err(|_| Errno::EINVAL)?;
    let ids: BTreeSet<u32> = getgrouplist(&name, user.gid)?.into_iter().map(Gid::as_raw).collect();
    let mut names = BTreeSet::new();
    for id in ids {
        // A group without a name can be in no policy.
        names.extend(Group::from_gid(Gid::from_raw(id))?.map(|group| group.name));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{group_id, is_user, person, user_name};

    #[test]
    fn root_is_known_with_its_groups() {
        let root = person(0).unwrap();
        assert_eq!((root.name.as_str(), root.uid, root.service), ("root", Some(0), false));
        let own = nix::unistd::Group::from_gid(nix::unistd::Gid::from_raw(0)).unwrap().unwrap().name;
        assert!(root.groups.contains(&own), "{root:?}");
        assert_eq!(group_id(&own).unwrap(), Some(0));
        assert!(is_user("root").unwrap());
    }

    #[test]
    fn an_id_without_an_account_has_no_name_that_an_account_can_have() {
        let stranger = person(3_999_999_999).unwrap();
        assert_eq!((stranger.name.as_str(), stranger.groups.len()), ("uid:3999999999", 0));
        assert_eq!(user_name(3_999_999_999), "uid:3999999999");
        assert!(!is_user("uid:3999999999").unwrap());
        assert_eq!(group_id("no such group").unwrap(), None);
    }
}
