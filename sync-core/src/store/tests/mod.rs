//! The mirror under test: what reads do to it, what people may do to it, what trouble leaves of it.

mod applying;
mod erasing;
mod examining;
mod fetching;
mod fixture;
mod guarding;
mod keeping;
mod merging;
mod nasty;
mod numbering;
mod power;
mod reprojecting;
mod restoring;
mod together;
mod trouble;
mod unguarded;
mod unmapped;
mod untouched;
