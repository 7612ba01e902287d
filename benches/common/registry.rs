//! A made-up registry: packages whose dependencies are chosen as those of real ones are, few of them
//! by very many.

use std::io::{self, Write};

use fastrand::Rng;

use super::load::Mix;

/// Writes a list of packages, a line each as Homebrew's: with 0 to twice so many dependencies, each
/// number as often, all of them on packages before it.
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

/// A package, the first ones more often: by a power of chance, in proportion to about 1/k.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "any package will do"
)]
pub(crate) fn popular(packages: usize, rng: &mut Rng) -> usize {
    ((packages as f64).powf(rng.f64()) as usize - 1).min(packages - 1)
}
