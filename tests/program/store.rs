//! `indexer serve --data-dir`, `verify` and `export` as a person or a script meets them: what was
//! answered is there at the next start, and can be checked, printed and carried elsewhere.

use crate::common::kept;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::common::{self, Finished, Folder, Serving, indexer, indexer_on, run, run_unread};
use package_indexer::{Command, PackageIndex};

/// Runs a command on a directory to its end.
fn finish(command: &str, directory: &Path) -> Finished {
    indexer_on(directory, &[command]).output().unwrap().into()
}

/// What is printed of a directory.
fn exported(directory: &Path) -> String {
    let done = finish("export", directory);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    done.stdout
}

/// Starts a server on a directory, sends it messages, stops it, and returns the replies.
fn told(directory: &Path, messages: &str) -> String {
    let serving = Serving::start_on(directory);
    let replies = serving.tell(messages);
    serving.stop();
    replies
}

#[test]
fn what_a_server_answered_is_there_when_the_next_one_starts() {
    let folder = Folder::new("restarted");
    let directory = folder.0.join("made").join("with its parents");
    let first = "INDEX|ncurses|\nINDEX|lua|\nINDEX|vim|ncurses,lua\nINDEX|vim|ncurses\nREMOVE|lua|\n\
                 INDEX|emacs|gtk\nREMOVE|ncurses|\n";
    assert_eq!(told(&directory, first), "OK\nOK\nOK\nOK\nOK\nFAIL\nFAIL\n");
    assert_eq!(exported(&directory), "INDEX|ncurses|\nINDEX|vim|ncurses\n");

    let serving = Serving::start_on(&directory);
    let second = "QUERY|ncurses|\nQUERY|lua|\nQUERY|vim|\nQUERY|emacs|\nREMOVE|ncurses|\n\
                  REMOVE|vim|\nREMOVE|ncurses|\n";
    assert_eq!(serving.tell(second), "OK\nFAIL\nOK\nFAIL\nFAIL\nOK\nOK\n");
    let log = serving.stop();
    let shown = directory.display();
    let loaded = format!(": loaded event=\"loaded\" data_dir={shown} packages=2 dependencies=1");
    assert!(log.contains(&loaded), "{log}");

    assert_eq!(told(&directory, "QUERY|vim|\nQUERY|ncurses|\n"), "FAIL\nFAIL\n");
    assert_eq!(exported(&directory), "");
}

#[test]
fn the_program_alone_keeps_its_index_in_a_directory_too() {
    let folder = Folder::new("alone");
    let mut program = indexer_on(&folder.0, &["--listen", "127.0.0.1:0"]);
    let serving = Serving::spawn(&mut program, 1);
    assert_eq!(serving.tell("INDEX|vim|\n"), "OK\n");
    serving.stop();
    assert_eq!(exported(&folder.0), "INDEX|vim|\n");
}

/// The process that uses it is not disturbed.
#[test]
fn a_directory_in_use_is_refused_at_once() {
    let folder = Folder::new("in-use");
    let serving = Serving::start_on(&folder.0);
    assert_eq!(serving.tell("INDEX|vim|\n"), "OK\n");
    let expected = Finished {
        code: Some(2),
        stdout: String::new(),
        stderr: format!(
            "error: {} is in use by another process\n  \
             a server may be using it; stop that server, or give another directory\n",
            folder.0.display()
        ),
    };
    // Were the directory taken, the address would stop the program.
    let mut second = indexer_on(&folder.0, &["serve", "--listen", "nowhere"]);
    assert_eq!(Finished::from(second.output().unwrap()), expected);
    for command in ["verify", "export"] {
        assert_eq!(finish(command, &folder.0), expected, "{command}");
    }
    assert_eq!(serving.tell("QUERY|vim|\nINDEX|emacs|\n"), "OK\nOK\n");
    serving.stop();
    assert_eq!(exported(&folder.0), "INDEX|emacs|\nINDEX|vim|\n");
}

/// It is the same byte by byte, also if it is sent instead.
#[test]
fn an_export_that_is_imported_elsewhere_is_exported_the_same() {
    let folder = Folder::new("carried");
    let [here, imported, sent] = ["here", "imported", "sent"].map(|name| folder.0.join(name));
    let serving = Serving::start_on(&here);
    let address = serving.addresses[0].to_string();
    let done = run(&["import", "--format", "brew", common::BREW, "--addr", &address], b"");
    assert_eq!(done.code, Some(0), "{done:?}");
    // What cannot be indexed in one go: cycles, and a package that needs itself.
    let cycles = "INDEX|egg|\nINDEX|hen|egg\nINDEX|egg|hen,vim\nINDEX|self|\nINDEX|self|self,egg\n";
    assert_eq!(serving.tell(cycles), "OK\n".repeat(5));
    serving.stop();

    let commands = exported(&here);
    let index: PackageIndex =
        commands.lines().map(|line| line.parse::<Command>().unwrap()).collect();
    assert_eq!((index.len(), index.dependency_count()), (3_371, 22_817));
    let dumped = finish("dump", &here);
    assert!(dumped.code == Some(0) && dumped.stdout == commands);

    let serving = Serving::start_on(&imported);
    let address = serving.addresses[0].to_string();
    let list = commands.as_bytes();
    let done = run(&["import", "--format", "commands", "-", "--addr", &address], list);
    assert!(done.stdout.ends_with("\nindexed: 3371 of 3371\n"), "{done:?}");
    serving.stop();
    assert!(exported(&imported) == commands, "the import made something else of it");

    assert_eq!(told(&sent, &commands), "OK\n".repeat(commands.lines().count()));
    assert!(exported(&sent) == commands, "what was sent made something else of it");

    let sound = format!("sound\npackages: 3371, dependencies: 22817\ndigest: {}\n", index.digest());
    for directory in [here, imported, sent] {
        let verified = finish("verify", &directory);
        assert_eq!(
            (verified.code, verified.stdout, verified.stderr),
            (Some(0), sound.clone(), String::new())
        );
    }
}

#[test]
fn verify_tells_sound_not_sound_and_unknown_by_its_status() {
    let folder = Folder::new("verified");
    let [none, empty, sound, unsound] =
        ["none", "empty", "sound", "unsound"].map(|name| folder.0.join(name));
    kept::empty(&empty);
    kept::with_packages(&sound, &[(b"vim", b"lua,ncurses"), (b"ncurses", b""), (b"lua", b"lua")]);
    kept::with_packages(&unsound, &[(b"vim", b"lua,ncurses"), (b"ncurses", b"")]);
    let digest = |commands: &[&str]| {
        commands
            .iter()
            .map(|line| line.parse::<Command>().unwrap())
            .collect::<PackageIndex>()
            .digest()
    };
    let nothing = digest(&[]);
    let editors =
        digest(&["INDEX|lua|", "INDEX|lua|lua", "INDEX|ncurses|", "INDEX|vim|ncurses,lua"]);
    for (directory, code, stdout, stderr) in [
        (
            &empty,
            0,
            format!("sound\npackages: 0, dependencies: 0\ndigest: {nothing}\n"),
            String::new(),
        ),
        (
            &sound,
            0,
            format!("sound\npackages: 3, dependencies: 3\ndigest: {editors}\n"),
            String::new(),
        ),
        (
            &unsound,
            1,
            format!(
                "not sound: the state in {} cannot be served: package \"vim\" depends on \"lua\", \
                 which is not there\n",
                unsound.display()
            ),
            String::new(),
        ),
        (
            &none,
            2,
            String::new(),
            format!(
                "error: {} is not there\n  \
                 give the directory that a server had as its --data-dir; this file holds the state\n",
                kept::file(&none).display()
            ),
        ),
    ] {
        let expected = Finished { code: Some(code), stdout, stderr };
        // Twice: to look at it changes nothing.
        assert_eq!(finish("verify", directory), expected);
        assert_eq!(finish("verify", directory), expected);
    }
    assert!(!none.exists(), "to look for a state makes none");
}

#[test]
fn an_export_that_is_not_read_to_its_end_ends_quietly() {
    let folder = Folder::new("unread-export");
    kept::with_packages(&folder.0, &[(b"vim", b"")]);
    let done = run_unread(&["export", "--data-dir", folder.0.to_str().unwrap()], b"");
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));
    let without = Finished::from(indexer(&["export"]).output().unwrap());
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("--data-dir <DIR>"), "{without:?}");
}

/// The program, served from a shell with this umask.
fn under_umask(umask: &str, directory: &Path) -> std::process::Command {
    let program = indexer_on(directory, &["serve", "--listen", "127.0.0.1:0"]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]);
    command.arg(program.get_program()).args(program.get_args()).env_remove("INDEXER_LOG");
    command
}

/// The mode of a file or directory.
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The modes of the files in a directory, by name.
fn modes(directory: &Path) -> Vec<(String, u32)> {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let mut modes: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry.path())))
        .collect();
    modes.sort_unstable();
    modes
}

#[test]
fn what_a_server_makes_is_closed_to_others_whatever_the_umask() {
    let closed = ["index.redb", "lock", "rollback"].map(|name| (name.to_owned(), 0o600));
    for umask in ["000", "022", "277"] {
        let folder = Folder::new(&format!("umask-{umask}"));
        let directory = folder.0.join("made").join("below");
        let serving = Serving::spawn(&mut under_umask(umask, &directory), 1);
        assert_eq!(mode(&directory.join("..")), 0o700, "umask {umask}");
        assert_eq!(mode(&directory), 0o700, "umask {umask}");
        assert_eq!(modes(&directory), closed, "umask {umask}");
        let log = serving.stop();
        assert!(!log.contains("WARN"), "{log}");
    }
}

#[test]
fn what_an_earlier_version_left_open_to_others_is_closed() {
    let folder = Folder::new("left-open");
    kept::empty(&folder.0);
    for name in ["index.redb", "lock", "rollback"] {
        std::fs::set_permissions(folder.0.join(name), Permissions::from_mode(0o666)).unwrap();
    }
    let log = Serving::start_on(&folder.0).stop();
    assert!(modes(&folder.0).iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes(&folder.0));
    assert!(!log.contains("other users can read"), "{log}");
}

#[test]
fn a_directory_that_others_may_write_to_is_warned_about() {
    let folder = Folder::new("writable");
    for (mode, is_warned) in [(0o755, false), (0o775, true), (0o1777, true)] {
        std::fs::set_permissions(&folder.0, Permissions::from_mode(mode)).unwrap();
        let log = Serving::start_on(&folder.0).stop();
        let advice = format!("advice=run chmod go-w {}", folder.0.display());
        let warned = |line: &str| {
            let said = "other users can write to the data directory and replace its files";
            line.contains(said)
                && line.contains(&format!("mode={mode:04o}"))
                && line.contains(&advice)
        };
        assert_eq!(log.lines().any(warned), is_warned, "{log}");
        // Anyone who chose this mode keeps it.
        assert_eq!(self::mode(&folder.0), mode);
    }
}
