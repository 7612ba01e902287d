//! Messages about arguments that cannot be used.

use std::fmt::Write as _;

use clap::error::{ContextKind, ContextValue};

use crate::shown::{shown, without_controls};

/// A tip about an option that belongs to another command, or to another build.
fn tip(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    // Only a server is meant here, not commands that connect, nor those that do neither.
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let serves = ["indexer serve ", "indexer [OPTIONS]"].iter().any(|it| usage.contains(it));
    match option.as_str() {
        "--addr" if serves => Some(
            "use --listen to say where a server listens; --addr is for commands that connect to a server",
        ),
        "--replicate" if !cfg!(feature = "etcd") => Some(
            "this build has no replicas: install one that has, with `cargo install --path . --features etcd`",
        ),
        _ => None,
    }
}

/// The message of a clap error. Arguments in it are escaped and shortened, because clap prints them as they
/// are.
pub(super) fn message(mut error: clap::Error) -> String {
    if let Some(tip) = tip(&error) {
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, tip);
    }
    let safe: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, safe(kind, value))).collect();
    for (kind, value) in safe {
        error.insert(kind, value);
    }
    // Without colours: an escape of clap's would look like one from an argument.
    let text = error.render().to_string();
    without_controls(text.as_bytes(), Some('\n'))
}

fn safe(kind: ContextKind, value: &ContextValue) -> ContextValue {
    match value {
        // The usage is our own text and may be long.
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

/// A tip, which may contain an argument.
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
