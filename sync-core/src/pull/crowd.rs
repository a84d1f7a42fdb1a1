//! How many object types are read in ranges side by side. The account's limits are theirs together, so that each has its
//! part of the cursors that use them up: more would only wait for their turn, and every range more costs a cut.

use tokio::sync::watch;

/// The object types that are read in ranges now.
#[derive(Clone, Debug)]
pub(crate) struct Crowd(watch::Sender<u32>);

impl Default for Crowd {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

/// One of them, until it is dropped.
pub(super) struct Member(watch::Sender<u32>);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.send_modify(|types| *types -= 1);
    }
}

impl Crowd {
    pub(super) fn join(&self) -> Member {
        self.0.send_modify(|types| *types += 1);
        Member(self.0.clone())
    }

    /// Waits until there is work for a cursor before which `place` others come, of `most` that an object type would have
    /// alone. There always is for the first.
    pub(super) async fn has_room(&self, place: u32, most: u32) {
        let mut types = self.0.subscribe();
        // Never closed: `self` holds the other end.
        let _ = types.wait_for(|types| place < share(most, *types)).await;
    }
}

fn share(most: u32, types: u32) -> u32 {
    most.div_ceil(types.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::{Crowd, share};
    use std::time::Duration;
    use tokio::time::timeout;

    #[test]
    fn cursors_are_shared_and_everybody_has_one() {
        assert_eq!([1, 2, 3, 4, 12].map(|types| share(9, types)), [9, 5, 3, 3, 1]);
        assert_eq!([share(0, 4), share(2, 4), share(9, 0)], [1, 1, 9]);
    }

    #[tokio::test]
    async fn a_cursor_that_had_no_room_has_it_when_others_are_done() {
        let crowd = Crowd::default();
        let (_own, other) = (crowd.join(), crowd.join());
        crowd.has_room(0, 4).await;
        crowd.has_room(1, 4).await;
        let third = crowd.has_room(2, 4);
        tokio::pin!(third);
        assert!(timeout(Duration::ZERO, third.as_mut()).await.is_err());
        drop(other);
        third.await;
    }
}
