//! Guesses the format of a list from its beginning.
//!
//! A guess is made only if exactly one format fits. A list in the wrong format would be indexed wrongly.

use memchr::memmem;

use super::{Format, ListError, tree};

/// How many bytes of a list are looked at before it is read.
pub(super) const START_BYTES: usize = 1 << 16;

/// The format of a list with this beginning: all of the list, or its first [`START_BYTES`].
///
/// # Errors
/// [`ListError::Unclear`] if no format fits, or several.
pub(super) fn format(start: &[u8]) -> Result<Format, ListError> {
    if start.trim_ascii_start().starts_with(b"{") {
        return json(start);
    }
    // The last line may be cut off.
    let end = memchr::memrchr(b'\n', start).filter(|_| start.len() >= START_BYTES);
    let start = &start[..end.unwrap_or(start.len())];
    let lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let lines: Vec<_> =
        lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).take(1_000).collect();
    let all = |fits: fn(&[u8]) -> bool| !lines.is_empty() && lines.iter().all(|line| fits(line));
    let is_tree = tree::is_tree(start);
    let has_package = lines.iter().any(|line| is_field(line, b"package"));
    let fits = [
        (Format::Commands, all(is_message)),
        (Format::Debian, has_package && all(is_of_stanza)),
        // Formulae have lower-case names. The fields of a stanza begin with a capital.
        (Format::Brew, is_tree || all(is_row) && !(has_package && all(is_of_stanza))),
    ];
    let mut fitting = fits.iter().filter(|(_, fits)| *fits);
    match (fitting.next(), fitting.next()) {
        (Some((format, _)), None) => Ok(*format),
        (Some(_), Some(_)) => Err(ListError::Unclear { could_be: "several" }),
        (None, _) => Err(ListError::Unclear { could_be: "none of the known formats" }),
    }
}

fn json(start: &[u8]) -> Result<Format, ListError> {
    let has = |key: &[u8]| memmem::find(start, key).is_some();
    let first_key = start.trim_ascii_start()[1..].trim_ascii_start();
    if has(b"\"lockfileVersion\"") {
        return Ok(Format::Npm);
    }
    if first_key.starts_with(b"\"packages\"") && has(b"\"manifest_path\"")
        || has(b"\"workspace_members\"")
    {
        return Ok(Format::Cargo);
    }
    Err(ListError::Unclear { could_be: "any JSON" })
}

fn is_message(line: &[u8]) -> bool {
    [b"INDEX|".as_slice(), b"QUERY|", b"REMOVE|"].iter().any(|verb| line.starts_with(verb))
}

/// Whether a line is a field, or continues one.
fn is_of_stanza(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_name =
        name.first().is_some_and(u8::is_ascii_uppercase) && name.iter().all(u8::is_ascii_graphic);
    line[0].is_ascii_whitespace() || is_name && name.len() < line.len()
}

fn is_field(line: &[u8], field: &[u8]) -> bool {
    line.len() > field.len()
        && line[field.len()] == b':'
        && line[..field.len()].eq_ignore_ascii_case(field)
}

/// Whether a line looks like `name: dependency dependency`. The dependencies are not checked.
fn is_row(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
    name.len() < line.len() && crate::name::NameRef::check(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(start: &str) -> Option<Format> {
        format(start.as_bytes()).ok()
    }

    #[test]
    fn each_format_is_known_by_its_beginning() {
        for (start, expected) in [
            ("# comment\nvim: lua\nlua:\n", Format::Brew),
            ("vim\n├── lua\n", Format::Brew),
            ("\nINDEX|vim|lua\r\nINDEX|lua|\n", Format::Commands),
            ("Package: vim\nVersion: 1\nDescription: x\n y: z\n\nPackage: lua", Format::Debian),
            ("{\"packages\":[{\"name\":\"a\",\"manifest_path\":\"/a\"", Format::Cargo),
            ("{\n  \"name\": \"a\",\n  \"lockfileVersion\": 3,", Format::Npm),
        ] {
            assert_eq!(guessed(start), Some(expected), "{start}");
        }
    }

    #[test]
    fn what_fits_no_format_or_several_is_not_guessed() {
        for start in [
            "",
            "vim lua\n",
            "vim: lua\nINDEX|a|\n",
            "{\"a\": 1}",
            "INDEX|a|\nPackage: b\n",
            "<html>",
        ] {
            assert_eq!(guessed(start), None, "{start}");
        }
    }
}
