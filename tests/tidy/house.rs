//! The house rules that a compiler does not check: which file may import which, how long a file
//! may be, and that the properties of the whole tree which the README states are so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules by floor; a file imports only from floors below its own, or from its own module.
const FLOORS: [&[&str]; 11] = [
    &["bug", "name", "sync"],
    &["command", "shown"],
    &["wire", "index", "model"],
    &["log", "store"],
    &["engine"],
    &["replica"],
    &["session"],
    &["server", "client"],
    &["metrics", "testing"],
    &["conformance"],
    &["cli"],
];

/// A file longer than this has a second noun in it.
const MAX_LINES: usize = 400;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder, with their text.
pub(crate) fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What is built there is nobody's writing.
            let is_built = path.file_name().is_some_and(|name| name == "target");
            files.extend(if is_built { Vec::new() } else { rust_files(&path) });
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path.clone(), fs::read_to_string(path).unwrap()));
        }
    }
    files
}

/// The top-level module that a file of `src/` belongs to; none for the crate's two roots.
fn module(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(module, "lib" | "main")).then(|| module.to_owned())
}

/// The part of a file that is not its tests.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

/// The modules that a text names as `crate::module`, doc comments aside.
fn imports(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn a_file_imports_only_from_floors_below() {
    let floor_of: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, modules)| modules.iter().map(move |module| (*module, floor)))
        .collect();
    let mut checked = 0;
    for (path, text) in rust_files(&root().join("src")) {
        let Some(module) = module(&path) else { continue };
        if ["tests.rs", "schedules.rs", "checker.rs"].iter().any(|tests| path.ends_with(tests)) {
            continue;
        }
        let floor = floor_of.get(module.as_str()).unwrap_or_else(|| panic!("{module}: no floor"));
        for import in imports(without_tests(&text)) {
            // What the crate's root re-exports, a type or an error, comes from the lowest floors.
            let Some(below) = floor_of.get(import.as_str()) else {
                panic!("{}: imports crate::{import}, which has no floor", path.display());
            };
            assert!(
                import == module || below < floor,
                "{} (floor {floor}) imports {import} (floor {below})",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} imports were found: is the test looking?");
}

#[test]
fn the_floors_below_the_server_name_no_socket_file_or_clock() {
    for (path, text) in rust_files(&root().join("src")) {
        // Anyone who keeps the state on disk, or in etcd, has to name files; tests of what is shared have
        // threads; a replica is patient for so long.
        let allowed =
            ["server", "client", "metrics", "cli", "testing", "conformance", "store", "log"];
        // The root of the crate holds examples, and no code.
        let is_allowed = module(&path).is_none_or(|module| allowed.contains(&module.as_str()));
        let is_patient =
            path.starts_with(root().join("src/replica")) || path.ends_with("src/replica.rs");
        if is_allowed || path.ends_with("tests.rs") {
            continue;
        }
        // A span of time is a number, and no clock.
        for word in ["std::net", "std::thread", "Instant", "SystemTime", "std::fs"] {
            // Giving way is a primitive of what is shared, as a lock is.
            let gives_way = word == "std::thread" && path.ends_with("src/sync.rs");
            if gives_way || word == "Instant" && is_patient {
                continue;
            }
            assert!(!without_tests(&text).contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn the_core_of_a_replica_names_no_lock_no_clock_and_no_log() {
    let source = root().join("src/replica");
    for path in [source.join("core.rs"), source.join("core/entries.rs")] {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in ["Mutex", "Condvar", "std::time", "std::thread", "crate::sync", "dyn Log"] {
            assert!(!without_tests(&text).contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn what_is_said_beside_the_work_goes_one_way_and_cannot_fail() {
    // These print what may be lost; the last one's writer escapes.
    let allowed = [
        ("io::stderr", "src/cli/serve/logging.rs"),
        ("io::stderr", "src/cli/output.rs"),
        ("io::stderr", "src/testing/peer.rs"),
        ("println!", "src/sync/checker.rs"),
        (".display()", "src/cli/load/report.rs"),
    ];
    for (path, text) in rust_files(&root().join("src")) {
        if path.ends_with("tests.rs") || path.parent().is_some_and(|it| it.ends_with("tests")) {
            continue;
        }
        // `println!` panics when it cannot write; a path is shown by `shown_path`, escaped.
        for word in ["println!", "eprint!", "dbg!", "io::stderr", ".display()"] {
            let is_allowed = allowed.iter().any(|(it, file)| *it == word && path.ends_with(file));
            let says_it = |line: &str| !line.trim_start().starts_with("//") && line.contains(word);
            let found = without_tests(&text).lines().find(|line| says_it(line));
            assert!(is_allowed || found.is_none(), "{}: {}", path.display(), found.unwrap_or(""));
        }
    }
}

/// Where Rust is written by hand, or generated for it.
const FOLDERS: [&str; 12] = [
    "src",
    "tests",
    "benches",
    "examples",
    "fuzz/fuzz_targets",
    "statecheck/src",
    "statecheck/tests",
    "statecheck/examples",
    "statecheck/guide/src",
    "statecheck/guide/tests",
    "statecheck/compare/src",
    "statecheck/hunts/src",
];

#[test]
fn statecheck_knows_nothing_of_packages() {
    let manifest = fs::read_to_string(root().join("statecheck/Cargo.toml")).unwrap();
    let mut texts = vec![(PathBuf::from("statecheck/Cargo.toml"), manifest)];
    texts.extend(rust_files(&root().join("statecheck")));
    assert!(texts.len() > 20, "only {} files were found: is the test looking?", texts.len());
    for (path, text) in texts {
        for name in ["package_indexer", "package-indexer"] {
            assert!(!text.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn no_file_outgrows_one_concept() {
    for folder in FOLDERS {
        for (path, text) in rust_files(&root().join(folder)) {
            let lines = text.lines().count();
            assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn the_model_stays_small_enough_to_be_checked_by_eye() {
    let model = fs::read_to_string(root().join("src/model.rs")).unwrap();
    assert!(model.lines().count() < 60);
}

#[test]
fn every_module_opens_by_saying_what_lives_there() {
    for folder in FOLDERS {
        for (path, text) in rust_files(&root().join(folder)) {
            assert!(text.starts_with("//! "), "{} opens otherwise", path.display());
        }
    }
}

#[test]
fn every_dependency_earns_its_place_in_a_comment() {
    let manifests = ["Cargo.toml", "statecheck/Cargo.toml"]
        .map(|path| fs::read_to_string(root().join(path)).unwrap())
        .concat();
    let lines: Vec<_> = manifests.lines().collect();
    let mut section = "";
    let mut checked = 0;
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains(" = ") {
            assert!(lines[number - 1].starts_with("# "), "{line} comes without a reason");
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} dependencies were found: is the test looking?");
}

#[test]
fn a_test_that_runs_the_program_is_not_run_without_one() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut checked = 0;
    for (path, text) in rust_files(&root().join("tests")) {
        // Each folder with such a file is a binary; `common` is what starts the program.
        if path.ends_with("main.rs") && text.contains("\nmod common;\n") {
            let name = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
            let needs = format!("name = \"{name}\"\nrequired-features = [\"default\"");
            assert!(manifest.contains(&needs), "{name}: another build's program would be run");
            checked += 1;
        }
    }
    assert!(checked > 3, "only {checked} were found");
}
