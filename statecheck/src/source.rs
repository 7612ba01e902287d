//! Types and values as they are written in Rust.

use std::any::type_name;
use std::fmt::{Debug, Write};

/// Statements in Rust that bind a list of commands to `input`, from their `Debug` forms: between `open` and
/// `close`, below the `use` of what it takes.
pub(crate) fn commands_in_rust<C: Debug>(
    uses: &str,
    (open, close): (&str, &str),
    commands: &[C],
) -> String {
    let commands: String = commands.iter().map(|command| format!("    {command:?},\n")).collect();
    let mut uses = format!("use {uses};\n");
    if commands.contains("Ref(") {
        uses.push_str("use statecheck::model::Ref;\n");
    }
    let name = short_name(type_name::<C>());
    let name = name.split('<').next().unwrap_or_default();
    let first = commands.trim_start().split(|letter: char| !letter.is_alphanumeric()).next();
    let is_enum = name.starts_with(char::is_uppercase) && first != Some(name);
    if is_enum && !commands.is_empty() {
        // The `Debug` form of a variant has no path.
        let _infallible = writeln!(uses, "use {name}::*;");
    }
    format!("{uses}\nlet input = {open}\n{commands}{close};\n")
}

/// A type's name without the paths in it.
pub(crate) fn short_name(name: &str) -> String {
    let mut short = String::new();
    for part in name.split_inclusive(['<', '>', ',', ' ']) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "it is only shown")]
    enum Command {
        Add(u8),
        Clear,
    }

    #[derive(Debug)]
    struct Tick;

    /// Its variants begin like its name.
    #[derive(Debug)]
    enum Op {
        Open,
    }

    #[test]
    fn variants_are_written_below_a_use_of_them_and_a_structure_by_its_own_name() {
        let ends = ("Trace(vec![", "])");
        let written = commands_in_rust("some::Trace", ends, &[Command::Add(1), Command::Clear]);
        assert_eq!(
            written,
            "use some::Trace;\nuse Command::*;\n\nlet input = Trace(vec![\n    Add(1),\n    Clear,\n]);\n"
        );
        let written = commands_in_rust("some::Trace", ends, &[Tick]);
        assert_eq!(written, "use some::Trace;\n\nlet input = Trace(vec![\n    Tick,\n]);\n");
        let written = commands_in_rust("some::Trace", ends, &[Op::Open]);
        assert!(written.contains("use Op::*;\n"), "{written}");
        let written = commands_in_rust("some::Trace", ends, &[7_u8]);
        assert_eq!(written, "use some::Trace;\n\nlet input = Trace(vec![\n    7,\n]);\n");
    }

    #[test]
    fn a_type_is_named_without_the_paths_in_it() {
        assert_eq!(short_name("a::Trace<b::c::Command, u8>"), "Trace<Command, u8>");
    }
}
