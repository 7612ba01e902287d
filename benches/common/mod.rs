//! What the benches are made of.

#![allow(dead_code, reason = "each bench is a crate of its own and uses what it needs")]

pub(crate) mod bare;
pub(crate) mod flood;
pub(crate) mod load;
pub(crate) mod options;
