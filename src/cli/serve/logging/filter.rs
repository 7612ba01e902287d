//! Which lines are logged, by level and by part of the program: the value of `--log-level`.
//!
//! It is written as users of `tracing` know it, `info,package_indexer::server=debug`. But a word that is
//! neither a level nor a part of this program is an error. `tracing` would take a misspelt level for a part,
//! and log nothing.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::shown::shown;

/// The module that contains all parts.
const ROOT: &str = "package_indexer";

/// One level for everything, and other levels for some parts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter(Targets);

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoFilter {
    #[error("{:?} is not a level: choose off, error, warn, info, debug or trace", shown(.0))]
    Level(String),
    #[error(
        "{:?} is not a part of this program: name {ROOT}::server, ::metrics, ::store, ::replica or ::cli",
        shown(.0)
    )]
    Part(String),
}

impl Filter {
    pub(super) fn targets(&self) -> Targets {
        self.0.clone()
    }
}

impl FromStr for Filter {
    type Err = NoFilter;

    fn from_str(text: &str) -> Result<Self, NoFilter> {
        let mut targets = Targets::new();
        for part in text.split(',').map(str::trim) {
            if let Some((target, level)) = part.split_once('=') {
                targets = targets.with_target(known(target)?, level_of(level)?);
            } else if part.starts_with(ROOT) {
                targets = targets.with_target(known(part)?, LevelFilter::TRACE);
            } else {
                targets = targets.with_default(level_of(part)?);
            }
        }
        Ok(Self(targets))
    }
}

/// A level by its name, in any case. Numbers, which `tracing` accepts too, are refused: nobody knows them.
fn level_of(text: &str) -> Result<LevelFilter, NoFilter> {
    let level = text.parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_alphabetic()));
    level.ok_or_else(|| NoFilter::Level(text.into()))
}

/// A module of this program.
fn known(target: &str) -> Result<&str, NoFilter> {
    let is_known = target == ROOT || target.starts_with(&format!("{ROOT}::"));
    if is_known { Ok(target) } else { Err(NoFilter::Part(target.into())) }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn logs(filter: &str, target: &str, level: Level) -> bool {
        filter.parse::<Filter>().unwrap().targets().would_enable(target, &level)
    }

    #[test]
    fn a_level_is_for_all_parts_but_those_with_their_own() {
        let filter = "WARN, package_indexer::server=debug,package_indexer::server::watch=off";
        for (target, expected) in [
            ("package_indexer::metrics::endpoint", Level::WARN),
            ("package_indexer::server::connection", Level::DEBUG),
        ] {
            assert!(logs(filter, target, expected), "{target}");
            let more = if expected == Level::WARN { Level::INFO } else { Level::TRACE };
            assert!(!logs(filter, target, more), "{target}");
        }
        assert!(!logs(filter, "package_indexer::server::watch", Level::ERROR));
        // As in `tracing`, a part without a level is logged in full, and nothing else is.
        assert!(logs("package_indexer::store", "package_indexer::store::disk", Level::TRACE));
        assert!(!logs("package_indexer::store", "package_indexer::server", Level::ERROR));
    }

    #[test]
    fn what_is_neither_a_level_nor_a_part_is_refused() {
        for text in ["loud", "3", "", "info,", "info,loud", "package_indexer=loud"] {
            assert!(matches!(text.parse::<Filter>(), Err(NoFilter::Level(_))), "{text}");
        }
        for text in ["server=debug", "=info", "package_indexers=info", "package_indexer_x"] {
            assert!(matches!(text.parse::<Filter>(), Err(NoFilter::Part(_))), "{text}");
        }
    }
}
