//! What the benches are made of.

pub(crate) mod bare;
pub(crate) mod load;
pub(crate) mod options;
