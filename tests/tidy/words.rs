//! What a machine can keep of the house style for words: sentences that are read once, the field's usual
//! terms, and names of tests that fit a line. CONTRIBUTING.md has the style.

use std::fs;
use std::path::{Path, PathBuf};

use crate::house::{root, rust_files};

/// The pages whose sentences are measured: what a newcomer reads first.
const FIRST_READ: [&str; 2] = ["README.md", "docs"];

/// How many words a sentence of these has in the mean of each page, and at most.
const MEAN_WORDS: f64 = 15.0;
pub(crate) const MOST_WORDS: usize = 30;

/// Where words to avoid are looked for: in Markdown, and in the comments of Rust.
const CHECKED: [&str; 21] = [
    "README.md",
    "docs",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "BENCHMARKS.md",
    "benches/replicas.md",
    "spec",
    "fuzz/README.md",
    "statecheck/README.md",
    "statecheck/docs",
    "statecheck/compare/README.md",
    "statecheck/hunts/README.md",
    "src",
    "tests",
    "benches",
    "examples",
    "statecheck/src",
    "statecheck/tests",
    "statecheck/compare/src",
    "statecheck/hunts/src",
];

/// Words that make a reader stop, and what to write in their place.
pub(crate) const AVOIDED: [(&str, &str); 11] = [
    ("behind", "after, below, or slower than"),
    ("whoever", "anyone who, or what the person is: a client, an operator"),
    ("whomever", "anyone whom"),
    ("whatever", "any, or all that"),
    ("whichever", "any"),
    ("wherever", "anywhere"),
    ("anew", "again"),
    ("is away", "is unreachable"),
    ("are away", "are unreachable"),
    ("was away", "was unreachable"),
    ("been away", "been unreachable"),
];

/// The folders whose tests have names that fit a line, and how long these are at most.
const SHORT_NAMES: [&str; 4] = ["src", "tests", "statecheck/src", "statecheck/tests"];
const MOST_CHARACTERS: usize = 60;

/// The Markdown files at a path, or below it.
fn markdown(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files
}

/// Where what is generated begins, to the end of a page.
const GENERATED: [&str; 2] = ["<!-- From here on generated", "<!-- Generated"];

/// A page without blocks, and without what is generated.
fn by_hand(page: &str) -> String {
    let page = GENERATED.iter().fold(page, |page, mark| page.split(mark).next().unwrap());
    let mut is_block = false;
    let mut lines = String::new();
    for line in page.lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_block ^= is_fence;
        if !is_block && !is_fence && !line.starts_with("    ") {
            lines += line;
        }
        lines.push('\n');
    }
    lines
}

/// Replaces what stands between two marks.
fn without(text: &str, open: &str, close: &str, by: &str) -> String {
    let (mut rest, mut kept) = (text, String::new());
    while let Some((before, after)) = rest.split_once(open)
        && let Some((_, after)) = after.split_once(close)
    {
        kept.extend([before, by]);
        rest = after;
    }
    kept + rest
}

/// The paragraphs and items of a page, as they are read aloud: code and what is quoted count as a word, of
/// a link its text alone. Headings and tables are no sentences.
fn paragraphs(page: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in by_hand(page).lines().map(str::trim) {
        let is_item = line.starts_with("- ")
            || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let is_apart =
            line.is_empty() || ["|", "#", "<!--", "["].iter().any(|it| line.starts_with(it));
        if is_item || is_apart {
            paragraphs.push(String::new());
        }
        // A line that begins with a link is prose, and one that says where a link leads is none.
        let is_prose = !is_apart || line.starts_with('[') && !line.contains("]: ");
        if is_prose {
            let paragraph = paragraphs.last_mut().unwrap();
            *paragraph += line.trim_start_matches("- ");
            paragraph.push(' ');
        }
    }
    let aloud = |text: &String| {
        let text = without(text, "`", "`", "Code");
        let text = without(&text, "“", "”", "Quoted");
        without(&text, "](", ")", "").replace(['[', ']', '*'], "")
    };
    paragraphs.iter().map(aloud).filter(|text| !text.trim().is_empty()).collect()
}

/// The sentences of a paragraph, each with how many words it has.
pub(crate) fn sentences(paragraph: &str) -> Vec<(usize, String)> {
    let mut sentences = vec![(0, String::new())];
    let mut words = paragraph.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let (count, text) = sentences.last_mut().unwrap();
        *count += usize::from(word.contains(char::is_alphanumeric));
        text.push_str(word);
        text.push(' ');
        let ends = word.trim_end_matches([')', '"']).ends_with(['.', '?', '!']);
        let begins = |next: &&str| next.starts_with(|c: char| !c.is_lowercase());
        if ends && words.peek().is_some_and(begins) {
            sentences.push((0, String::new()));
        }
    }
    sentences.retain(|(count, _)| *count > 0);
    sentences
}

#[test]
fn sentences_of_readme_and_docs_are_read_once() {
    let mut pages = 0;
    let mut read = 0;
    for path in FIRST_READ.iter().flat_map(|path| markdown(&root().join(path))) {
        let page = fs::read_to_string(&path).unwrap();
        let sentences: Vec<_> = paragraphs(&page).iter().flat_map(|it| sentences(it)).collect();
        for (words, sentence) in &sentences {
            let path = path.display();
            assert!(*words <= MOST_WORDS, "{path}: {words} words: {sentence}\nsplit it in two");
        }
        let words: usize = sentences.iter().map(|(words, _)| words).sum();
        #[allow(clippy::cast_precision_loss, reason = "a page has no 2^52 words")]
        let mean = words as f64 / sentences.len() as f64;
        let is_short = sentences.is_empty() || mean <= MEAN_WORDS;
        assert!(is_short, "{}: {mean:.1} words a sentence", path.display());
        pages += 1;
        read += sentences.len();
    }
    assert!(pages > 5 && read > 250, "only {read} in {pages} were found: is the test looking?");
}

/// What is read of a file, line by line: prose and tables of Markdown, comments of Rust. The examples of
/// what not to write are no fault.
fn lines_read(path: &Path, text: &str) -> Vec<(usize, String)> {
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let text = if is_rust { text.to_owned() } else { by_hand(text) };
    let mut is_example = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        is_example = line.starts_with("| before |") || is_example && line.starts_with('|');
        if !is_example && (!is_rust || line.trim_start().starts_with("//")) {
            lines.push((number + 1, format!(" {} ", without(line, "`", "`", "Code"))));
        }
    }
    lines
}

/// Whether a line has a word, or several in a row, that begin and end there.
pub(crate) fn says(line: &str, words: &str) -> bool {
    let line = line.to_lowercase();
    line.match_indices(words).any(|(at, _)| {
        let around = [line[..at].chars().next_back(), line[at + words.len()..].chars().next()];
        around.iter().flatten().all(|c| !c.is_alphanumeric() && *c != '"')
    })
}

#[test]
fn words_to_avoid_are_avoided() {
    let mut found = Vec::new();
    let mut files = 0;
    for path in CHECKED.map(|path| root().join(path)) {
        let rust = if path.is_dir() { rust_files(&path) } else { Vec::new() };
        let pages = markdown(&path).into_iter();
        let pages = pages.map(|page| (page.clone(), fs::read_to_string(page).unwrap()));
        for (path, text) in pages.chain(rust) {
            for (number, line) in lines_read(&path, &text) {
                for (word, instead) in AVOIDED.iter().filter(|(word, _)| says(&line, word)) {
                    let path = path.strip_prefix(root()).unwrap().display();
                    found.push(format!("{path}:{number}: {word}; write {instead}"));
                }
            }
            files += 1;
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(files > 400, "only {files} were found: is the test looking?");
}

#[test]
fn names_of_tests_fit_a_line() {
    let mut checked = 0;
    for (path, text) in SHORT_NAMES.iter().flat_map(|folder| rust_files(&root().join(folder))) {
        for test in text.split("#[test]\n").skip(1) {
            let name = test.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap();
            let path = path.display();
            assert!(name.len() <= MOST_CHARACTERS, "{path}: {name}: move the rest to a comment");
            checked += 1;
        }
    }
    assert!(checked > 800, "only {checked} were found: is the test looking?");
}

#[test]
fn the_measures_see_what_they_should() {
    let page = "# A Title that is no sentence\n\nOne [two](three/four.md) `five six`. Seven eight, \
                \"nine\".\n- ten\n  eleven. No\n\n| a | table |\n\n```sh\nnot this\n```\n\n[x]: y\n";
    let found: Vec<_> = paragraphs(page).iter().flat_map(|it| sentences(it)).collect();
    let counts: Vec<_> = found.iter().map(|(words, _)| *words).collect();
    assert_eq!(counts, [3, 3, 2, 1], "{found:?}");
    assert!(says(" far Behind, ", "behind") && !says(" behindhand ", "behind"));
    assert!(!says(r#" not "behind" "#, "behind"));
    let comments =
        lines_read(Path::new("x.rs"), "//! One.\nlet two = 2; // three\n    /// Four.\n");
    assert_eq!(comments.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3]);
}
