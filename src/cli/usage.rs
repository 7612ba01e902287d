//! What is said of arguments that cannot be used.

use std::fmt::Write as _;

use clap::error::{ContextKind, ContextValue};

use crate::shown::{shown, without_controls};

/// The message of an error of clap's, in which arguments are escaped and shortened: clap prints them as they are.
pub(super) fn message(mut error: clap::Error) -> String {
    let safe: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, safe(kind, value))).collect();
    for (kind, value) in safe {
        error.insert(kind, value);
    }
    // Without colours: in them, an escape of clap's could not be told from one of an argument's.
    let text = error.render().to_string();
    without_controls(text.as_bytes(), Some('\n'))
}

fn safe(kind: ContextKind, value: &ContextValue) -> ContextValue {
    match value {
        // The usage is our own text, and may be long.
        _ if kind == ContextKind::Usage => value.clone(),
        ContextValue::String(text) => ContextValue::String(shown(text).to_string()),
        ContextValue::Strings(texts) => {
            ContextValue::Strings(texts.iter().map(|text| shown(text).to_string()).collect())
        }
        ContextValue::StyledStr(text) => ContextValue::StyledStr(styled(text)),
        ContextValue::StyledStrs(texts) => {
            ContextValue::StyledStrs(texts.iter().map(styled).collect())
        }
        other => other.clone(),
    }
}

/// A tip, which may repeat an argument.
fn styled(text: &clap::builder::StyledStr) -> clap::builder::StyledStr {
    let plain = text.to_string();
    let safe = shown(&plain).to_string();
    if safe == plain {
        return text.clone();
    }
    let mut shortened = clap::builder::StyledStr::new();
    // Writing to memory does not fail.
    let _written = shortened.write_str(&safe);
    shortened
}
