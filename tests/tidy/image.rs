//! The Dockerfile builds from what it is given. `.ci/image` builds and runs the image; here its first
//! stage is followed with a stand-in for the build, so that every `cargo test` sees what is missing.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The instructions of the stage that builds, each on one line, without comments.
fn build_stage() -> Vec<String> {
    let dockerfile = read("Dockerfile");
    let lines = dockerfile.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let instructions = lines.join("\n").replace("\\\n", " ");
    let stage = instructions.split("\nFROM ").next().unwrap();
    stage.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What `.dockerignore` lets through. Its first pattern is `*`; after it, every line lets one path
/// through with all that is below it.
fn let_through() -> BTreeSet<PathBuf> {
    let text = read(".dockerignore");
    let mut patterns = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(patterns.next(), Some("*"), "the first pattern keeps everything out");
    patterns.map(|pattern| PathBuf::from(pattern.strip_prefix('!').unwrap())).collect()
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}

/// All Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Follows the stage in a folder; where it builds, a stand-in for Cargo does instead.
fn follow_build_stage(folder: &Path, cargo: &str) {
    let (build, programs) = (folder.join("build"), folder.join("programs"));
    fs::create_dir_all(&build).unwrap();
    fs::create_dir_all(&programs).unwrap();
    let stand_in = programs.join("cargo");
    fs::write(&stand_in, format!("#!/bin/sh\n{cargo}\n")).unwrap();
    fs::set_permissions(&stand_in, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let let_through = let_through();

    for instruction in build_stage() {
        let (word, rest) = instruction.split_once(' ').unwrap();
        match word {
            "FROM" | "WORKDIR" | "ARG" => {}
            "COPY" => {
                let words: Vec<_> = rest.split_whitespace().collect();
                let (to, sources) = words.split_last().unwrap();
                for source in sources {
                    let passes = let_through.iter().any(|path| Path::new(source).starts_with(path));
                    assert!(passes, "{instruction}: .dockerignore keeps {source} out");
                    let from = root().join(source);
                    let into_folder = from.is_file() && to.ends_with('/');
                    let to = build.join(to);
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    copy(&from, &if into_folder { to.join(source) } else { to });
                }
            }
            "RUN" => {
                let mut shell = Command::new("sh");
                shell.args(["-c", rest]).current_dir(&build).env("PATH", &path);
                let output = shell.env("CARGO", env!("CARGO")).output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{instruction}: {errors}");
            }
            _ => panic!("{instruction}: what does it do to the build?"),
        }
    }
}

#[test]
fn the_image_has_every_file_that_its_manifest_names() {
    let folder = Folder::new("image-manifest");
    // Cargo looks for all files of the manifest before it builds even the smallest dependency.
    let check = "check --quiet --locked --offline --package memchr --target-dir ../target";
    follow_build_stage(&folder.0, &format!("echo >>../cargo.log && exec \"$CARGO\" {check}"));
    let builds = fs::read_to_string(folder.0.join("cargo.log")).unwrap();
    assert_eq!(builds.lines().count(), 2, "dependencies first, then the sources");
}

#[test]
fn the_image_has_every_file_that_its_sources_include() {
    let folder = Folder::new("image-sources");
    follow_build_stage(&folder.0, "exit 0");
    let mut checked = 0;
    let folders = ["src", "statecheck/src"].map(|sources| root().join(sources));
    for original in folders.iter().flat_map(|sources| rust_files(sources)) {
        let source = folder.0.join("build").join(original.strip_prefix(root()).unwrap());
        let copied = fs::read(&source).is_ok_and(|text| text == fs::read(&original).unwrap());
        assert!(copied, "the image is built with another {}", source.display());
        // Tests are copied and not built.
        if original.iter().any(|part| part == "tests") {
            continue;
        }
        let text = fs::read_to_string(&source).unwrap();
        // What only documentation tests include is in no build.
        let built = text.replace("#[cfg(doctest)]\n#[doc = include_str!", "");
        for included in built.split("include_").skip(1) {
            let Some((_, rest)) = included.split_once("!(") else { continue };
            let Some(rest) = rest.strip_prefix('"') else { continue };
            let file = source.with_file_name(rest.split('"').next().unwrap());
            assert!(file.exists(), "the image's build lacks {}", file.display());
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} files were found: is the test looking?");
}
