//! The three-way merge of one field.
//!
//! Equal changes on both sides are agreement, not conflict. A policy decides only where both sides moved to different
//! values, and whatever it decides, the value that lost is kept by the caller.

use mappings::Policy;

/// What each side did to a field since both agreed on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// The local value differs from the agreed one.
    pub local_changed: bool,
    /// The remote value differs from the agreed one.
    pub remote_changed: bool,
    /// Local and remote value are the same now.
    pub same: bool,
}

/// Whose value a conflict gives the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The remote's; the local one is kept aside.
    Remote,
    /// The local one, which will be pushed; the remote's is kept aside.
    Local,
    /// Nobody yet: the mirror keeps the local value, and nothing is sent until a person decides.
    Held,
}

/// What becomes of the field in the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The mirror takes the remote's value. Also where nothing changed, and where both sides changed alike.
    Remote,
    /// The mirror keeps the local value, which waits to be pushed.
    Local,
    /// Both sides changed to different values.
    Conflict(Winner),
}

/// Decides one field. `later` says which side changed last, as far as that can be known; only [`Policy::Newest`] asks.
pub fn decide(sides: Sides, policy: Policy, later: Option<Winner>) -> Decision {
    match (sides.local_changed, sides.remote_changed, sides.same) {
        (_, _, true) | (false, _, _) => Decision::Remote,
        (true, false, false) => Decision::Local,
        (true, true, false) => Decision::Conflict(match policy {
            Policy::RemoteWins => Winner::Remote,
            Policy::LocalWins => Winner::Local,
            Policy::Hold => Winner::Held,
            // Without two comparable times the remote wins, as by default.
            Policy::Newest => later.unwrap_or(Winner::Remote),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Sides, Winner, decide};
    use mappings::Policy;

    /// Every combination of a value that is absent, as it was, or another one, on each side and in the base, with what
    /// each policy makes of it.
    #[test]
    fn decide_table() {
        let rules = [
            ("remote_wins", Policy::RemoteWins, None),
            ("local_wins", Policy::LocalWins, None),
            ("hold", Policy::Hold, None),
            ("newest, mine", Policy::Newest, Some(Winner::Local)),
            ("newest, theirs", Policy::Newest, Some(Winner::Remote)),
            ("newest, unknown", Policy::Newest, None),
        ];
        let mut table = format!("{:<6}{:<7}{:<8}", "base", "local", "remote");
        table.extend(rules.iter().map(|(name, ..)| format!("{name:<17}")));
        for base in [None, Some('a')] {
            for local in [None, Some('a'), Some('b')] {
                for remote in [None, Some('a'), Some('b'), Some('c')] {
                    let shown = |value: Option<char>| value.unwrap_or('-');
                    table += &format!("\n{:<6}{:<7}{:<8}", shown(base), shown(local), shown(remote));
                    let sides =
                        Sides { local_changed: local != base, remote_changed: remote != base, same: local == remote };
                    let outcome = |policy, later| match decide(sides, policy, later) {
                        Decision::Remote => shown(remote).to_string(),
                        Decision::Local => format!("{} sent", shown(local)),
                        Decision::Conflict(Winner::Remote) => format!("{}, {} kept", shown(remote), shown(local)),
                        Decision::Conflict(Winner::Local) => format!("{} sent, {} kept", shown(local), shown(remote)),
                        Decision::Conflict(Winner::Held) => format!("{} held", shown(local)),
                    };
                    table.extend(rules.iter().map(|(_, policy, later)| format!("{:<17}", outcome(*policy, *later))));
                }
            }
        }
        let table: Vec<&str> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn newest_without_two_times_falls_back_to_the_remote() {
        let sides = Sides { local_changed: true, remote_changed: true, same: false };
        assert_eq!(decide(sides, Policy::Newest, None), Decision::Conflict(Winner::Remote));
    }

    const POLICIES: [Policy; 4] = [Policy::RemoteWins, Policy::LocalWins, Policy::Newest, Policy::Hold];
    const LATER: [Option<Winner>; 3] = [None, Some(Winner::Remote), Some(Winner::Local)];

    /// What the mirror shows after a merge of three plain values, and whether it was a conflict.
    fn merge(policy: Policy, later: Option<Winner>, [base, local, remote]: [u8; 3]) -> (u8, bool) {
        let sides = Sides { local_changed: local != base, remote_changed: remote != base, same: local == remote };
        match decide(sides, policy, later) {
            Decision::Remote => (remote, false),
            Decision::Local => (local, false),
            Decision::Conflict(Winner::Remote) => (remote, true),
            Decision::Conflict(Winner::Local | Winner::Held) => (local, true),
        }
    }

    /// Three values are as many as three sides can have; every case there is.
    fn every_case(mut check: impl FnMut(Policy, Option<Winner>, [u8; 3])) {
        for case in 0..27_u8 {
            for policy in POLICIES {
                LATER.into_iter().for_each(|later| check(policy, later, [case % 3, case / 3 % 3, case / 9]));
            }
        }
    }

    #[test]
    fn p5_a_merge_invents_nothing_and_is_a_conflict_exactly_where_both_sides_moved_apart() {
        every_case(|policy, later, [base, local, remote]| {
            let (merged, conflict) = merge(policy, later, [base, local, remote]);
            assert!(merged == local || merged == remote);
            assert_eq!(conflict, local != base && remote != base && local != remote);
            // Identity, agreement, and a change on one side alone.
            assert!(local != base || merged == remote);
            assert!(remote != base || merged == local);
            assert!(local != remote || (merged == local && !conflict));
        });
    }

    #[test]
    fn p6_what_was_merged_is_merged_again_to_the_same() {
        every_case(|policy, later, [base, local, remote]| {
            let (merged, _) = merge(policy, later, [base, local, remote]);
            // Both sides now agree on what the remote said, and the mirror shows what was merged.
            assert_eq!(merge(policy, later, [remote, merged, remote]), (merged, false));
            assert_eq!(merge(policy, later, [merged, merged, merged]), (merged, false));
        });
    }

    #[test]
    fn p1_no_side_is_favoured_but_by_the_policy() {
        every_case(|policy, later, [base, local, remote]| {
            let other = match policy {
                Policy::RemoteWins => Policy::LocalWins,
                Policy::LocalWins => Policy::RemoteWins,
                policy => policy,
            };
            let reversed = match later {
                Some(Winner::Remote) => Some(Winner::Local),
                Some(_) => Some(Winner::Remote),
                None => None,
            };
            let (here, there) =
                (merge(policy, later, [base, local, remote]), merge(other, reversed, [base, remote, local]));
            assert_eq!(here.1, there.1);
            // Where nobody can say who was later, or nobody shall win, the two sides are not treated alike.
            let decided = policy != Policy::Hold && (policy != Policy::Newest || later.is_some());
            assert!(here == there || (here.1 && !decided), "{policy:?} {later:?}: {base} {local} {remote}");
        });
    }
}
