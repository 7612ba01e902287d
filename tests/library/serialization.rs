//! serde (feature `serde`): what is written reads back, and what cannot exist is refused.

use package_indexer::{Command, Name, Outcome, PackageIndex, Reply};

fn index() -> PackageIndex {
    PackageIndex::from_iter([
        Command::index("hen", []).unwrap(),
        Command::index("egg", ["hen"]).unwrap(),
        Command::index("hen", ["egg"]).unwrap(),
        Command::index("cake", ["egg"]).unwrap(),
    ])
}

#[test]
fn an_index_is_a_map_from_package_to_dependencies() {
    let json = serde_json::to_string(&index()).unwrap();
    assert_eq!(json, r#"{"cake":["egg"],"egg":["hen"],"hen":["egg"]}"#);
    let read: PackageIndex = serde_json::from_str(&json).unwrap();
    assert_eq!(read, index());
    assert_eq!(read.check_invariants(), Ok(()));
}

#[test]
fn an_impossible_index_is_refused_with_the_package_at_fault() {
    let open = serde_json::from_str::<PackageIndex>(r#"{"a":["b"]}"#).unwrap_err();
    assert!(open.to_string().starts_with("a depends on b, which is not in the index"), "{open}");
    let malformed = serde_json::from_str::<PackageIndex>(r#"{"a b":[]}"#).unwrap_err();
    assert!(malformed.to_string().starts_with("byte 0x20 at offset 1"), "{malformed}");
}

#[test]
fn commands_names_outcomes_and_replies_read_back() {
    let commands = [
        Command::index("vim", ["lua"]).unwrap(),
        Command::remove("vim").unwrap(),
        Command::query("vim").unwrap(),
    ];
    let json = serde_json::to_string(&commands).unwrap();
    assert_eq!(
        json,
        r#"[{"index":{"package":"vim","dependencies":["lua"]}},{"remove":{"package":"vim"}},{"query":{"package":"vim"}}]"#
    );
    assert_eq!(serde_json::from_str::<[Command; 3]>(&json).unwrap(), commands);
    let name: Name = serde_json::from_str(r#""python@3.12""#).unwrap();
    assert_eq!(name.as_str(), "python@3.12");
    assert_eq!(
        serde_json::to_string(&(Outcome::Fail, Reply::Error)).unwrap(),
        r#"["FAIL","ERROR"]"#
    );
}
