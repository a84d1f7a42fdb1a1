//! What API clients write, and what HubSpot makes of it.
//!
//! `bodies` are the requests, `values` what becomes of one value, `prepare` of all the values of a record, `rules` what must be
//! given, `apply` carries it out, `links` does so for associations, `outcome` says what is answered for each input, `log` keeps
//! what was applied. The endpoints themselves are in `api`.

mod apply;
pub(crate) mod bodies;
pub(crate) mod links;
pub(crate) mod log;
pub(crate) mod outcome;
pub(crate) mod prepare;
mod rules;
mod values;

pub(crate) use rules::Rules;
pub(crate) use values::Flaw;
