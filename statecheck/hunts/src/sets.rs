//! The three programs that are made of these sources: with the versions that have the bugs, with those
//! that have not, and with the newest. Each trial is a process of one of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use crate::run::Outcome;

/// Which versions of the crates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    Bad,
    Fixed,
    Newest,
}

impl Set {
    /// Where its manifest is, and the name of its program.
    fn package(self) -> (&'static str, &'static str) {
        match self {
            Self::Bad => (".", "hunts"),
            Self::Fixed => ("fixed", "hunts-fixed"),
            Self::Newest => ("newest", "hunts-newest"),
        }
    }

    /// The version of a crate in this set.
    pub(crate) fn version(self, name: &str) -> &'static str {
        let manifest = match self {
            Self::Bad => include_str!("../Cargo.toml"),
            Self::Fixed => include_str!("../fixed/Cargo.toml"),
            Self::Newest => include_str!("../newest/Cargo.toml"),
        };
        let head = format!("\n{name} = ");
        let exact = manifest.split(&head).nth(1).and_then(|rest| rest.split("\"=").nth(1));
        exact.and_then(|rest| rest.split('"').next()).unwrap_or("unknown")
    }

    /// Builds its program where this one was built, and tells where it is.
    fn build(self) -> io::Result<PathBuf> {
        let this = env::current_exe()?;
        let (folder, program) = self.package();
        let profile = this.parent().ok_or(io::ErrorKind::NotFound)?;
        let target = profile.parent().ok_or(io::ErrorKind::NotFound)?;
        if self != Self::Bad {
            let manifest = home().join(folder).join("Cargo.toml");
            let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
            let built = Command::new(cargo)
                .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
                .arg(manifest)
                .arg("--target-dir")
                .arg(target)
                .status()?;
            if !built.success() {
                return Err(io::Error::other(format!("{program} was not built")));
            }
        }
        Ok(profile.join(program))
    }
}

/// The folder of `README.md`.
pub(crate) fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The programs, built.
pub(crate) struct Programs([PathBuf; 3]);

impl Programs {
    pub(crate) fn build() -> io::Result<Self> {
        Ok(Self([Set::Bad.build()?, Set::Fixed.build()?, Set::Newest.build()?]))
    }

    /// What comes of a hunt from a seed, in a process of its own; none if that died.
    pub(crate) fn try_from_seed(
        &self,
        set: Set,
        (name, seed): (&str, u64),
        is_apart: bool,
    ) -> io::Result<Option<Outcome>> {
        let mut command = Command::new(&self.0[set as usize]);
        command.args([name, "--seed", &seed.to_string(), "--json"]);
        command.args(is_apart.then_some("--apart"));
        let output = command.stderr(Stdio::null()).output()?;
        Ok(output.status.success().then(|| serde_json::from_slice(&output.stdout)).transpose()?)
    }
}
