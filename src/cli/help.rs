//! How help looks on a terminal: headings, commands and options are bold.
//!
//! clap can do that too, but takes five more crates for it.

/// The headings that a help text may have.
const HEADINGS: [&str; 7] =
    ["Usage", "Arguments", "Options", "Commands", "Exit status", "Environment", "Example"];

/// A help text whose headings, commands and options are bold.
pub(super) fn in_bold(help: &str) -> String {
    let mut bold = String::new();
    let mut is_of_commands = false;
    for line in help.split_inclusive('\n') {
        let (text, end) = line.split_at(line.trim_end().len());
        let entry = text.trim_start();
        let indent = text.len() - entry.len();
        let heading = HEADINGS.iter().find(|it| text.starts_with(&format!("{it}:")));
        let from_start = |length: usize| (indent, indent + length);
        let (from, to) = match heading {
            Some(heading) => {
                is_of_commands = *heading == "Commands";
                from_start(heading.len() + 1)
            }
            // The description stands two spaces after the entry, or on the next line.
            None if indent > 0 && (entry.starts_with('-') || (is_of_commands && indent == 2)) => {
                from_start(entry.find("  ").unwrap_or(entry.len()))
            }
            None => (0, 0),
        };
        if from == to {
            bold += line;
        } else {
            let (before, marked, after) = (&text[..from], &text[from..to], &text[to..]);
            bold += &format!("{before}\x1b[1m{marked}\x1b[0m{after}{end}");
        }
    }
    bold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_commands_and_options_are_in_bold() {
        let help = "Does it: all\n\nUsage: it [OPTIONS]\n\nCommands:\n  send  Send\n          more\n\n\
                    Options:\n  -q, --quiet\n          Nothing\n      --addr <HOST>  Where\n";
        let bold = "Does it: all\n\n\x1b[1mUsage:\x1b[0m it [OPTIONS]\n\n\x1b[1mCommands:\x1b[0m\n  \
                    \x1b[1msend\x1b[0m  Send\n          more\n\n\x1b[1mOptions:\x1b[0m\n  \
                    \x1b[1m-q, --quiet\x1b[0m\n          Nothing\n      \x1b[1m--addr <HOST>\x1b[0m  Where\n";
        assert_eq!(in_bold(help), bold);
    }
}
