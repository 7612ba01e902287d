//! How much a person has to write for each tool.

use crate::with::{Machine, Tool};

/// Lines of the file for a tool and a machine that are neither blank nor comments.
pub fn lines(tool: Tool, machine: Machine) -> usize {
    macro_rules! source {
        ($tool:literal) => {
            match machine {
                Machine::Leases => include_str!(concat!("with/", $tool, "/leases.rs")),
                Machine::Ledger => include_str!(concat!("with/", $tool, "/ledger.rs")),
                Machine::Cache => include_str!(concat!("with/", $tool, "/cache.rs")),
            }
        };
    }
    let source = match tool {
        Tool::Statecheck => source!("statecheck"),
        Tool::Proptest => source!("proptest"),
        Tool::Bolero => source!("bolero"),
        Tool::Quickcheck => source!("quickcheck"),
    };
    let lines = source.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}
