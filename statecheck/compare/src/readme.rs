//! The tables in README.md.

use std::io;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->\n";

/// Puts text between the two marks.
pub fn put(text: &str) -> io::Result<()> {
    let readme = std::fs::read_to_string(PATH)?;
    let no_mark = || io::Error::other(format!("{PATH} lacks {BEGIN}or {END}"));
    let (before, rest) = readme.split_once(BEGIN).ok_or_else(no_mark)?;
    let (_, after) = rest.split_once(END).ok_or_else(no_mark)?;
    std::fs::write(PATH, format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}
