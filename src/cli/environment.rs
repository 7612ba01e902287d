//! Options from the environment. `INDEXER_MAX_LINE_BYTES` stands in for `--max-line-bytes`, and so on for
//! every option of `serve` that takes a value.

use std::env;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, Error};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::shown::shown;

/// The variable of an option.
fn variable(long: &str) -> String {
    match long {
        // Its older name.
        "log-level" => "INDEXER_LOG".to_owned(),
        _ => format!("INDEXER_{}", long.to_uppercase().replace('-', "_")),
    }
}

/// A command whose options with a value may come from the environment. An empty variable counts as unset.
pub(super) fn with_environment(command: Command) -> Command {
    command.mut_args(|arg| {
        let Some(long) = arg.get_long().filter(|_| arg.get_action().takes_values()) else {
            return arg;
        };
        let variable = variable(long);
        if env::var_os(&variable).is_some_and(|value| value.is_empty()) {
            return arg;
        }
        // So that help is the same everywhere.
        arg.env(variable).hide_env_values(true)
    })
}

/// Adds the variable's name to an error about an option whose value came from the environment. Without it,
/// users would look for an option that they did not give.
pub(super) fn blame(error: &mut Error, arguments: &[OsString]) {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return };
    let Some(long) = option.strip_prefix("--").and_then(|it| it.split(' ').next()) else { return };
    let is_given = |it: &OsString| {
        let rest = it.as_encoded_bytes().strip_prefix(b"--");
        let rest = rest.and_then(|it| it.strip_prefix(long.as_bytes()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
    };
    let variable = variable(long);
    if env::var_os(&variable).is_some() && !arguments.iter().any(is_given) {
        let option = ContextValue::String(format!("{option} (from {variable})"));
        error.insert(ContextKind::InvalidArg, option);
    }
}

/// Whether the command line names a command: the first word after the program's name does not start with `-`.
pub(super) fn names_a_command(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|first| !first.as_encoded_bytes().starts_with(b"-"))
}

/// Variables that begin with `INDEXER_` and are no option: misspelt, or of a feature that this build lacks.
/// Variables that Kubernetes sets for a service called `indexer` are left out.
pub(super) fn unknown_variables(settings: &[Setting]) -> Vec<String> {
    let names = env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| name.into_string().ok());
    names
        .filter(|name| name.starts_with("INDEXER_"))
        .filter(|name| !["INDEXER_PORT", "INDEXER_SERVICE_"].iter().any(|it| name.starts_with(it)))
        .filter(|name| settings.iter().all(|setting| variable(&setting.option) != *name))
        .collect()
}

/// An option in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) option: String,
    /// Its values, in order. Empty if it is not set.
    pub(super) values: Vec<String>,
    pub(super) origin: Origin,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    Environment { variable: String },
    CommandLine,
}

/// All options of a command in effect.
pub(super) fn settings(command: &Command, matches: &ArgMatches) -> Vec<Setting> {
    let is_shown = |arg: &&clap::Arg| arg.get_action().takes_values() && !arg.is_hide_set();
    let options = command.get_arguments().filter(is_shown);
    options
        .filter_map(|arg| {
            let long = arg.get_long()?;
            let id = arg.get_id().as_str();
            let values = matches.get_raw(id).into_iter().flatten();
            let origin = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => Origin::CommandLine,
                Some(ValueSource::EnvVariable) => Origin::Environment { variable: variable(long) },
                _ => Origin::Default,
            };
            let values = values.map(|value| shown(value.as_encoded_bytes()).to_string()).collect();
            Some(Setting { option: long.to_owned(), values, origin })
        })
        .collect()
}
