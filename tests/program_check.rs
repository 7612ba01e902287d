//! `indexer check` and `indexer replay` as a person or a script meets them: a family of faulty
//! servers that have to be told from a correct one.

mod common;
#[path = "common/faulty_server.rs"]
mod faulty_server;

use common::run;
use faulty_server::Fault;
use serde_json::Value;

/// Checks a server, and returns the exit status with the report.
fn check(fault: Fault, more: &[&str]) -> (Option<i32>, Value) {
    let address = faulty_server::serve(fault).to_string();
    let arguments = ["check", "--addr", &address, "--format", "json"];
    let done = run(&[&arguments[..], more].concat(), b"");
    let report = serde_json::from_str(&done.stdout).unwrap_or_else(|error| {
        panic!("{fault:?}: {error}: {done:?}");
    });
    (done.code, report)
}

/// The checks that failed, each with what was found.
fn failed(report: &Value) -> Vec<(&str, &Value)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["verdict"] == "failed");
    failed.map(|check| (check["name"].as_str().unwrap(), &check["finding"])).collect()
}

/// How many messages a transcript has at most that shows what one client is answered.
const MOST_MESSAGES: u64 = 6;

#[test]
fn every_faulty_server_is_found_out_and_the_correct_one_is_not() {
    for fault in Fault::ALL {
        let (code, report) = check(fault, &[]);
        let failed = failed(&report);
        println!("{fault:?}: {:?}", failed.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        if fault == Fault::None {
            assert_eq!((code, failed.len()), (Some(0), 0), "{failed:?}");
            continue;
        }
        assert_eq!(code, Some(1), "{fault:?}");
        // What one client is answered, if that is wrong, comes before what many are.
        let (name, finding) = failed.first().expect("something was found");
        let messages = finding["messages"].as_u64();
        assert!(messages.is_none_or(|count| count <= MOST_MESSAGES), "{name}: {finding}");
    }
}
