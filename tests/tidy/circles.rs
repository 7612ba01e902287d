//! No circle of files: what two files need of each other belongs in a third.
//!
//! A file leads to another if it names something below it, by `use` or by a path from `crate`, `super` or
//! `self`. That a module names what the file around it holds for all of its parts is no arrow, because such
//! a file has its parts for just that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::house::{root, rust_files, without_tests};

/// A file as the path of its module.
type Module = Vec<String>;

/// Which files each file leads to.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

/// The files of a crate by their modules, with what of their text is neither test nor comment.
fn files(folder: &Path) -> BTreeMap<Module, String> {
    let module = |path: &Path| -> Module {
        let inside = path.strip_prefix(folder).unwrap().with_extension("");
        let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
        parts.filter(|part| part != "lib" && part != "main").collect()
    };
    let code = |text: &str| -> String {
        let lines = without_tests(text).lines();
        lines.map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect()
    };
    let is_test = |part: &String| part.contains("tests") || part == "schedules";
    let all = rust_files(folder).into_iter().map(|(path, text)| (module(&path), code(&text)));
    all.filter(|(module, _)| !module.iter().any(is_test)).collect()
}

/// The paths that a `use` names, of which any part may stand in braces.
fn paths(used: &str) -> Vec<String> {
    let Some((before, rest)) = used.split_once('{') else { return vec![used.trim().to_owned()] };
    let (mut depth, mut begin, mut all) = (0, 0, Vec::new());
    let inside = &rest[..rest.rfind('}').unwrap_or(rest.len())];
    for (at, byte) in inside.bytes().chain([b',']).enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                all.push(&inside[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    let all = all.into_iter().filter(|path| !path.trim().is_empty()).flat_map(paths);
    all.map(|path| before.trim().to_owned() + &path).collect()
}

/// All paths that a text names.
fn named(code: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (number, part) in code.split("use ").enumerate() {
        let (used, rest) =
            if number == 0 { ("", part) } else { part.split_once(';').unwrap_or(("", part)) };
        all.extend(paths(used));
        for begin in ["crate::", "super::", "self::"] {
            for (at, _) in rest.match_indices(begin) {
                let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                all.push(rest[at..].chars().take_while(|c| is_path(*c)).collect());
            }
        }
    }
    all
}

/// The file that a path leads to from a module, unless that is the module itself or around it.
fn led_to<T>(path: &str, from: &Module, files: &BTreeMap<Module, T>) -> Option<Module> {
    let mut parts: Vec<&str> = path.split("::").map(str::trim).collect();
    let mut at = from.clone();
    match parts[0] {
        "crate" => at.clear(),
        "super" | "self" => {}
        // Of its own parts, or of another crate.
        part => {
            at.push(part.to_owned());
            files.contains_key(&at).then_some(())?;
            at.pop();
        }
    }
    while let Some(first) = parts.first().filter(|first| ["crate", "super", "self"].contains(first))
    {
        if *first == "super" {
            at.pop();
        }
        parts.remove(0);
    }
    at.extend(parts.into_iter().map(str::to_owned));
    while !files.contains_key(&at) {
        at.pop()?;
    }
    (!from.starts_with(&at)).then_some(at)
}

fn arrows(files: &BTreeMap<Module, String>) -> Arrows {
    let of = |module: &Module, code: &String| -> BTreeSet<Module> {
        named(code).iter().filter_map(|path| led_to(path, module, files)).collect()
    };
    files.iter().map(|(module, code)| (module.clone(), of(module, code))).collect()
}

/// The modules that lead back to themselves, each with where it goes on to.
fn in_circles(arrows: &Arrows) -> Vec<String> {
    let reached = |from: &Module| -> BTreeSet<&Module> {
        let (mut reached, mut next) =
            (BTreeSet::new(), arrows.get(from).into_iter().flatten().collect::<Vec<_>>());
        while let Some(module) = next.pop() {
            if reached.insert(module) {
                next.extend(arrows.get(module).into_iter().flatten());
            }
        }
        reached
    };
    let reached: BTreeMap<&Module, _> =
        arrows.keys().map(|module| (module, reached(module))).collect();
    let circular = arrows.keys().filter(|module| reached[module].contains(module));
    let shown = |module: &Module| {
        let on = arrows[module].iter().filter(|next| reached[next].contains(module));
        format!(
            "{} -> {}",
            module.join("/"),
            on.map(|next| next.join("/")).collect::<Vec<_>>().join(", ")
        )
    };
    circular.map(shown).collect()
}

#[test]
fn no_files_lead_to_each_other_in_a_circle() {
    for (folder, least) in [("src", 150), ("statecheck/src", 10)] {
        let files = files(&root().join(folder));
        let arrows = arrows(&files);
        let count: usize = arrows.values().map(BTreeSet::len).sum();
        assert!(
            files.len() > least && count > files.len(),
            "{} files, {count} arrows",
            files.len()
        );
        let circular = in_circles(&arrows);
        assert!(circular.is_empty(), "{folder}: {circular:#?}");
    }
}

#[test]
fn a_circle_is_found_however_its_files_name_each_other() {
    let file =
        |path: &str, code: &str| (path.split('/').map(str::to_owned).collect(), code.to_owned());
    let files = BTreeMap::from([
        file("a", "mod b;\nmod c;\nuse b::B;\nuse crate::d::{E, f::{self, G}};\n"),
        file("a/b", "use super::{A, c::C};\n"),
        file("a/c", "fn c() { super::b::call(); }\n"),
        file("d", "pub(crate) mod f;\nuse f::F;\n"),
        file("d/f", "use super::D;\nuse std::fmt;\n"),
    ]);
    assert_eq!(in_circles(&arrows(&files)), ["a/b -> a/c", "a/c -> a/b"]);
}
