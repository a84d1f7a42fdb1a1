//! Named steps: the places at which a test stops the engine, to see that the next run goes on from there.

/// Hears of every step the engine passes.
pub trait Steps: Send + Sync {
    /// The engine passes the step `name`.
    ///
    /// # Errors
    /// Returning the name stops the engine there, as a kill would.
    fn pass(&self, name: &'static str) -> Result<(), &'static str>;
}

/// Never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unstopped;

impl Steps for Unstopped {
    fn pass(&self, _name: &'static str) -> Result<(), &'static str> {
        Ok(())
    }
}
