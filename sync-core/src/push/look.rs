//! The look at the remote right before a write. What others change after it is written over, so it may not be old.

use std::time::Duration;
use tokio::time::Instant;

/// How long a look stands. One that took longer, for a limit or for answers that had to be asked for again, may have told
/// of some records long ago.
const STANDS: Duration = Duration::from_secs(30);
/// How often is looked at most: where every answer is slow, the last one has to do.
const LOOKS: usize = 5;

/// What a look tells; one that took long is made again.
///
/// # Errors
/// The look's own.
pub(super) async fn fresh<T, E, F>(look: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    for _ in 1..LOOKS {
        let begun = Instant::now();
        let told = look().await?;
        if begun.elapsed() <= STANDS {
            return Ok(told);
        }
    }
    look().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Looks that take so many seconds, one after another. Returns the number of the one that stood.
    async fn looked(seconds: &[u64]) -> usize {
        let count = Cell::new(0);
        let look = || async {
            let number = count.replace(count.get() + 1);
            tokio::time::sleep(Duration::from_secs(seconds[number])).await;
            Ok::<usize, ()>(number + 1)
        };
        fresh(look).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn p2_a_look_that_took_long_is_made_again_and_not_for_ever() {
        assert_eq!(looked(&[30]).await, 1);
        assert_eq!(looked(&[31, 2]).await, 2);
        assert_eq!(looked(&[111, 40, 50, 31, 60]).await, 5, "a remote that is always slow is written to all the same");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_is_the_senders_to_tell() {
        assert_eq!(fresh(|| async { Err::<(), &str>("no") }).await, Err("no"));
    }
}
