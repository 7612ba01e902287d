//! Options that come from the environment, and what `--check-config` says of all of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::common::{self, Finished, Folder, Serving, indexer, run};

/// The program with variables set, run to its end.
fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    indexer(arguments).envs(variables.iter().copied()).output().unwrap().into()
}

#[test]
#[cfg(unix)]
fn a_server_takes_its_options_from_the_environment() {
    let mut program = indexer(&[]);
    program.env("INDEXER_LISTEN", "127.0.0.1:0,127.0.0.1:0").env("INDEXER_METRICS", "127.0.0.1:0");
    program.env("INDEXER_MAX_CONNECTIONS", "1").env("INDEXER_LOG", "warn");
    let serving = Serving::spawn(&mut program, 3);
    assert_eq!(serving.addresses.len(), 2);
    assert!(serving.get("/healthz").starts_with("HTTP/1.1 200 "));
    let mut only = TcpStream::connect(serving.addresses[0]).unwrap();
    only.write_all(b"INDEX|a|\n").unwrap();
    only.read_exact(&mut [0; 3]).unwrap();
    let mut refused = String::new();
    TcpStream::connect(serving.addresses[1]).unwrap().read_to_string(&mut refused).unwrap();
    assert_eq!(refused, "");
    let log = serving.stop();
    assert!(!log.contains(" INFO ") && log.contains("client_turned_away"), "{log}");
}

#[test]
fn a_flag_counts_more_than_a_variable_and_an_empty_one_is_none() {
    let variables = [("INDEXER_LISTEN", "127.0.0.1:1"), ("INDEXER_MAX_PACKAGES", "")];
    let arguments = ["--listen", "127.0.0.1:2", "--check-config"];
    let checked = run_with(&variables, &arguments);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let lines: Vec<_> = checked.stdout.lines().collect();
    assert!(lines.contains(&"listen: 127.0.0.1:2 (from --listen)"), "{checked:?}");
    assert!(lines.contains(&"max-packages: 2147483647"), "{checked:?}");
    assert_eq!(lines.last(), Some(&"a server can be started with these options"), "{checked:?}");
}

#[test]
fn every_option_of_a_server_has_a_variable_that_its_help_names() {
    for arguments in [["--help"].as_slice(), &["serve", "--help"]] {
        // Were it shown, a value would be what somebody else set.
        let help = run_with(&[("INDEXER_LISTEN", "secret")], arguments).stdout;
        assert!(!help.contains("secret"), "{help}");
        let mut checked = 0;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for option in help.split(" --").skip(1).filter(|it| it.contains('<')) {
            let Some((name, rest)) = option.split_once(" <") else { continue };
            if name.contains(' ') {
                continue;
            }
            let variable = match name {
                "log-level" => "INDEXER_LOG".to_owned(),
                _ => format!("INDEXER_{}", name.to_uppercase().replace('-', "_")),
            };
            // Its description may name other options before the variable comes.
            let all = help.split(&format!(" --{name} <")).nth(1).unwrap_or(rest);
            assert!(all.contains(&format!("[env: {variable}]")), "{name}: {help}");
            checked += 1;
        }
        assert!(checked > 12, "{checked} were found: {help}");
    }
}

#[test]
fn variables_of_a_server_change_no_other_command() {
    let variables = [("INDEXER_MAX_LINE_BYTES", "nonsense"), ("INDEXER_LOG", "nonsense")];
    let ordered = run_with(&variables, &["order", "--format", "brew", common::BREW]);
    assert_eq!(ordered.code, Some(0), "{ordered:?}");
    for arguments in [["--check-config"].as_slice(), &["serve", "--check-config"]] {
        let refused = run_with(&variables[..1], arguments);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(
            refused
                .stderr
                .contains("'nonsense' for '--max-line-bytes <N> (from INDEXER_MAX_LINE_BYTES)'"),
            "{refused:?}"
        );
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_no_option_is_warned_of() {
    let mut program = indexer(&["--listen", "127.0.0.1:0"]);
    program.env("INDEXER_MAX_CONECTIONS", "1").env("INDEXER_SERVICE_HOST", "10.0.0.1");
    let log = Serving::spawn(&mut program, 1).stop();
    let warned: Vec<_> = log.lines().filter(|line| line.contains("unknown_variable")).collect();
    assert_eq!(warned.len(), 1, "{log}");
    assert!(warned[0].contains(" WARN ") && warned[0].contains("INDEXER_MAX_CONECTIONS"), "{log}");
}

#[test]
fn a_check_finds_what_would_stop_a_server_and_starts_none() {
    let folder = Folder::new("checked");
    let file = folder.file("file", "");
    let below = format!("{file}/below");
    let made = folder.0.join("not/yet/made");
    // A server may be running with the same options.
    let serving = Serving::start(&["--listen", "127.0.0.1:0"]);
    let taken = serving.addresses[0].to_string();
    let sound = ["--check-config", "--listen", &taken, "--data-dir", made.to_str().unwrap()];
    let checked = run(&sound, b"");
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!fs::exists(folder.0.join("not")).unwrap(), "it made a directory");
    for (arguments, problem) in [
        (["--listen", "nowhere"], "cannot listen on nowhere"),
        (["--listen", "192.0.2.1:80"], "cannot listen on 192.0.2.1:80"),
        (["--metrics", "127.0.0.1:8080"], "127.0.0.1:8080; give --metrics another address"),
        (["--data-dir", &file], "cannot be used: Not a directory"),
        (["--data-dir", &below], "cannot be used: Not a directory"),
        (["--log-level", "loud"], "\"loud\" is not a level"),
    ] {
        let refused = run(&[&["serve", "--check-config"], &arguments[..]].concat(), b"");
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains(problem), "{arguments:?}: {refused:?}");
    }
}
