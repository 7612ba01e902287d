//! The heads of files that are generated from some line on: the existing one, or one for a new folder.

use std::path::Path;
use std::{fs, io};

use super::FuzzError;

/// What fuzz targets have to know of a package.
pub(super) struct Manifest {
    name: String,
    /// The line of a manifest, in a folder below the package, that depends on the same `statecheck`.
    statecheck: String,
}

impl Manifest {
    pub(super) fn read(root: &Path) -> Result<Self, FuzzError> {
        let path = Path::new("Cargo.toml");
        let text =
            fs::read_to_string(root.join(path)).map_err(|error| FuzzError::at(path, error))?;
        let value_of = |key: &str| {
            let values = text.lines().filter_map(|line| line.trim().strip_prefix(key));
            values.filter_map(|rest| rest.trim_start().strip_prefix('=')).map(str::trim).next()
        };
        let name = value_of("name").map(|value| value.trim_matches('"').to_owned());
        let unfit =
            |problem| FuzzError::at(path, io::Error::new(io::ErrorKind::InvalidData, problem));
        let name = name.ok_or_else(|| unfit("it has no line `name = ...`"))?;
        let version = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");
        let is_inherited = value_of("statecheck").is_some_and(|it| it.contains("workspace"))
            || ["dependencies.statecheck]", "statecheck.workspace"]
                .iter()
                .any(|it| text.contains(it));
        if is_inherited && !root.join("fuzz/Cargo.toml").exists() {
            return Err(unfit(
                "it inherits `statecheck` from its workspace, which its folder `fuzz` cannot: name it in one line \
                 until `fuzz/Cargo.toml` exists",
            ));
        }
        // From a folder below the package, a path begins one step higher.
        let statecheck =
            value_of("statecheck").unwrap_or(version).replace("path = \"", "path = \"../");
        Ok(Self { name, statecheck: statecheck.replace("\"..//", "\"/") })
    }

    /// The crate of the targets, as the beginning of a path.
    pub(super) fn fuzz_crate(&self) -> String {
        format!("{}_fuzz", self.name.replace('-', "_"))
    }
}

/// A file that is generated from some line on.
pub(super) struct Head {
    pub(super) path: &'static str,
    /// Everything after this line is generated.
    mark: &'static str,
    /// The head of a new file.
    new: String,
}

impl Head {
    pub(super) fn manifest(Manifest { name, statecheck }: &Manifest) -> Self {
        Self {
            path: "fuzz/Cargo.toml",
            mark: "# From here on generated from the table of properties; README.md says how.\n",
            new: format!(
                r#"[package]
name = "{name}-fuzz"
version = "0.0.0"
edition = "2024"
publish = false

# A workspace of its own: what builds the library never builds this.
[workspace]

[package.metadata]
cargo-fuzz = true

[dependencies]
{name} = {{ path = ".." }}
statecheck = {statecheck}

# The fuzzer itself, only where cargo-fuzz builds: a stable toolchain replays without it.
[target.'cfg(fuzzing)'.dependencies]
libfuzzer-sys = "0.4"

[lints.rust]
unexpected_cfgs = {{ level = "warn", check-cfg = ["cfg(fuzzing)"] }}

"#
            ),
        }
    }

    pub(super) fn readme() -> Self {
        Self {
            path: "fuzz/README.md",
            mark: "<!-- From here on generated from the table of properties. -->\n",
            new: "# Fuzzing\n\n\
                Each property of the table is a target for \
                [cargo-fuzz](https://rust-fuzz.github.io/book/cargo-fuzz.html), by its own name. Without it, a \
                target replays files: `cargo run --manifest-path fuzz/Cargo.toml --bin NAME -- FILES`.\n\n\
                The test that keeps this folder writes the targets and the table below, if the environment has \
                `UPDATE=1`.\n\n"
                .to_owned(),
        }
    }

    /// The part before the generated one, with the line that ends it.
    pub(super) fn read(self, root: &Path) -> Result<String, FuzzError> {
        let head = match fs::read_to_string(root.join(self.path)) {
            Ok(text) => {
                let head = text.split_once(self.mark).map(|(head, _)| head.to_owned());
                let mark = self.mark.trim_end();
                head.ok_or(FuzzError::NoMark { path: self.path.into(), mark })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.new,
            Err(error) => return Err(FuzzError::at(Path::new(self.path), error)),
        };
        Ok(head + self.mark)
    }
}
