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

    #[test]
    fn decide_table() {
        let mut table = String::new();
        for (local_changed, remote_changed, same) in
            [(false, false, true), (false, true, false), (true, false, false), (true, true, true), (true, true, false)]
        {
            for policy in [Policy::RemoteWins, Policy::LocalWins, Policy::Newest, Policy::Hold] {
                let sides = Sides { local_changed, remote_changed, same };
                let decision = decide(sides, policy, Some(Winner::Local));
                let word = |changed| if changed { "changed" } else { "same" };
                table += &format!(
                    "local {:<7} remote {:<7} {:<9} {:<10} -> {decision:?}\n",
                    word(local_changed),
                    word(remote_changed),
                    if same { "equal" } else { "different" },
                    format!("{policy:?}"),
                );
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn newest_without_two_times_falls_back_to_the_remote() {
        let sides = Sides { local_changed: true, remote_changed: true, same: false };
        assert_eq!(decide(sides, Policy::Newest, None), Decision::Conflict(Winner::Remote));
    }
}
