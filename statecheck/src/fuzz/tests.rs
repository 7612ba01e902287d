//! Tests of the folder: what is written is what is expected, and any difference is named.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use super::*;
use crate::input::Input;
use crate::property::Property;

/// The bytes of an input, which are also its seed.
#[derive(Debug, Clone)]
struct Bytes(Vec<u8>);

impl arbitrary::Arbitrary<'_> for Bytes {
    fn arbitrary(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Self> {
        Ok(Self(u.bytes(u.len())?.to_vec()))
    }
}

impl Input for Bytes {
    const BYTES: usize = 8;

    fn simpler(&self) -> Box<dyn Iterator<Item = Self> + '_> {
        Box::new(crate::input::without_runs(&self.0).map(Self))
    }

    fn seeds(example: &[u8]) -> Vec<Vec<u8>> {
        example.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
    }
}

fn no_nine() -> Property {
    let mut property = Property::new("no_nine", "There is no 9.", |Bytes(bytes)| {
        if bytes.contains(&b'9') { Err("there is".to_owned()) } else { Ok(()) }
    });
    property.rules = &["N1", "N2"];
    property
}

/// A project with the files that it needs. It is removed at the end.
struct Project(PathBuf);

impl Project {
    fn new(name: &str) -> Self {
        let root = env::temp_dir().join(format!("statecheck-{name}-{}", process::id()));
        let project = Self(root);
        project.write("Cargo.toml", "[package]\nname = \"my-project\"\n");
        project.write("fuzz/Cargo.toml", "[package]\n\n# From here on generated from the table of properties; README.md says how.\n\nold\n");
        project.write(
            "fuzz/README.md",
            "By hand.\n<!-- From here on generated from the table of properties. -->\nold\n",
        );
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn folder(&self) -> FuzzFolder {
        FuzzFolder::of_library(&self.0, "my_project::properties", vec![no_nine()])
            .example("numbers", "1 2 3 4 5 6 7")
            .dictionary("digits.dict", "All digits.", ["0", r"\x0a"])
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _gone_anyway = fs::remove_dir_all(&self.0);
    }
}

/// The files that the check names.
fn stale(folder: &FuzzFolder) -> Vec<String> {
    match folder.check() {
        Ok(()) => Vec::new(),
        Err(FuzzError::Stale { paths }) => {
            paths.iter().map(|path| path.to_str().unwrap().replace('\\', "/")).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_is_written_is_what_is_expected() {
    let project = Project::new("written");
    let folder = project.folder();
    let all = [
        "fuzz/Cargo.toml",
        "fuzz/README.md",
        "fuzz/digits.dict",
        "fuzz/fuzz_targets/no_nine.rs",
        "fuzz/seeds/Bytes/numbers-0",
        "fuzz/seeds/Bytes/numbers-1",
        "fuzz/seeds/Bytes/numbers-2",
        "fuzz/seeds/Bytes/numbers-3",
    ];
    assert_eq!(stale(&folder), all);
    folder.write().unwrap();
    assert_eq!(stale(&folder), [""; 0]);
    assert_eq!(
        project.read("fuzz/fuzz_targets/no_nine.rs"),
        "//! There is no 9.\n//! Seeds: fuzz/seeds/Bytes. Generated: see `fuzz/README.md`.\n\
         #![cfg_attr(fuzzing, no_main)]\n\nuse my_project::properties;\n\nstatecheck::fuzz_target!(properties::no_nine());\n"
    );
    let manifest = project.read("fuzz/Cargo.toml");
    assert!(manifest.starts_with("[package]\n") && !manifest.contains("old"), "{manifest}");
    assert!(manifest.contains("\n[[bin]]\nname = \"no_nine\"\n"), "{manifest}");
    let row =
        "| `no_nine` | There is no 9. | `Bytes` | N1 N2 | `cargo +nightly fuzz run no_nine` |\n";
    assert!(project.read("fuzz/README.md").ends_with(row));
    let dictionary = "# All digits. Generated: see fuzz/README.md.\n\"0\"\n\"\\x0a\"\n";
    assert_eq!(project.read("fuzz/digits.dict"), dictionary);
    // Every second one of seven.
    assert_eq!(project.read("fuzz/seeds/Bytes/numbers-3"), "7");
    assert_eq!(folder.replay().unwrap(), 4);
}

#[test]
fn what_differs_is_named_and_written_again() {
    let project = Project::new("differs");
    let folder = project.folder();
    folder.write().unwrap();
    project.write("fuzz/fuzz_targets/no_nine.rs", "edited\n");
    project.write("fuzz/fuzz_targets/gone.rs", "of a property that is no more\n");
    project.write("fuzz/seeds/Other/numbers-0", "1");
    fs::remove_file(project.0.join("fuzz/seeds/Bytes/numbers-1")).unwrap();
    let expected = [
        "fuzz/fuzz_targets/gone.rs",
        "fuzz/fuzz_targets/no_nine.rs",
        "fuzz/seeds/Bytes/numbers-1",
        "fuzz/seeds/Other/numbers-0",
    ];
    assert_eq!(stale(&folder), expected);
    folder.write().unwrap();
    assert_eq!(stale(&folder), [""; 0]);
    assert!(!project.0.join("fuzz/fuzz_targets/gone.rs").exists());
    assert_eq!(stale(&folder.command("campaign")), ["fuzz/README.md"]);
}

#[test]
fn regressions_are_replayed_and_stray_ones_are_named() {
    let project = Project::new("replayed");
    let folder = project.folder();
    folder.write().unwrap();
    assert_eq!(folder.strays().unwrap(), [""; 0].map(PathBuf::from));
    project.write("fuzz/regressions/no_nine/late", "1239");
    project.write("fuzz/regressions/no_ten/early", "1");
    assert_eq!(folder.strays().unwrap(), [Path::new("fuzz/regressions/no_ten/early")]);
    let error = folder.replay().unwrap_err().to_string();
    assert_eq!(
        error,
        "fuzz/regressions/no_nine/late:\n# no_nine does not hold:\n# there is\n# Shrunk in 5 tries to:\nBytes([57])\n"
    );
}

#[test]
fn a_file_without_its_mark_or_unreadable_is_named() {
    let project = Project::new("mark");
    project.write("fuzz/README.md", "By hand.\n");
    let error = project.folder().check().unwrap_err().to_string();
    assert!(error.starts_with("fuzz/README.md lacks: <!-- From here on"), "{error}");
    project.write("Cargo.toml", "[workspace]\n");
    let error = project.folder().write().unwrap_err().to_string();
    assert_eq!(error, "Cargo.toml: it has no line `name = ...`");
    fs::remove_file(project.0.join("Cargo.toml")).unwrap();
    let error = project.folder().write().unwrap_err().to_string();
    assert!(error.starts_with("Cargo.toml: "), "{error}");
}

#[test]
fn a_package_without_the_folder_gets_one_for_its_tests() {
    let project = Project::new("new");
    fs::remove_dir_all(project.0.join("fuzz")).unwrap();
    let path = "name = \"my-project\"\n[dev-dependencies]\nstatecheck = { path = \"../statecheck\" }\n\
                [profile.dev.package.statecheck]\nopt-level = 3\n";
    project.write("Cargo.toml", path);
    let folder = FuzzFolder::of_file(&project.0, "tests/properties.rs", vec![no_nine()]);
    let all = [
        "fuzz/.gitignore",
        "fuzz/Cargo.toml",
        "fuzz/README.md",
        "fuzz/fuzz_targets/no_nine.rs",
        "fuzz/src/lib.rs",
    ];
    assert_eq!(stale(&folder), all);
    folder.write().unwrap();
    assert_eq!(stale(&folder), [""; 0]);
    let manifest = project.read("fuzz/Cargo.toml");
    for line in [
        "name = \"my-project-fuzz\"",
        "my-project = { path = \"..\" }",
        "statecheck = { path = \"../../statecheck\" }",
        "name = \"no_nine\"",
    ] {
        assert!(manifest.lines().any(|it| it == line), "{line}: {manifest}");
    }
    let target = project.read("fuzz/fuzz_targets/no_nine.rs");
    assert!(
        target.ends_with(
            "use my_project_fuzz::properties;\n\nstatecheck::fuzz_target!(properties::no_nine());\n"
        ),
        "{target}"
    );
    let library = project.read("fuzz/src/lib.rs");
    assert!(library.ends_with("#[path = \"../../tests/properties.rs\"]\npub mod properties;\n"));
    // What a person has changed stays.
    project.write("fuzz/Cargo.toml", &manifest.replace("[workspace]", "# Ours.\n[workspace]"));
    assert_eq!(stale(&folder), [""; 0]);
    // A dependency that a folder below cannot inherit has to be written in one line.
    fs::remove_dir_all(project.0.join("fuzz")).unwrap();
    for inherited in [
        "statecheck.workspace = true",
        "statecheck = { workspace = true }",
        "[dev-dependencies.statecheck]",
    ] {
        project.write("Cargo.toml", &format!("name = \"my-project\"\n{inherited}\n"));
        let error = folder.write().unwrap_err().to_string();
        assert!(
            error.starts_with("Cargo.toml: it inherits `statecheck` from its workspace"),
            "{error}"
        );
    }
    fs::create_dir_all(project.0.join("fuzz")).unwrap();
    // From a registry by default, or from where the line says.
    for (line, expected) in [
        ("", format!("statecheck = \"{}\"", env!("CARGO_PKG_VERSION"))),
        ("statecheck = { path = \"/a\" }", "statecheck = { path = \"/a\" }".to_owned()),
    ] {
        fs::remove_dir_all(project.0.join("fuzz")).unwrap();
        project.write("Cargo.toml", &format!("name = \"my-project\"\n{line}\n"));
        folder.write().unwrap();
        let manifest = project.read("fuzz/Cargo.toml");
        assert!(manifest.lines().any(|it| it == expected), "{manifest}");
    }
}

#[test]
fn two_files_of_one_name_are_an_error() {
    let project = Project::new("twice");
    let twice = project.folder().dictionary("fuzz_targets/no_nine.rs", "Not one.", ["0"]);
    let error = twice.check().unwrap_err().to_string();
    assert_eq!(error, "fuzz/fuzz_targets/no_nine.rs is generated twice");
}
