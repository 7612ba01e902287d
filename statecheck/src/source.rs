//! Types and values in the syntax of Rust.

use std::any::type_name;
use std::fmt::{Debug, Write};

/// Statements in Rust that bind a list of commands to `input`. They have the `Debug` forms of the commands
/// between `open` and `close`, below a `use` of the types.
pub(crate) fn commands_in_rust<C: Debug>(
    uses: &str,
    (open, close): (&str, &str),
    commands: &[C],
) -> String {
    let uses = format!("use {uses};\n{}", uses_of::<C>(commands));
    let commands: String = commands.iter().map(|command| format!("    {command:?},\n")).collect();
    format!("{uses}\nlet input = {open}\n{commands}{close};\n")
}

/// The commands of a list in the syntax of Rust.
pub(crate) fn written<C: Debug>(commands: &[C]) -> String {
    commands.iter().map(|command| format!("{command:?}")).collect::<Vec<_>>().join(", ")
}

/// The `use` lines that the `Debug` forms of commands need.
pub(crate) fn uses_of<'a, C: Debug + 'a>(commands: impl IntoIterator<Item = &'a C>) -> String {
    let written: Vec<_> = commands.into_iter().map(|command| format!("{command:?}")).collect();
    let mut uses = String::new();
    if written.iter().any(|command| command.contains("Ref(")) {
        uses.push_str("use statecheck::model::Ref;\n");
    }
    let name = short_name(type_name::<C>());
    let name = name.split('<').next().unwrap_or_default();
    let begins_with_it = |command: &String| {
        command.split(|letter: char| !letter.is_alphanumeric()).next() == Some(name)
    };
    if name.starts_with(char::is_uppercase) && written.first().is_some_and(|it| !begins_with_it(it))
    {
        // The `Debug` form of a variant has no path.
        let _infallible = writeln!(uses, "use {name}::*;");
    }
    uses
}

/// A type's name in the form of a function's: `lease_model` for `LeaseModel<u8>`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_') {
        if letter.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
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
    fn variants_are_written_below_a_use_and_structures_by_name() {
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
