//! The labels of a pair of records, as sets: what both sides make of them, and what is to be written. No I/O.
//!
//! * A label that somebody added, on either side, is there; one that somebody removed, on either side, is gone.
//! * The unlabeled kind follows: the remote keeps it as long as a pair has anything else, so to remove it alone is no
//!   wish.

use crate::model::AssociationKind;
use std::collections::BTreeSet;

/// The kinds of one pair of records, in one direction.
pub type Kinds = BTreeSet<AssociationKind>;

/// Merges three ways: what both sides had agreed on, and what each of them holds now.
pub fn merge<T: Ord + Clone>(base: &BTreeSet<T>, local: &BTreeSet<T>, remote: &BTreeSet<T>) -> BTreeSet<T> {
    let stays = |one: &&T| !base.contains(one) || (local.contains(one) && remote.contains(one));
    local.union(remote).filter(stays).cloned().collect()
}

/// What both sides agree on once `wanted` was sent and the remote then told `remote`: as much of what was sent as it
/// holds. What it does not hold is not agreed on, and what was agreed on before stays so, as nobody here undid it.
pub fn agreed<T: Ord + Clone>(base: &BTreeSet<T>, wanted: &BTreeSet<T>, remote: &BTreeSet<T>) -> BTreeSet<T> {
    let stays = |one: &&T| remote.contains(one) || (wanted.contains(one) && base.contains(one));
    base.union(wanted).filter(stays).cloned().collect()
}

/// What is to be done about a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the remote holds what is wanted.
    Nothing,
    /// It is to have all of the wanted kinds and no others.
    Relabel,
    /// It is to be taken apart.
    Unlink,
}

/// What makes a pair that holds `remote` hold `wanted`.
pub fn step(wanted: &Kinds, remote: &Kinds) -> Step {
    let comes_by_itself = |kind: &AssociationKind| kind.label.is_none();
    if wanted.is_empty() && !remote.is_empty() {
        Step::Unlink
    } else if wanted.is_subset(remote) && remote.difference(wanted).all(comes_by_itself) {
        Step::Nothing
    } else {
        Step::Relabel
    }
}

/// Whether a pair that holds `remote` shows that `wanted` was written: all of it is there, and nothing of what was taken
/// away. The remote adds kinds of its own, a primary one for instance, and so may others.
pub fn shows(base: &Kinds, wanted: &Kinds, remote: &Kinds) -> bool {
    let follows = |kind: &AssociationKind| kind.label.is_none() && !wanted.is_empty();
    let gone = base.difference(wanted).all(|kind| !remote.contains(kind) || follows(kind));
    wanted.is_subset(remote) && gone
}

/// What a pair held right after `wanted` was sent over `base`: also the kinds that a remote gives it of its own accord,
/// `sole` among them, the label that only one pair of a record can have; and nothing that others may have added.
pub fn held(base: &Kinds, wanted: &Kinds, remote: &Kinds, sole: Option<&str>) -> Kinds {
    let mut held = wanted.clone();
    if !wanted.is_empty() {
        let of_its_own = |kind: &&AssociationKind| kind.label.as_deref().is_none_or(|label| Some(label) == sole);
        held.extend(remote.difference(base).filter(of_its_own).cloned());
    }
    held
}

/// What taking a write of a pair back makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// It is to hold these kinds.
    To(Kinds),
    /// It is as if nothing had been written.
    Already,
    /// What was written was changed since.
    Changed,
}

/// Takes the write that made `after` of `before` back from a pair that holds `now`. What others added since stays.
pub fn take_back(before: &Kinds, after: &Kinds, now: &Kinds) -> Back {
    let mut wanted = merge(after, before, now);
    if !wanted.is_empty() {
        wanted.extend(now.iter().filter(|kind| kind.label.is_none()).cloned());
    }
    if alike(&wanted, now) {
        Back::Already
    } else if shows(before, after, now) {
        Back::To(wanted)
    } else {
        Back::Changed
    }
}

/// Whether a pair with the one set is as one with the other: the unlabeled kind follows.
pub fn alike(one: &Kinds, other: &Kinds) -> bool {
    let labeled = |kinds: &Kinds| kinds.iter().filter(|kind| kind.label.is_some()).cloned().collect::<Kinds>();
    one.is_empty() == other.is_empty() && labeled(one) == labeled(other)
}

/// What a person wrote into a row, any of it left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Who defined the kind.
    pub category: Option<String>,
    /// Its number.
    pub type_id: Option<i64>,
    /// What people call it.
    pub label: Option<String>,
}

/// The one kind that is meant. With neither number nor label it is the unlabeled one.
///
/// # Errors
/// A sentence that names what there is, where no kind or more than one fits.
pub fn resolve(given: &Given, known: &[AssociationKind]) -> Result<AssociationKind, String> {
    let label = given.label.as_deref().filter(|label| !label.is_empty());
    let fits = |kind: &&AssociationKind| {
        let named = label.is_some() || given.type_id.is_some();
        given.category.as_ref().is_none_or(|category| *category == kind.category)
            && given.type_id.is_none_or(|type_id| type_id == kind.type_id)
            && label.is_none_or(|label| kind.label.as_deref() == Some(label))
            && (named || kind.label.is_none())
    };
    let mut fitting = known.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(kind), None) => Ok(kind.clone()),
        (Some(_), Some(_)) => {
            let meant = label.map_or_else(|| "this".to_owned(), |label| format!("the label {label}"));
            Err(format!("more than one kind of association fits {meant}: give category and type_id as well"))
        }
        (None, _) => Err(nothing_fits(given, label, known)),
    }
}

/// The same kind seen from the other side, which has numbers of its own: found by its label.
///
/// # Errors
/// A sentence, where no kind or more than one has it.
pub fn turned(kind: &AssociationKind, known: &[AssociationKind]) -> Result<AssociationKind, String> {
    let mut fitting = known.iter().filter(|other| other.label == kind.label);
    match (fitting.next(), fitting.next()) {
        (Some(other), None) => Ok(other.clone()),
        _ => Err("what its label is called from the other side is not known".to_owned()),
    }
}

fn nothing_fits(given: &Given, label: Option<&str>, known: &[AssociationKind]) -> String {
    let what = match (label, given.type_id) {
        (Some(label), None) => format!("there is no label {label} in this direction"),
        (None, None) => "there is no unlabeled kind in this direction".to_owned(),
        (Some(label), Some(id)) => format!("no kind in this direction has type_id {id} and the label {label}"),
        (None, Some(id)) => format!("no kind in this direction has type_id {id}"),
    };
    let names: Vec<&str> = known.iter().filter_map(|kind| kind.label.as_deref()).collect();
    let unlabeled = known.iter().any(|kind| kind.label.is_none());
    match (names.is_empty(), unlabeled) {
        (true, true) => format!("{what}; there is only the unlabeled kind"),
        (true, false) => format!("{what}; the mirror knows no kinds of it, so look at association_labels"),
        (false, _) => format!("{what}; its labels are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Back, Given, Kinds, Step, agreed, held, merge, resolve, shows, step, take_back, turned};
    use crate::model::AssociationKind;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn kind(type_id: i64, label: Option<&str>) -> AssociationKind {
        AssociationKind { category: "C".to_owned(), type_id, label: label.map(str::to_owned) }
    }

    fn set() -> impl Strategy<Value = BTreeSet<u8>> {
        prop::collection::btree_set(0_u8..6, 0..6)
    }

    proptest! {
        #[test]
        fn p1_a_merge_invents_nothing_and_drops_only_what_somebody_dropped(b in set(), l in set(), r in set()) {
            let merged = merge(&b, &l, &r);
            for one in 0..6 {
                let (base, local, remote) = (b.contains(&one), l.contains(&one), r.contains(&one));
                let wanted = if base { local && remote } else { local || remote };
                prop_assert_eq!(merged.contains(&one), wanted);
            }
        }

        #[test]
        fn p6_where_one_side_stood_still_the_other_is_followed(b in set(), x in set()) {
            prop_assert_eq!(merge(&b, &b, &x), x.clone());
            prop_assert_eq!(merge(&b, &x, &b), x.clone());
            prop_assert_eq!(merge(&b, &x, &x), x);
        }

        #[test]
        fn p6_what_was_merged_is_merged_again_to_the_same(b in set(), l in set(), r in set()) {
            let merged = merge(&b, &l, &r);
            prop_assert_eq!(merge(&b, &r, &l), merged.clone(), "no side is favoured");
            prop_assert_eq!(merge(&r, &merged, &r), merged.clone());
            prop_assert_eq!(merge(&merged, &merged, &merged), merged);
        }

        #[test]
        fn p9_after_a_write_an_edit_made_meanwhile_is_all_that_is_left(b in set(), w in set(), l in set()) {
            // It was carried out: whatever the rows hold by now is what they go on to want.
            prop_assert_eq!(merge(&agreed(&b, &w, &w), &l, &w), l.clone());
            // It was not: what was wanted is simply wanted still.
            prop_assert_eq!(agreed(&b, &w, &b), b.clone());
            prop_assert_eq!(merge(&agreed(&b, &w, &b), &w, &b), w);
        }
    }

    #[test]
    fn the_unlabeled_kind_follows() {
        let (plain, boss, peer) = (kind(1, None), kind(2, Some("Boss")), kind(3, Some("Peer")));
        let kinds = |kinds: &[&AssociationKind]| kinds.iter().copied().cloned().collect::<Kinds>();
        for (wanted, remote, expected) in [
            (kinds(&[]), kinds(&[]), Step::Nothing),
            (kinds(&[]), kinds(&[&plain]), Step::Unlink),
            (kinds(&[&plain]), kinds(&[]), Step::Relabel),
            (kinds(&[&boss]), kinds(&[&plain, &boss]), Step::Nothing),
            (kinds(&[&plain]), kinds(&[&plain, &boss]), Step::Relabel),
            (kinds(&[&plain, &boss, &peer]), kinds(&[&plain, &boss]), Step::Relabel),
            (kinds(&[&peer]), kinds(&[&plain, &boss]), Step::Relabel),
            (kinds(&[&plain, &boss]), kinds(&[&boss]), Step::Relabel),
        ] {
            assert_eq!(step(&wanted, &remote), expected, "{wanted:?} over {remote:?}");
        }
    }

    #[test]
    fn p2_a_write_that_is_taken_back_leaves_what_others_added_and_nothing_of_its_own() {
        let (plain, boss, peer, first) =
            (kind(1, None), kind(2, Some("Boss")), kind(3, Some("Peer")), kind(4, Some("First")));
        let set = |kinds: &[&AssociationKind]| kinds.iter().copied().cloned().collect::<Kinds>();
        let none = Kinds::new();
        let to = |kinds: &[&AssociationKind]| Back::To(set(kinds));
        for (before, after, now, expected) in [
            (set(&[]), set(&[&plain, &boss]), set(&[&plain, &boss]), to(&[])),
            (set(&[]), set(&[&plain, &boss]), set(&[&plain, &boss, &peer]), to(&[&plain, &peer])),
            (set(&[]), set(&[&plain, &boss]), set(&[]), Back::Already),
            (set(&[]), set(&[&plain, &boss]), set(&[&plain]), Back::Changed),
            (set(&[&plain]), set(&[&plain, &boss]), set(&[&plain, &boss]), to(&[&plain])),
            (set(&[&plain, &boss]), set(&[&plain]), set(&[&plain]), to(&[&plain, &boss])),
            (set(&[&plain, &boss]), set(&[&plain]), set(&[]), Back::Changed),
            (set(&[&plain, &boss]), set(&[]), set(&[]), to(&[&plain, &boss])),
            (set(&[&plain, &boss]), set(&[]), set(&[&plain]), Back::Changed),
            (set(&[&plain, &boss]), set(&[]), set(&[&plain, &boss]), Back::Already),
            // A remote that makes the first pair the primary one has it go with the pair.
            (
                none.clone(),
                held(&none, &set(&[&plain]), &set(&[&plain, &first]), Some("First")),
                set(&[&plain, &first]),
                to(&[]),
            ),
            // Somebody else's mark stays, and the unlabeled kind with it.
            (
                none.clone(),
                held(&none, &set(&[&plain]), &set(&[&plain]), Some("First")),
                set(&[&plain, &first]),
                Back::Already,
            ),
        ] {
            assert_eq!(take_back(&before, &after, &now), expected, "{before:?} made {after:?}, now {now:?}");
        }
        assert_eq!(held(&none, &none, &set(&[&plain]), None), none, "what was taken apart holds nothing");
        assert_eq!(held(&none, &set(&[&boss]), &set(&[&plain, &boss, &peer]), None), set(&[&plain, &boss]));
    }

    #[test]
    fn a_row_that_gives_less_than_all_means_the_one_kind_that_fits() {
        let known = [kind(1, None), kind(2, Some("Boss")), kind(3, Some("Peer")), kind(4, Some("Peer"))];
        let given = |type_id: Option<i64>, label: Option<&str>| Given {
            category: None,
            type_id,
            label: label.map(str::to_owned),
        };
        let found = |given: &Given| resolve(given, &known).map(|kind| kind.type_id);
        assert_eq!(found(&given(None, None)), Ok(1));
        assert_eq!(found(&given(None, Some(""))), Ok(1));
        assert_eq!(found(&given(None, Some("Boss"))), Ok(2));
        assert_eq!(found(&given(Some(2), None)), Ok(2));
        assert_eq!(found(&given(Some(4), Some("Peer"))), Ok(4));
        for (given, says) in [
            (given(None, Some("Peer")), "more than one kind"),
            (given(None, Some("Chief")), "no label Chief in this direction; its labels are Boss, Peer, Peer"),
            (given(Some(2), Some("Peer")), "type_id 2 and the label Peer"),
            (given(Some(9), None), "type_id 9"),
        ] {
            assert!(found(&given).unwrap_err().contains(says), "{given:?}");
        }
        let elsewhere = Given { category: Some("D".to_owned()), ..given(Some(2), None) };
        assert!(found(&elsewhere).is_err());
    }

    #[test]
    fn a_kind_is_turned_round_by_its_label() {
        let there = [kind(11, None), kind(12, Some("Boss"))];
        assert_eq!(turned(&kind(1, None), &there), Ok(there[0].clone()));
        assert_eq!(turned(&kind(2, Some("Boss")), &there), Ok(there[1].clone()));
        assert!(turned(&kind(3, Some("Reports to")), &there).is_err());
    }

    #[test]
    fn a_pair_shows_what_was_written_whatever_else_it_holds_but_not_what_was_taken_away() {
        let (plain, boss, primary) = (kind(1, None), kind(2, Some("Boss")), kind(3, Some("Primary")));
        let set = |kinds: &[&super::AssociationKind]| -> Kinds { kinds.iter().map(|kind| (*kind).clone()).collect() };
        let none = Kinds::new();
        assert!(shows(&none, &set(&[&plain]), &set(&[&plain, &primary])));
        assert!(shows(&set(&[&plain, &boss]), &set(&[&primary]), &set(&[&plain, &primary])));
        assert!(!shows(&set(&[&plain, &boss]), &set(&[&plain]), &set(&[&plain, &boss])), "the label is still there");
        assert!(!shows(&none, &set(&[&boss]), &set(&[&plain])), "the label is not there");
        assert!(shows(&set(&[&plain]), &none, &none));
        assert!(!shows(&set(&[&plain]), &none, &set(&[&plain])), "the pair is still there");
    }
}
