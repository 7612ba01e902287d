//! What the program generates from its own definitions: completions, tried in their shells, and man pages.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::optional::{BASH, MANDOC, ZSH};
use crate::common::{Folder, indexer, run};

fn completions(shell: &str) -> String {
    let script = run(&["generate", "completions", shell], b"");
    assert_eq!(script.code, Some(0), "{script:?}");
    script.stdout
}

#[test]
fn completions_for_every_shell_come_from_the_definitions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = completions(shell);
        for word in ["max-line-bytes", "dry-run", "generate"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    let Some(bash) = BASH.needed_by("completions in bash") else { return };
    let script = completions("bash");
    for (words, expected) in [
        (["indexer", "pi"].as_slice(), ["ping"].as_slice()),
        (&["indexer", "serve", "--max-line"], &["--max-line-bytes"]),
        (&["indexer", "--max-c"], &["--max-connections"]),
        (&["indexer", "import", "--format", "de"], &["debian"]),
        (&["indexer", "serve", "--log-format", ""], &["text", "json"]),
        (&["indexer", "generate", "completions", "z"], &["zsh"]),
    ] {
        // What bash does when the tabulator is pressed.
        let last = words.len() - 1;
        let asked = format!(
            "{script}\nCOMP_WORDS=({}'{}')\nCOMP_CWORD={last}\n_indexer indexer '{}' '{}'\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            words[..last].iter().map(|word| format!("'{word}' ")).collect::<String>(),
            words[last],
            words[last],
            words[last - 1],
        );
        let run =
            Command::new(bash).args(["--norc", "--noprofile", "-c", &asked]).output().unwrap();
        let completed = String::from_utf8(run.stdout.clone()).unwrap();
        assert_eq!(completed.lines().collect::<Vec<_>>(), expected, "{words:?}: {run:?}");
    }
}

#[test]
fn zsh_completes_commands_options_and_values() {
    let Some(zsh) = ZSH.needed_by("completions in zsh") else { return };
    let folder = Folder::new("zsh");
    folder.file("_indexer", &completions("zsh"));
    // A terminal of its own in which the tabulator is pressed. Each read waits for what it is about. Between two
    // lines the terminal itself would take Ctrl-U as the end of what was typed, so it knows no such key.
    let session = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS1=; PS2=; stty columns 200 kill undef; fpath=($1 \$fpath); autoload -Uz compinit"
        zpty -w shell "compinit -u -d $1/dump; print -r re''ady"
        zpty -r shell seen '*ready*'
        complete_to() {
          # Ctrl-U forgets the line, and what comes after it shows that the tabulator has been dealt with.
          zpty -n -w shell "$1"$'\t\x15'
          zpty -w shell "print -r do''ne"
          zpty -r shell seen '*done*'
          if [[ $seen == *$2* ]]; then print -r -- "$2"; else print -r -- "$seen"; fi
        }
        complete_to 'indexer pi' 'indexer ping '
        complete_to 'indexer serve --max-line' '--max-line-bytes'
        complete_to 'indexer import --format de' 'debian'
        zpty -d shell
    "#;
    let mut command = Command::new(zsh);
    command.args(["-f", "-c", session, "zsh", folder.0.to_str().unwrap()]).stdin(Stdio::null());
    let run = command.env("TERM", "dumb").output().unwrap();
    let completed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert_eq!(completed, "indexer ping \n--max-line-bytes\ndebian\n", "{run:?}");
}

/// All man pages, by file name.
fn pages(folder: &Folder, epoch: &str) -> Vec<(String, String)> {
    let mut generate = indexer(&["generate", "man"]);
    let done = generate.arg(&folder.0).env("SOURCE_DATE_EPOCH", epoch).status().unwrap();
    assert!(done.success());
    let files = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

#[test]
fn there_is_a_man_page_for_each_command_with_title_and_date() {
    let pages = pages(&Folder::new("man"), "1700000000");
    let page = |name: &str| {
        let found = pages.iter().find(|(file, _)| file == name);
        found.unwrap_or_else(|| panic!("no {name} among {pages:?}")).1.as_str()
    };
    for word in [
        "INDEXER_LISTEN",
        "max\\-line\\-bytes",
        "indexer\\-send",
        "indexer\\-generate",
        "Exit status",
    ] {
        assert!(page("indexer.1").contains(word), "{word}: {}", page("indexer.1"));
    }
    assert!(page("indexer-import.1").contains("dry\\-run"));
    assert!(page("indexer-generate-man.1").contains("SOURCE_DATE_EPOCH"));
    for (name, page) in &pages {
        let title = name.strip_suffix(".1").unwrap().to_uppercase();
        let heading = page.lines().find_map(|line| line.strip_prefix(".TH ")).unwrap();
        assert!(heading.starts_with(&format!("{title} 1 2023-11-14 ")), "{name}: {heading}");
    }
}

#[test]
fn mandoc_finds_no_fault_with_the_man_pages() {
    let Some(mandoc) = MANDOC.needed_by("man pages checked by mandoc") else { return };
    let folder = Folder::new("mandoc");
    let pages = pages(&folder, "1700000000");
    assert!(pages.len() > 12, "{pages:?}");
    let mut lint = Command::new(mandoc);
    lint.arg("-Tlint").args(pages.iter().map(|(name, _)| name)).current_dir(&folder.0);
    let run = lint.output().unwrap();
    let found = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && found.is_empty(), "{found}");
}
