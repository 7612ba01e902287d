//! What `indexer` does not take for the state of an index: of a later version, damaged, not closed, or
//! in a directory that cannot be used. It says which file or package it is, and what to do.

use crate::common::kept;
use std::fs;
use std::path::Path;

use crate::common::{Finished, Folder, indexer_on};

/// Starting a server. Were the state taken, the address would stop the program.
const SERVE: [&str; 3] = ["serve", "--listen", "nowhere"];

fn finish(directory: &Path, arguments: &[&str]) -> Finished {
    let done = Finished::from(indexer_on(directory, arguments).output().unwrap());
    assert!(!done.stderr.contains("panicked"), "{done:?}");
    done
}

/// Each command says so on standard error, with status 2 and with nothing on standard output;
/// returns what all of them say.
fn unusable(directory: &Path, commands: &[&[&str]]) -> String {
    let mut said = Vec::new();
    for arguments in commands {
        let done = finish(directory, arguments);
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}: {done:?}");
        said.push(done.stderr);
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

/// The state is refused by a server and is not exported, and `verify` finds the same; returns what
/// that is.
fn unsound(directory: &Path) -> String {
    let said = unusable(directory, &[&SERVE, &["export"]]);
    let problem =
        said.strip_prefix("error: ").and_then(|s| s.strip_suffix("\n  restore a backup\n"));
    let problem = problem.unwrap_or_else(|| panic!("{said}")).to_owned();
    let expected = Finished {
        code: Some(1),
        stdout: format!("not sound: {problem}\n"),
        stderr: String::new(),
    };
    assert_eq!(finish(directory, &["verify"]), expected);
    problem
}

#[test]
fn a_state_of_a_later_version_is_refused_and_left_as_it_is() {
    let folder = Folder::new("later");
    kept::with_packages(&folder.0, &[(b"vim", b"")]);
    let supported = kept::format(&folder.0);
    for later in [supported + 1, u64::MAX] {
        kept::set_format(&folder.0, later);
        let said = unusable(&folder.0, &[&SERVE, &["verify"], &["export"]]);
        let expected = format!(
            "error: {} was written by a later version: it has format {later}, and this version reads up \
             to {supported}\n  \
             use the version that wrote it, or a newer one\n",
            kept::file(&folder.0).display()
        );
        assert_eq!(said, expected);
        assert_eq!(kept::format(&folder.0), later);
    }
    kept::set_format(&folder.0, supported);
    assert_eq!(finish(&folder.0, &["export"]).stdout, "INDEX|vim|\n");
}

#[test]
fn a_file_of_a_later_redb_is_refused_as_such_and_left_as_it_is() {
    let folder = Folder::new("later-redb");
    kept::with_packages(&folder.0, &[(b"vim", b"")]);
    let written = fs::read(kept::file(&folder.0)).unwrap();
    // Where each half of the file says which format it has.
    for place in [64, 192] {
        assert_eq!(written[place], 3);
        for later in [4, 9] {
            let mut bytes = written.clone();
            bytes[place] = later;
            fs::write(kept::file(&folder.0), &bytes).unwrap();
            let said = unusable(&folder.0, &[&SERVE, &["verify"], &["export"]]);
            let expected = format!(
                "error: {} was written by a later version: it has redb's format {later}, and this \
                 version reads up to 3\n  use the version that wrote it, or a newer one\n",
                kept::file(&folder.0).display()
            );
            assert_eq!(said, expected);
            assert_eq!(fs::read(kept::file(&folder.0)).unwrap(), bytes);
        }
    }
    fs::write(kept::file(&folder.0), &written).unwrap();
    assert_eq!(finish(&folder.0, &["export"]).stdout, "INDEX|vim|\n");
}

#[test]
fn a_note_of_what_failed_that_cannot_be_read_is_refused() {
    let folder = Folder::new("damaged-note");
    kept::with_packages(&folder.0, &[(b"vim", b"")]);
    let note = folder.0.join("rollback");
    let nothing = fs::read(&note).unwrap();
    assert_eq!(nothing, [0; 512]);
    for bytes in [vec![1; 512], [&b"failed: session "[..], &[0; 496]].concat()] {
        fs::write(&note, &bytes).unwrap();
        let problem = unsound(&folder.0);
        let start = format!("{} is damaged: its record of the changes that failed", note.display());
        assert!(problem.starts_with(&start), "{problem}");
        assert_eq!(fs::read(&note).unwrap(), bytes);
    }
    // Without it, as an earlier version leaves a directory, nothing failed.
    fs::remove_file(&note).unwrap();
    assert_eq!(finish(&folder.0, &["export"]).stdout, "INDEX|vim|\n");
    assert_eq!(fs::read(&note).unwrap(), nothing);
}

#[test]
fn a_package_that_needs_one_that_is_not_there_is_named_with_it() {
    let folder = Folder::new("not-closed");
    kept::with_packages(
        &folder.0,
        &[(b"emacs", b"gtk"), (b"gtk", b""), (b"vim", b"gtk,ncurses"), (b"zsh", b"vim")],
    );
    let expected = format!(
        "the state in {} cannot be served: package \"vim\" depends on \"ncurses\", which is not there",
        folder.0.display()
    );
    assert_eq!(unsound(&folder.0), expected);
}

#[test]
fn what_is_no_package_is_named_byte_by_byte() {
    for (number, (package, list, printed)) in [
        (b"b c".as_slice(), b"".as_slice(), r#"package "b c" with the list "": "#),
        (b"", b"", r#"package "" with the list "": "#),
        (b"v\xffm", b"a", r#"package "v\xffm" with the list "a": "#),
        (b"a\nb", b"", r#"package "a\nb" with the list "": "#),
        (b"a|b", b"", r#"package "a|b" with the list "": "#),
        (b"vim", b"a,,b", r#"package "vim" with the list "a,,b": "#),
        (b"vim", b"\x1b[31m", r#"package "vim" with the list "\x1b[31m": "#),
        (&[b'x'; 256], b"", &format!("package \"{}\" with the list \"\": ", "x".repeat(256))),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = Folder::new(&format!("malformed-{number}"));
        kept::with_packages(&folder.0, &[(b"a", b""), (package, list), (b"z", b"a")]);
        let problem = unsound(&folder.0);
        let state = format!("the state in {} cannot be served: ", folder.0.display());
        let said = problem.strip_prefix(&state).unwrap_or_else(|| panic!("{problem}"));
        let why = said.strip_prefix(printed).unwrap_or_else(|| panic!("{printed}: {said}"));
        assert!(!why.is_empty(), "{said}");
    }
}

#[test]
fn a_state_beyond_the_limits_is_served_when_they_are_raised() {
    let folder = Folder::new("beyond");
    kept::with_packages(&folder.0, &[(b"a", b""), (b"b", b"a"), (b"c", b"a,b")]);
    for (flag, limit, package) in [("--max-packages", "2", "c"), ("--max-dependencies", "2", "c")] {
        let said = unusable(&folder.0, &[&["serve", "--listen", "nowhere", flag, limit]]);
        let start = format!(
            "error: the state in {} cannot be served: package \"{package}\": ",
            folder.0.display()
        );
        assert!(said.starts_with(&start), "{said}");
        assert!(said.contains(limit), "{said}");
        assert!(
            said.ends_with("\n  raise the limit, or serve once without it and remove packages\n"),
            "{said}"
        );
        let raised = finish(&folder.0, &["serve", "--listen", "nowhere", flag, "3"]);
        assert!(raised.stderr.contains("error: cannot listen on nowhere: "), "{raised:?}");
    }
}

#[test]
fn a_file_that_is_something_else_or_cut_short_is_refused() {
    let folder = Folder::new("whole");
    let packages: Vec<_> =
        (0..2_000).map(|number| format!("package-{number}").into_bytes()).collect();
    let packages: Vec<_> =
        packages.iter().map(|name| (name.as_slice(), b"package-1".as_slice())).collect();
    kept::with_packages(&folder.0, &packages);
    let whole = fs::read(kept::file(&folder.0)).unwrap();
    let mut rng = fastrand::Rng::with_seed(12);
    let garbage: Vec<u8> = (0..100_000).map(|_| rng.u8(..)).collect();
    let [zeros, header, body] = [vec![0; whole.len()], whole.clone(), whole.clone()];
    let damaged = |mut bytes: Vec<u8>, from: usize| {
        bytes[from..from + 512].fill(0x5a);
        bytes
    };
    let mut files = vec![Vec::new(), b"INDEX|vim|\n".to_vec(), garbage, zeros];
    files.extend([damaged(header, 0), damaged(body, whole.len() / 2)]);
    let lengths = [1, 511, 4_095, whole.len() / 2, whole.len() - 4_096, whole.len() - 1];
    files.extend(lengths.map(|length| whole[..length].to_vec()));
    for (number, bytes) in files.iter().enumerate() {
        fs::write(kept::file(&folder.0), bytes).unwrap();
        let problem = unsound(&folder.0);
        let expected = format!("{} is damaged: ", kept::file(&folder.0).display());
        assert!(problem.len() > expected.len(), "{number}: {problem}");
        assert!(problem.starts_with(&expected), "{number}: {problem}");
    }
    fs::write(kept::file(&folder.0), &whole).unwrap();
    assert_eq!(finish(&folder.0, &["verify"]).code, Some(0));
}

/// The file stays as it is.
#[test]
fn a_foreign_file_or_one_without_tables_is_refused() {
    let folder = Folder::new("foreign");
    kept::empty(&folder.0);
    for (number, said) in ["it does not say which format it has", "Table 'packages' does not exist"]
        .iter()
        .enumerate()
    {
        // The format is said in the second round, and no packages are there in either.
        kept::without_tables(&folder.0, number == 1);
        let before = kept::tables(&folder.0);
        let expected = format!("{} is damaged: {said}", kept::file(&folder.0).display());
        assert_eq!(unsound(&folder.0), expected);
        assert_eq!(kept::tables(&folder.0), before);
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_named_with_what_is_wanted() {
    let folder = Folder::new("unusable");
    let file = folder.file("a-file", "");
    let file = Path::new(&file);
    // Each with what is to be named.
    let mut directories = vec![(file.to_owned(), ""), (file.join("below"), "")];
    if cfg!(target_os = "linux") {
        // Where nobody can make anything, anyone who they are.
        directories.push(("/proc/indexer".into(), ""));
        directories.push(("/proc/self".into(), "/lock"));
    }
    for (directory, named) in &directories {
        let said = unusable(directory, &[&SERVE]);
        let start = format!("error: cannot use {}{named}: ", directory.display());
        assert!(said.starts_with(&start), "{said}");
        assert!(
            said.ends_with(
                "\n  give --data-dir a directory that this user can create, read and write\n"
            ),
            "{said}"
        );
        let said = unusable(directory, &[&["verify"], &["export"]]);
        assert!(said.contains(&kept::file(directory).display().to_string()), "{said}");
    }
    assert_eq!(fs::read(file).unwrap(), b"");
}

#[test]
fn what_stands_where_a_file_should_be_is_named() {
    for name in ["index.redb", "index.redb.new", "lock", "rollback"] {
        let folder = Folder::new(&format!("instead-of-{name}"));
        let path = folder.0.join(name);
        fs::create_dir(&path).unwrap();
        let said = unusable(&folder.0, &[&SERVE]);
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
}
