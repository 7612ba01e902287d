//! How much a test tries, from the environment: for a person who repeats a failure, and for a server that has a
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
    /// On how many random inputs; on as many as `Property::cases` says if this does not.
    pub cases: Option<u64>,
    /// For how long instead, at least.
    pub time: Option<Duration>,
    /// In how many rounds clients use a machine at once, if not in as many as their test says.
    pub rounds: Option<u64>,
    /// Which random inputs.
    pub seed: u64,
    /// The folder of what broke properties before, with a file for each. If there is none, nothing is tried
    /// again, and nothing kept.
    pub regressions: Option<PathBuf>,
}

/// A variable of the environment says what cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The variable.
    pub variable: &'static str,
    /// What it says.
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
    /// | `SEED` | which random inputs; others in each run without it |
    /// | `QUICKCHECK_TESTS` | on how many of them a property is tried |
    /// | `STATECHECK_SECONDS` | for how many seconds instead |
    /// | `STATECHECK_ROUNDS` | in how many rounds clients use a machine at once |
    /// | `STATECHECK_REGRESSIONS` | the folder of what broke properties before; `tests/regressions` of the package without it; empty for none |
    ///
    /// # Errors
    /// When one of the first four is no number.
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
    fn settings_come_from_the_environment_and_what_is_no_number_is_refused() {
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
