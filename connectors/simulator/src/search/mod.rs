//! Search: what a request may ask (`query`), whether a record matches (`matching`), in what order (`order`).
//!
//! Matching looks at the index, which is older than the records; what is answered is read live. The endpoint itself is in
//! `api`.

mod matching;
mod order;
mod query;

pub(crate) use matching::{Bounds, bounds, matches};
pub(crate) use order::SortKey;
pub(crate) use query::{Query, Scope, Sort, parse};
