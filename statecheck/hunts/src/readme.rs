//! The table in `README.md`, written and read again.

use std::path::PathBuf;
use std::{fs, io};

use crate::row::Row;
use crate::sets::home;

/// The head of the table.
pub(crate) const HEAD: &str = "| crate | version | what is wrong | found from seeds | after commands | shrunk in tries | the version without it | the newest that fits |
|---|---|---|---|---|---|---|---|";

/// The table is between these.
const MARKS: (&str, &str) = (
    "<!-- The table begins: `cargo run --release -- --write` writes it. -->\n",
    "<!-- The table ends. -->\n",
);

/// Writes the table and the traces.
pub(crate) fn write(rows: &[Row]) -> io::Result<()> {
    let text = fs::read_to_string(path())?;
    let (before, _, after) = parts(&text)?;
    let lines: String = rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect();
    let traces: String = rows.iter().map(Row::traces).collect();
    let table = format!("\n{HEAD}\n{lines}\n{traces}");
    fs::write(path(), [before, MARKS.0, &table, MARKS.1, after].concat())
}

/// The rows of which the README says otherwise, or nothing.
pub(crate) fn surprises(rows: &[Row]) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(path())?;
    let (_, table, _) = parts(&text)?;
    let said = |row: &Row| table.lines().find_map(|line| row.verdict_of(line));
    let differing = rows.iter().filter(|row| said(row) != Some(row.verdict()));
    Ok(differing.map(Row::to_string).collect())
}

/// What comes before the table, the table, and what comes after it.
fn parts(text: &str) -> io::Result<(&str, &str, &str)> {
    let parts = text.split_once(MARKS.0).and_then(|(before, rest)| {
        let (table, after) = rest.split_once(MARKS.1)?;
        Some((before, table, after))
    });
    parts.ok_or_else(|| io::Error::other("README.md has no marks for the table"))
}

fn path() -> PathBuf {
    home().join("README.md")
}
