//! Says what `cargo test` left out. Its name has it run after all other tests; only those of the
//! documentation come later. It has no harness, so that its lines are not captured.

#[path = "../common/optional.rs"]
mod optional;

fn main() {
    // A list, or some tests by name: nobody has asked for the rest.
    let chosen = |argument: String| argument == "--list" || !argument.starts_with('-');
    if std::env::args().skip(1).any(chosen) {
        return;
    }
    let features: &[&str] = if cfg!(feature = "etcd") { &["etcd"] } else { &[] };
    print!("{}", optional::left_out_here(features));
}
