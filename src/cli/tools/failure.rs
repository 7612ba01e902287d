//! Why a package list could not be used, and what to try next.

use std::path::PathBuf;

use super::list::ListError;
use crate::index::LimitError;
use crate::shown::shown_path;

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ToolFailure {
    #[error("cannot read {} as a package list: {error}", shown_path(path))]
    List { path: PathBuf, error: ListError },
    #[error("cannot index {}: {error}", shown_path(path))]
    Limit { path: PathBuf, error: LimitError },
}

impl ToolFailure {
    /// What to try next, where there is something to say beyond the error.
    pub(in crate::cli) fn hint(&self) -> Option<String> {
        let Self::List { error, .. } = self else { return None };
        Some(match error {
            ListError::Compressed { tool } => {
                format!("decompress it first: {tool} -dc FILE | indexer import ... -")
            }
            ListError::NotText => "is it compressed? decompress it first; a list is text".into(),
            ListError::Annotation { .. } => {
                "print the list without annotations, or remove them: sed 's/\\[[^]]*\\]//g' FILE"
                    .into()
            }
            _ => "is it in the format that --format says?".into(),
        })
    }

    /// Those that hold some text from outside, wherever they can.
    #[cfg(test)]
    pub(in crate::cli) fn with(text: &str) -> Vec<Self> {
        use crate::name::NameError;

        let list = [
            ListError::Line { line: 1, problem: text.into() },
            ListError::Stanza { stanza: 1, package: text.into(), problem: text.into() },
            ListError::Item { item: text.into(), of: text.into() },
            ListError::Name { name: text.into(), of: text.into(), error: NameError::Empty },
        ];
        let limit = Self::Limit { path: text.into(), error: LimitError::Packages { limit: 1 } };
        let list = list.into_iter().map(|error| Self::List { path: text.into(), error });
        list.chain([limit]).collect()
    }
}
