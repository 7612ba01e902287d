//! `indexer generate`: shell completions and man pages, from the same definitions as `--help`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use clap::{Args, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::{Failure, Fulfilled, definition};

/// The most bytes of a line of text in a page, as `mandoc -Tlint` demands.
const LONGEST_LINE: usize = 80;

/// Print shell completions, or write the man pages
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the completion script of a shell
    ///
    /// For bash: indexer generate completions bash > /usr/share/bash-completion/completions/indexer
    ///
    /// For zsh, in a folder of its $fpath: indexer generate completions zsh > _indexer
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write a man page for the program and one for each command
    ///
    /// The date on the pages is today. Set the environment variable `SOURCE_DATE_EPOCH` (seconds since 1970)
    /// to choose another one, so that a package can be built again with the same bytes.
    Man {
        /// The folder to write to
        folder: PathBuf,
    },
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<Fulfilled, Failure> {
    match &arguments.what {
        What::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut definition(false), "indexer", &mut script);
            io::stdout().write_all(&script).map_err(Failure::Output)?;
        }
        What::Man { folder } => {
            let write = || {
                fs::create_dir_all(folder)?;
                let mut program = definition(false).disable_help_subcommand(true);
                program.build();
                write_pages(&program, folder, &date(seconds_since_1970()))
            };
            write().map_err(|error| Failure::Write { path: folder.clone(), error })?;
        }
    }
    Ok(Fulfilled::Yes)
}

/// Writes the page of a command, and the pages of its subcommands.
fn write_pages(command: &clap::Command, folder: &Path, date: &str) -> io::Result<()> {
    for below in command.get_subcommands() {
        write_pages(below, folder, date)?;
    }
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let page = Man::new(command.clone())
        .title(name.to_uppercase())
        .date(date)
        .source(concat!("package-indexer ", env!("CARGO_PKG_VERSION")))
        .manual("Package Index");
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(folder.join(page.get_filename()), tidied(&String::from_utf8_lossy(&text)))
}

/// Removes what `mandoc -Tlint` complains about: long lines, blanks at the end of a line, and breaks beside
/// an empty line, which have no effect.
fn tidied(page: &str) -> String {
    let lines = page.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let mut lines = lines.peekable();
    let (mut tidy, mut last) = (String::new(), "");
    while let Some(line) = lines.next() {
        let is_idle = last == ".br"
            || [last, lines.peek().unwrap_or(&"")].iter().any(|it| it.starts_with(".sp"));
        if line == ".br" && is_idle {
            continue;
        }
        last = line;
        if line.starts_with(['.', '\'']) || line.len() <= LONGEST_LINE {
            tidy += &format!("{line}\n");
        } else {
            tidy += &wrapped(line);
        }
    }
    tidy
}

/// Splits a line of text into lines that are short enough.
fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && line.len() + 1 + word.len() > LONGEST_LINE {
            lines += &format!("{}\n", line.trim_end());
            line.clear();
            // At the start of a line these characters would begin a request.
            if word.starts_with(['.', '\'']) {
                line.push_str("\\&");
            }
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + line.trim_end() + "\n"
}

/// Now, or the time that `SOURCE_DATE_EPOCH` gives.
fn seconds_since_1970() -> u64 {
    let wanted = env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    wanted.unwrap_or_else(now)
}

/// A date as YYYY-MM-DD. It counts off whole years, and then whole months.
fn date(seconds: u64) -> String {
    let mut days = seconds / 86_400;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    // A bound for the loop: years beyond it are not the date of a man page.
    while year < 10_000 && days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_704_067_199, "2023-12-31"),
            (1_709_164_800, "2024-02-29"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date(seconds), expected, "{seconds}");
        }
        assert!(date(u64::MAX).starts_with("10000-12-"));
    }

    #[test]
    fn long_lines_are_wrapped_and_nothing_else_becomes_a_request() {
        let words = "word ".repeat(15) + "four .dot 'quote " + &"x".repeat(100);
        let page = format!(".SH \"{words}\"  \n{words}\n.br\n.sp\n.br\nshort \n\n.br\n.br\nend\n");
        let tidy = tidied(&page);
        let lines: Vec<_> = tidy.lines().collect();
        assert_eq!(lines[0], format!(".SH \"{words}\""));
        assert_eq!(lines[1], "word ".repeat(15) + "four");
        assert_eq!(lines[2], "\\&.dot 'quote");
        assert_eq!(lines[3..], ["x".repeat(100).as_str(), ".sp", "short", ".br", "end"]);
    }
}
