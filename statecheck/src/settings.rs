//! How much a test tries, by the environment: for a person who repeats a failure, and for a server that has a
//! night.

use std::env;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::time::Duration;

/// How much is tried, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// On how many random inputs, or `None` for as many as `Property::cases` says.
    pub cases: Option<u64>,
    /// For how long instead, at least.
    pub time: Option<Duration>,
    /// In how many rounds clients use a machine at once, or `None` for as many as their test says.
    pub rounds: Option<u64>,
    /// The seed of the random inputs.
    pub seed: u64,
    /// The folder of regressions, with a file for each property. With `None` nothing is tried again, and
    /// nothing is kept.
    pub regressions: Option<PathBuf>,
}

/// The error for a variable of the environment that has no valid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
}

impl Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} is not a whole number from 0 to {}", self.variable, self.value, u64::MAX)
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// As the environment says:
    ///
    /// | variable | what it says |
    /// |---|---|
    /// | `SEED` | the seed of the random inputs; without it, each run has another |
    /// | `QUICKCHECK_TESTS` | how many random inputs a property is tried on |
    /// | `STATECHECK_SECONDS` | for how many seconds it is tried instead |
    /// | `STATECHECK_ROUNDS` | in how many rounds clients use a machine at once |
    /// | `STATECHECK_REGRESSIONS` | the folder of regressions: by default `tests/regressions` of the package; empty for none |
    ///
    /// # Errors
    /// If one of the first four is not a number.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_variables(env::var_os)
    }

    fn from_variables(
        variable: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let regressions = match variable("STATECHECK_REGRESSIONS") {
            Some(folder) => Some(PathBuf::from(folder)).filter(|it| !it.as_os_str().is_empty()),
            None => variable("CARGO_MANIFEST_DIR")
                .map(|package| PathBuf::from(package).join("tests").join("regressions")),
        };
        let number = |name| match variable(name) {
            Some(value) => number(name, &value.to_string_lossy()).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            cases: number("QUICKCHECK_TESTS")?,
            time: number("STATECHECK_SECONDS")?.map(Duration::from_secs),
            rounds: number("STATECHECK_ROUNDS")?,
            seed: number("SEED")?.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
            regressions,
        })
    }
}

fn number(variable: &'static str, value: &str) -> Result<u64, SettingsError> {
    value.parse().map_err(|_| SettingsError { variable, value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_from_the_environment_must_be_numbers() {
        let from = |pairs: &'static [(&str, &str)]| {
            Settings::from_variables(|name| {
                pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.into())
            })
        };
        let said = from(&[
            ("SEED", "7"),
            ("QUICKCHECK_TESTS", "8"),
            ("STATECHECK_SECONDS", "9"),
            ("STATECHECK_ROUNDS", "10"),
            ("CARGO_MANIFEST_DIR", "package"),
        ]);
        assert_eq!(
            said.unwrap(),
            Settings {
                cases: Some(8),
                time: Some(Duration::from_secs(9)),
                rounds: Some(10),
                seed: 7,
                regressions: Some(PathBuf::from("package").join("tests").join("regressions")),
            }
        );
        let none =
            from(&[("STATECHECK_REGRESSIONS", ""), ("CARGO_MANIFEST_DIR", "package")]).unwrap();
        assert_eq!((none.cases, none.time, none.regressions), (None, None, None));
        let error = from(&[("SEED", "-1")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SEED=\"-1\" is not a whole number from 0 to 18446744073709551615"
        );
    }
}
