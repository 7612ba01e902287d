//! Why a package list could not be used, and what to do next.

use std::path::PathBuf;

use super::list::ListError;
use crate::index::LimitError;
use crate::name::Name;
use crate::shown::{shown, shown_path};

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ToolFailure {
    #[error("cannot read {} as a package list: {error}", shown_path(path))]
    List { path: PathBuf, error: ListError, hint: String },
    #[error("cannot index {}: {error}", shown_path(path))]
    Limit { path: PathBuf, error: LimitError },
    #[error("the list has no package {:?}", shown(package))]
    NoPackage { package: String, similar: Vec<Name> },
    #[error("the drawing would have {packages} packages and {arrows} arrows, too many to read: the most are {} and {}", most[0], most[1])]
    TooLarge { packages: usize, arrows: usize, most: [usize; 2] },
}

impl ToolFailure {
    /// A hint at what to do next, where there is more to say than the error does.
    pub(in crate::cli) fn hint(&self) -> Option<String> {
        match self {
            Self::List { hint, .. } => Some(hint.clone()),
            Self::Limit { .. } => None,
            Self::NoPackage { similar, .. } => {
                let names: Vec<_> = similar.iter().map(|name| shown(name.as_str()).to_string()).collect();
                (!names.is_empty()).then(|| format!("it has: {}", names.join(" ")))
            }
            Self::TooLarge { .. } => Some(
                "draw less with --around PACKAGE and --depth N, --only PACKAGE,PACKAGE, or --reduce; \
                 or draw all of it with --all"
                    .into(),
            ),
        }
    }

    /// Failures that hold some text from outside, if they can hold any.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        let path = || PathBuf::from(text);
        let lists = ListError::with(text).into_iter().map(|error| {
            let hint = error.hint(None, false);
            Self::List { path: path(), error, hint }
        });
        let limit = Self::Limit { path: path(), error: LimitError::Packages { limit: 1 } };
        lists
            .chain([limit, Self::NoPackage { package: text.into(), similar: Vec::new() }])
            .collect()
    }
}
