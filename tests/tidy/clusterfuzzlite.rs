//! What the service of `.clusterfuzzlite` is given to build: `build.sh` is followed with stand-ins for Cargo and
//! zip, so that every `cargo test` sees what is missing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use package_indexer::testing::properties::roster;

/// Makes a file for each target, where `cargo fuzz build` makes it.
const CARGO: &str = r#"#!/bin/sh
[ "$1 $2 $3 $4" = "fuzz build --no-trace-compares --target-dir" ] || exit 9
built="$5/$(rustc -vV | sed -n 's/^host: //p')/release"
mkdir -p "$built"
for file in fuzz/fuzz_targets/*.rs; do touch "$built/$(basename "$file" .rs)"; done
"#;

/// Makes a list of what it would pack.
const ZIP: &str = r#"#!/bin/sh
[ "$1 $2" = "-q -r" ] || exit 9
file=$3
shift 3
find "$@" -type f >"$file"
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_target_is_built_with_its_seeds_and_its_words() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clusterfuzzlite");
    let _ = fs::remove_dir_all(&folder);
    let [programs, src, out, work] = ["programs", "src", "out", "work"].map(|it| folder.join(it));
    for path in [&programs, &src, &out, &work] {
        fs::create_dir_all(path).unwrap();
    }
    for (name, text) in [("cargo", CARGO), ("zip", ZIP)] {
        fs::write(programs.join(name), text).unwrap();
        fs::set_permissions(programs.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink(root(), src.join("package-indexer")).unwrap();
    let mut build = Command::new(root().join(".clusterfuzzlite/build.sh"));
    build.env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()));
    let output = build.env("SRC", &src).env("OUT", &out).env("WORK", &work).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for property in roster() {
        let name = property.name;
        assert!(out.join(name).is_file(), "{name} is not built");
        let seeds = read(out.join(format!("{name}_seed_corpus.zip")));
        assert!(seeds.lines().count() >= 3, "{name} begins with {seeds:?}");
        let dictionary = format!("{name}.dict");
        assert_eq!(read(out.join(&dictionary)), read("fuzz/protocol.dict"));
        let options = read(out.join(format!("{name}.options")));
        assert!(options.contains(&format!("\ndict = {dictionary}\n")), "{options}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_clusterfuzzlite_copies_exists_and_is_not_left_out() {
    assert!(read(".clusterfuzzlite/project.yaml").contains("language: rust\n"));
    let dockerfile = read(".clusterfuzzlite/Dockerfile");
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copies: Vec<_> = copies.map(|copy| copy.split(' ').next().unwrap()).collect();
    assert_eq!(copies, [".", ".clusterfuzzlite/build.sh"]);
    let left_out = read(".clusterfuzzlite/Dockerfile.dockerignore");
    for path in ["fuzz/fuzz_targets", "fuzz/seeds", "fuzz/Cargo.lock", "src", "spec", "statecheck"]
    {
        assert!(root().join(path).exists(), "there is no {path}");
        let is_kept = left_out.lines().all(|pattern| !path.starts_with(pattern) && pattern != "*");
        assert!(is_kept, "{path} is left out");
    }
}
