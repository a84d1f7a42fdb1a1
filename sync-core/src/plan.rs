//! Decisions, as pure functions of what both sides hold and what they last agreed on. No I/O.

pub mod belts;
pub mod changes;
pub mod merge;
