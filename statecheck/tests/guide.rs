//! The guide shows just the package that it says it builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of the guide below the name of each file, in their order.
fn files(guide: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for part in guide.split("<!-- ").skip(1) {
        let (file, rest) = part.split_once(" -->\n```rust\n").unwrap();
        files.entry(file).or_default().push(rest.split_once("```\n").unwrap().0);
    }
    files
}

#[test]
fn the_blocks_of_the_guide_are_the_files_of_its_package() {
    let guide = read("docs/guide.md");
    let files = files(&guide);
    assert_eq!(files.keys().collect::<Vec<_>>(), [&"src/lib.rs", &"tests/properties.rs"]);
    for (file, blocks) in files {
        assert_eq!(blocks.join("\n"), read(&format!("guide/{file}")), "{file}");
    }
    assert_eq!(guide.matches("```rust").count(), guide.matches("-->\n```rust").count());
}
