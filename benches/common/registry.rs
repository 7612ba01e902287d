//! A made-up registry. Its packages choose dependencies as real ones do: very many need a few.

use std::io::{self, Write};

use fastrand::Rng;

use super::load::Mix;

/// Writes a list of packages, with a line for each in Homebrew's form. Each has dependencies on packages
/// before it: from 0 to twice the average, all numbers equally likely.
pub(crate) fn write(
    packages: usize,
    dependencies: usize,
    rng: &mut Rng,
    output: &mut impl Write,
) -> io::Result<()> {
    for number in 0..packages {
        write!(output, "{}:", Mix::name(number))?;
        for _ in 0..rng.usize(..=2 * dependencies).min(number) {
            write!(output, " {}", Mix::name(popular(number, rng)))?;
        }
        writeln!(output)?;
    }
    Ok(())
}

/// A package, where early ones are more likely, in proportion to about 1/k: `packages` to a random power.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "any package will do"
)]
pub(crate) fn popular(packages: usize, rng: &mut Rng) -> usize {
    ((packages as f64).powf(rng.f64()) as usize - 1).min(packages - 1)
}
