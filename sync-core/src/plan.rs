//! Decisions, as pure functions of both sides and what they last agreed on. No I/O.

pub mod audit;
pub mod belts;
pub mod changes;
pub mod links;
pub mod merge;
