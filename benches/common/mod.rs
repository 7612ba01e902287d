//! What all benches use.

#![allow(dead_code, reason = "each bench is a crate of its own and uses what it needs")]

pub(crate) mod bare;
pub(crate) mod flood;
pub(crate) mod load;
pub(crate) mod options;
pub(crate) mod redis;
pub(crate) mod registry;

/// A spread of ratios, as the tables show it.
pub(crate) fn printed([least, median, greatest]: [f64; 3]) -> String {
    format!("{median:.2} ({least:.2}–{greatest:.2})")
}

/// The least, the median (the upper one of an even number) and the greatest.
pub(crate) fn spread(values: &mut [f64]) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}
