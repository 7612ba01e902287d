//! What is tested: three machines, each with three bugs, and a plain model of each.
//!
//! Nothing here knows of any tool. `BUG` is 0 for the right machine, 1 to 3 for a wrong one.

pub mod cache;
pub mod leases;
pub mod ledger;
