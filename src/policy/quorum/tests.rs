//! The tally against a count that tries everything.

use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

use super::{Deciders, is_full};
use crate::model::{Access, Grant, People, Person, Role};
use crate::policy::scene::{gate, person, production, rule, set};

fn everybody() -> Access {
    Access {
        grants: vec![Grant {
            role: Role::Approver,
            people: People { users: set(&[]), groups: set(&["g0", "g1", "g2"]) },
            environments: None,
        }],
    }
}

/// Whether the places can be filled, by trying every way to give each person one rule or none.
fn can_be_filled(needs: &mut [u32], people: &[Person], groups: &[&str]) -> bool {
    if needs.iter().all(|need| *need == 0) {
        return true;
    }
    let Some((first, rest)) = people.split_first() else {
        return false;
    };
    if can_be_filled(&mut needs.to_vec(), rest, groups) {
        return true;
    }
    (0..needs.len()).any(|at| {
        let mut left = needs.to_vec();
        left[at] = left[at].saturating_sub(1);
        needs[at] > 0 && first.groups.contains(groups[at]) && can_be_filled(&mut left, rest, groups)
    })
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    prop::collection::vec(any::<[bool; 3]>(), 0..6).prop_map(|many| {
        let groups = ["g0", "g1", "g2"];
        let of =
            |mine: [bool; 3]| groups.into_iter().zip(mine).filter(|(_, mine)| *mine).map(|(group, _)| group).collect::<Vec<_>>();
        many.into_iter().enumerate().map(|(n, mine)| person(&format!("p{n}"), &of(mine))).collect()
    })
}

proptest! {
    #[test]
    fn a_quorum_is_found_exactly_when_there_is_one(people in people(), needs in prop::collection::vec((0..3_usize, 1..3_u32), 1..4)) {
        let groups: Vec<&str> = needs.iter().map(|(group, _)| ["g0", "g1", "g2"][*group]).collect();
        let environment = production(needs.iter().zip(&groups).map(|((_, min), group)| rule(group, *min)).collect());
        let access = everybody();
        let deciders = Deciders { environment: &environment, access: Some(&access), engine_uid: 0 };
        let voters: Vec<&Person> = people.iter().collect();
        let tally = deciders.tally(&gate(&environment), &[], &voters);
        let mut mins: Vec<u32> = needs.iter().map(|(_, min)| *min).collect();
        prop_assert_eq!(is_full(&tally), can_be_filled(&mut mins, &people, &groups), "{:?}", tally);
    }
}

#[test]
fn one_person_through_two_groups_is_one_person() {
    let environment = production(vec![rule("g0", 1), rule("g1", 1)]);
    let access = everybody();
    let deciders = Deciders { environment: &environment, access: Some(&access), engine_uid: 0 };
    let both = person("both", &["g0", "g1"]);
    let renamed = Person { name: "other".to_owned(), ..both.clone() };
    let one = person("one", &["g0"]);
    let full = |voters: &[&Person]| is_full(&deciders.tally(&gate(&environment), &[], voters));
    assert!(!full(&[&both]));
    assert!(!full(&[&both, &both]), "said twice");
    assert!(!full(&[&both, &renamed]), "one user of the system under two names");
    assert!(full(&[&both, &one]), "the first makes room for the second");
    assert!(full(&[&one, &both]));
}

#[test]
fn a_protected_environment_without_rules_needs_one_person_who_may_approve() {
    let environment = production(Vec::new());
    let access = everybody();
    let deciders = Deciders { environment: &environment, access: Some(&access), engine_uid: 0 };
    let full = |voters: &[&Person]| is_full(&deciders.tally(&gate(&environment), &[], voters));
    assert!(!full(&[]));
    assert!(!full(&[&person("ann", &["staff"])]));
    assert!(full(&[&person("ann", &["g1"])]));
}

#[test]
fn a_rule_for_nobody_is_a_rule_for_one() {
    let environment = production(vec![rule("g0", 0)]);
    let access = everybody();
    let deciders = Deciders { environment: &environment, access: Some(&access), engine_uid: 0 };
    assert!(!is_full(&deciders.tally(&gate(&environment), &[], &[])));
}
