//! What a machine can keep of the house style in `--help`: lines that fit, sentences that are read once, and
//! the field's usual terms. CONTRIBUTING.md has the style.

use std::process::Command;

use crate::words::{AVOIDED, MOST_WORDS, says, sentences};

/// How wide a line of help is at most, in characters. Help is this wide in a file or a pipe.
const MOST_COLUMNS: usize = 100;

/// The help of a command, `--help` or `-h`.
fn help(command: &[String], flag: &str) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_indexer")).args(command).arg(flag).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Usage:"), "{command:?} {flag}: {help}");
    help
}

/// The commands that a help text lists, but for `help` itself.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    let names = listed.into_iter().flat_map(str::lines).filter_map(|line| {
        let name = line.strip_prefix("  ")?.split_whitespace().next()?;
        (line.as_bytes()[2] != b' ' && name != "help").then(|| name.to_owned())
    });
    names.collect()
}

/// The paragraphs of a help text, as they are read aloud, without the names of commands and options. Each
/// option, command, value and example begins one.
fn paragraphs(help: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in help.lines() {
        let text = line.trim();
        let is_entry = line.starts_with("  ") && line.as_bytes()[2] != b' ';
        let is_option = text.starts_with('-') && !text.starts_with("- ");
        let begins = ["- ", "[env:", "[default:", "[aliases:", "Usage:"];
        let is_apart = begins.iter().any(|it| text.starts_with(it));
        if text.is_empty() || is_entry || is_option || is_apart {
            paragraphs.push(String::new());
        }
        let aloud = match text.split_once("  ") {
            Some((_name, text)) if is_entry || is_option => text.trim(),
            None if is_option => "",
            _ => text,
        };
        let paragraph = paragraphs.last_mut().unwrap();
        *paragraph += aloud;
        paragraph.push(' ');
    }
    paragraphs.retain(|text| !text.trim().is_empty());
    paragraphs
}

/// What is wrong with the words of a help text.
fn faults(help: &str) -> Vec<String> {
    let wide = help.lines().filter(|line| line.chars().count() > MOST_COLUMNS);
    let mut faults: Vec<_> =
        wide.map(|line| format!("wider than {MOST_COLUMNS} columns: {line}")).collect();
    for paragraph in paragraphs(help) {
        for (words, sentence) in sentences(&paragraph) {
            if words > MOST_WORDS {
                faults.push(format!("{words} words: {sentence}"));
            }
        }
        let line = format!(" {paragraph} ");
        for (word, instead) in AVOIDED.iter().filter(|(word, _)| says(&line, word)) {
            faults.push(format!("{word}; write {instead}: {paragraph}"));
        }
    }
    faults
}

#[test]
fn help_fits_its_lines_and_is_read_once() {
    let mut left = vec![Vec::new()];
    let (mut found, mut checked) = (Vec::new(), 0);
    while let Some(command) = left.pop() {
        for flag in ["--help", "-h"] {
            let name = command.join(" ");
            let faults = faults(&help(&command, flag)).into_iter();
            found.extend(faults.map(|fault| format!("indexer {name} {flag}: {fault}")));
        }
        let names = commands(&help(&command, "--help")).into_iter();
        left.extend(names.map(|name| [command.clone(), vec![name]].concat()));
        checked += 1;
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(checked > 12, "only {checked} were found: is the test looking?");
}

#[test]
fn the_measures_of_help_see_what_they_should() {
    let option = |text: &str| format!("Does it\n\nOptions:\n      --it <N>\n          {text}\n");
    let words = "word ".repeat(MOST_WORDS + 1);
    for (help, fault) in [
        (option(&"x".repeat(MOST_COLUMNS)), "wider than 100 columns: "),
        (option(&words.replace("word word", "word\n          word")), "31 words: "),
        (option("Prints\n          whatever it has"), "whatever; write "),
        (option("Waits while etcd is\n          away"), "is away; write "),
        ("Commands:\n  it  Does it anew\n".to_owned(), "anew; write "),
    ] {
        let faults = faults(&help);
        assert!(faults.iter().any(|it| it.contains(fault)), "{fault}: {faults:?} in {help}");
    }
    let entries = "one two three\n\n      --it\n          ".repeat(10);
    assert_eq!(faults(&option(&entries)), [] as [String; 0]);
    assert_eq!(
        commands("x\n\nCommands:\n  a  Does\n         it\n  help  Prints\n\nOptions:\n"),
        ["a"]
    );
}
