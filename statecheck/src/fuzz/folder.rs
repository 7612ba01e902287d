//! The folder of fuzz targets: what the table generates, and how the files differ from that.
//!
//! [`heads`](super::heads) writes what a person may want to change once, and then leaves it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use super::FuzzError;
use super::heads::{Head, Manifest};
use crate::property::Property;

/// Files by their paths from the project's root.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Files that fuzzing leaves, and that are not committed.
const IGNORED: &str = "/target\n/corpus\n/artifacts\n/coverage\n";

/// How many seeds are kept of an example that makes one of each line.
const MOST_SEEDS: usize = 4;

/// The folder `fuzz/` of a package, generated from a table of properties.
///
/// | file | what is generated |
/// |---|---|
/// | `fuzz/fuzz_targets/NAME.rs` | a target for each property, which is one call of [`fuzz_target!`](crate::fuzz_target) |
/// | `fuzz/Cargo.toml` | the `[[bin]]` of each target, after a line that says so |
/// | `fuzz/README.md` | a table of all targets, after a line that says so |
/// | `fuzz/src/lib.rs` | the library with the properties, if they are in a file of tests |
/// | `fuzz/seeds/INPUT/` | the seeds that each type of input makes of the examples |
/// | the dictionary | words for libFuzzer, if there are any |
///
/// The parts before those lines, and `fuzz/.gitignore`, are written only if they do not exist. After that
/// they are yours. Inputs in `fuzz/regressions/NAME/`, which once broke a property, are replayed with the
/// seeds.
///
/// ```no_run
/// # fn roster() -> Vec<statecheck::property::Property> { vec![] }
/// use statecheck::fuzz::{FuzzError, FuzzFolder};
///
/// fn folder() -> FuzzFolder {
///     FuzzFolder::of_file(env!("CARGO_MANIFEST_DIR"), "tests/properties.rs", roster())
///         .example("a-session", "what a client sends")
/// }
///
/// // In one test. With `UPDATE` in the environment it writes the folder instead.
/// folder().keep()?;
/// // In another test.
/// folder().replay()?;
/// # Ok::<(), FuzzError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FuzzFolder {
    root: PathBuf,
    properties: Properties,
    roster: Vec<Property>,
    command: String,
    dictionary: Option<(String, String)>,
    examples: BTreeMap<String, Vec<u8>>,
}

/// Where the functions are that return the properties.
#[derive(Debug, Clone)]
enum Properties {
    /// In a public module of the library, by its path.
    Module(String),
    /// In a file.
    File(String),
}

impl FuzzFolder {
    /// The folder of the package at `root`. Its properties are functions in a public module of its library,
    /// such as `my_crate::properties`.
    #[must_use]
    pub fn of_library(root: impl Into<PathBuf>, module: &str, roster: Vec<Property>) -> Self {
        Self::new(root.into(), Properties::Module(module.to_owned()), roster)
    }

    /// The folder of the package at `root`. Its properties are functions in a file of its tests, such as
    /// `tests/properties.rs`. The targets compile that file without what is for tests alone.
    #[must_use]
    pub fn of_file(root: impl Into<PathBuf>, file: &str, roster: Vec<Property>) -> Self {
        Self::new(root.into(), Properties::File(file.to_owned()), roster)
    }

    fn new(root: PathBuf, properties: Properties, roster: Vec<Property>) -> Self {
        Self {
            root,
            properties,
            roster,
            command: "cargo +nightly fuzz run".to_owned(),
            dictionary: None,
            examples: BTreeMap::new(),
        }
    }

    /// Sets the command that runs a target, in place of `cargo +nightly fuzz run`. The name of the target
    /// follows it.
    #[must_use]
    pub fn command(mut self, command: &str) -> Self {
        command.clone_into(&mut self.command);
        self
    }

    /// Keeps words for libFuzzer in the file `name`, below a comment. They are written as they are, so that a
    /// byte can be `\x0a`.
    #[must_use]
    pub fn dictionary(
        mut self,
        name: &str,
        comment: &str,
        words: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let words = words.into_iter().map(|word| format!("\"{}\"\n", word.as_ref()));
        let text = format!("# {comment} Generated: see fuzz/README.md.\n");
        self.dictionary = Some((format!("fuzz/{name}"), text + &words.collect::<String>()));
        self
    }

    /// Adds an example to make seeds of, in a form that the types of inputs understand.
    #[must_use]
    pub fn example(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.examples.insert(name.to_owned(), bytes.into());
        self
    }

    /// Checks the folder, or writes it again if the environment has the variable `UPDATE`.
    ///
    /// # Errors
    /// As [`check`](Self::check) or [`write`](Self::write).
    pub fn keep(&self) -> Result<(), FuzzError> {
        if env::var_os("UPDATE").is_some() { self.write() } else { self.check() }
    }

    /// Checks that the folder is what the table generates.
    ///
    /// # Errors
    /// [`FuzzError::Stale`] if it is not.
    pub fn check(&self) -> Result<(), FuzzError> {
        let expected = self.generated()?;
        let present = self.present(&expected)?;
        let paths: BTreeSet<_> = expected.keys().chain(present.keys()).collect();
        let differ = |path: &&PathBuf| expected.get(*path) != present.get(*path);
        let paths: Vec<_> = paths.into_iter().filter(differ).cloned().collect();
        if paths.is_empty() { Ok(()) } else { Err(FuzzError::Stale { paths }) }
    }

    /// Writes what the table generates, and removes other targets and seeds.
    ///
    /// # Errors
    /// If a file cannot be read or written, or lacks the line after which it is generated.
    pub fn write(&self) -> Result<(), FuzzError> {
        let expected = self.generated()?;
        let present = self.present(&expected)?;
        for path in present.keys().filter(|path| !expected.contains_key(*path)) {
            fs::remove_file(self.root.join(path)).map_err(|error| FuzzError::at(path, error))?;
        }
        for (path, bytes) in &expected {
            let absolute = self.root.join(path);
            let folder = absolute.parent().map_or(Ok(()), fs::create_dir_all);
            folder
                .and_then(|()| fs::write(absolute, bytes))
                .map_err(|error| FuzzError::at(path, error))?;
        }
        Ok(())
    }

    /// Tries every property on its seeds and on its regressions. Returns how many inputs there were.
    ///
    /// # Errors
    /// [`FuzzError::Violated`] for the first property that does not hold.
    pub fn replay(&self) -> Result<usize, FuzzError> {
        let mut replayed = 0;
        for property in &self.roster {
            let regressions = self.files_in(&format!("fuzz/regressions/{}", property.name))?;
            for (path, bytes) in
                self.files_in(&seed_folder(property))?.into_iter().chain(regressions)
            {
                if let Err(violation) = property.replay(&bytes) {
                    let violation = Box::new(violation);
                    return Err(FuzzError::Violated { path, violation });
                }
                replayed += 1;
            }
        }
        Ok(replayed)
    }

    /// The files in `fuzz/regressions/` that belong to no property of the table, so that nobody replays them.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn strays(&self) -> Result<Vec<PathBuf>, FuzzError> {
        let is_stray = |path: &PathBuf| {
            let folder = path.components().nth(2).map(|folder| folder.as_os_str().to_owned());
            !self.roster.iter().any(|it| folder.as_ref().is_some_and(|folder| folder == it.name))
        };
        Ok(self.files_in("fuzz/regressions")?.into_keys().filter(is_stray).collect())
    }

    /// Everything that is generated.
    fn generated(&self) -> Result<Files, FuzzError> {
        let manifest = Manifest::read(&self.root)?;
        let module = match &self.properties {
            Properties::Module(module) => module.clone(),
            Properties::File(_) => format!("{}::properties", manifest.fuzz_crate()),
        };
        let targets = self.roster.iter().map(|property| {
            let path = format!("fuzz/fuzz_targets/{}.rs", property.name);
            (path, target(property, &module))
        });
        let mut texts: Vec<_> = targets.chain(self.dictionary.clone()).collect();
        for (head, tail) in
            [(Head::manifest(&manifest), self.bins()), (Head::readme(), self.table())]
        {
            texts.push((head.path.to_owned(), head.read(&self.root)? + &tail));
        }
        texts.extend(self.library());
        if !self.root.join("fuzz").exists() {
            texts.push(("fuzz/.gitignore".to_owned(), IGNORED.to_owned()));
        }
        let mut files = Files::new();
        let texts = texts.into_iter().map(|(path, text)| (path, text.into_bytes()));
        for (path, bytes) in texts.chain(self.seeds()) {
            let path = PathBuf::from(path);
            if files.insert(path.clone(), bytes).is_some() {
                return Err(FuzzError::Twice { path });
            }
        }
        Ok(files)
    }

    /// The files that exist: all targets and seeds, and any other expected file.
    fn present(&self, expected: &Files) -> Result<Files, FuzzError> {
        let mut present = self.files_in("fuzz/fuzz_targets")?;
        present.extend(self.files_in("fuzz/seeds")?);
        for path in expected.keys() {
            if !present.contains_key(path)
                && let Ok(bytes) = fs::read(self.root.join(path))
            {
                present.insert(path.clone(), bytes);
            }
        }
        Ok(present)
    }

    /// The library of the fuzz package, if the properties are in a file of tests: it includes that file.
    fn library(&self) -> Option<(String, String)> {
        let Properties::File(file) = &self.properties else { return None };
        let text = format!(
            "//! The properties of `{file}`, for the targets. Generated: see `fuzz/README.md`.\n\n\
             #[path = \"../../{file}\"]\npub mod properties;\n"
        );
        Some(("fuzz/src/lib.rs".to_owned(), text))
    }

    fn bins(&self) -> String {
        let bin = |Property { name, .. }: &Property| {
            format!(
                "\n[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n\
                 test = false\ndoc = false\nbench = false\n"
            )
        };
        self.roster.iter().map(bin).collect()
    }

    fn table(&self) -> String {
        let head =
            "\n| target | what it checks | input | rules | to run it |\n|---|---|---|---|---|\n";
        let row = |Property { name, promise, input, rules, .. }: &Property| {
            let (rules, command) = (rules.join(" "), &self.command);
            format!("| `{name}` | {promise} | `{input}` | {rules} | `{command} {name}` |\n")
        };
        head.to_owned() + &self.roster.iter().map(row).collect::<String>()
    }

    /// For each type of input, the seeds that it makes of the examples.
    fn seeds(&self) -> BTreeMap<String, Vec<u8>> {
        let mut seeds = BTreeMap::new();
        let folders: BTreeMap<_, _> = self.roster.iter().map(|it| (seed_folder(it), it)).collect();
        for (folder, property) in folders {
            for (example, bytes) in &self.examples {
                let made = property.seeds(bytes);
                let step = made.len().div_ceil(MOST_SEEDS).max(1);
                for (number, seed) in made.into_iter().step_by(step).enumerate() {
                    seeds.insert(format!("{folder}/{example}-{number}"), seed);
                }
            }
        }
        seeds
    }

    /// All files below a folder, or none if there is no such folder.
    fn files_in(&self, folder: &str) -> Result<Files, FuzzError> {
        let mut files = Files::new();
        let mut ahead = vec![PathBuf::from(folder)];
        while let Some(path) = ahead.pop() {
            let absolute = self.root.join(&path);
            if absolute.is_dir() {
                let entries =
                    fs::read_dir(absolute).map_err(|error| FuzzError::at(&path, error))?;
                for entry in entries {
                    ahead.push(
                        path.join(entry.map_err(|error| FuzzError::at(&path, error))?.file_name()),
                    );
                }
            } else if absolute.exists() {
                let bytes = fs::read(absolute).map_err(|error| FuzzError::at(&path, error))?;
                files.insert(path, bytes);
            }
        }
        Ok(files)
    }
}

fn target(property: &Property, module: &str) -> String {
    // By the last part of the path, so that the call fits a line.
    let (used, module) = match module.rsplit_once("::") {
        Some((_, last)) => (format!("use {module};\n\n"), last),
        None => (String::new(), module),
    };
    format!(
        "//! {}\n//! Seeds: {}. Generated: see `fuzz/README.md`.\n\
         #![cfg_attr(fuzzing, no_main)]\n\n\
         {used}statecheck::fuzz_target!({module}::{}());\n",
        property.promise,
        seed_folder(property),
        property.name
    )
}

/// The folder of a property's seeds. Inputs of one type share their seeds, for all its type parameters.
fn seed_folder(property: &Property) -> String {
    format!("fuzz/seeds/{}", property.input.split('<').next().unwrap_or_default())
}
