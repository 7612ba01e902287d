//! The specification and the code, bound by the state graph that a model checker finds: what is
//! committed of it is what the checker finds, and every step of it is one of the code, in memory
//! and over TCP. `UPDATE=1 cargo test --test spec committed` writes it again.

#[path = "../common/optional.rs"]
mod optional;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::{Arc, Barrier};
use std::{fs, thread};

use package_indexer::client::Client;
use package_indexer::engine::Engine;
use package_indexer::server::{Config, Server};
use package_indexer::testing::explore::{self, Explored};
use package_indexer::testing::state_graph::{StateGraph, Walk};
use package_indexer::testing::{State, interleaving, state_of_index, state_of_model};
use package_indexer::{Command, Model, Outcome, PackageIndex, Reply, StateMachine};

/// Every step of the specification with three packages.
const ALL: Explored = Explored { states: 567, transitions: 17_010 };

fn spec(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("spec").join(file)
}

fn committed() -> String {
    fs::read_to_string(spec("graph.txt")).expect("spec/graph.txt is there")
}

fn graph() -> StateGraph {
    committed().parse().unwrap_or_else(|error| panic!("spec/graph.txt: {error}"))
}

fn state_of_walk(walk: &Walk<'_>) -> State {
    walk.state().clone()
}

#[test]
fn every_step_of_the_specification_is_one_of_the_index() {
    let graph = graph();
    let projections = (state_of_index, state_of_walk);
    let machines = (PackageIndex::new(), graph.walk());
    let explored = explore::run(graph.commands(), machines, projections);
    assert_eq!(explored.unwrap_or_else(|divergence| panic!("\n{divergence}")), ALL);
}

#[test]
fn every_step_of_the_specification_is_one_of_the_model() {
    let graph = graph();
    let projections = (state_of_model, state_of_walk);
    let machines = (Model::default(), graph.walk());
    let explored = explore::run(graph.commands(), machines, projections);
    assert_eq!(explored.unwrap_or_else(|divergence| panic!("\n{divergence}")), ALL);
}

/// A server of its own, and what it serves.
fn serve() -> (Server, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let server = Server::start([listener], Arc::clone(&engine), Config::default()).unwrap();
    (server, engine)
}

/// It takes all of them in one pass.
#[test]
fn a_server_takes_every_step_of_the_specification() {
    let graph = graph();
    let (server, engine) = serve();
    let mut client = Client::connect(server.addresses()).unwrap();
    let mut walk = graph.walk();
    let mut taken = BTreeSet::new();
    for command in graph.tour() {
        let before = state_of_walk(&walk);
        let specified = walk.apply(&command).unwrap();
        let reply = client.apply(&command).unwrap();
        assert_eq!(reply, specified, "to {command} in {before:?}");
        let held = engine.batch(|index| state_of_index(index)).unwrap();
        assert_eq!(held, *walk.state(), "after {command} in {before:?}");
        taken.insert((before, command.to_string()));
    }
    assert_eq!(taken.len(), ALL.transitions);
}

/// Clients of a served graph.
const CLIENTS: usize = 3;

/// Commands that one client sends, each with its outcome.
type Observed = Vec<(Command, Outcome)>;

/// What clients at once are answered by a server of their own.
fn recorded(streams: [Vec<Command>; CLIENTS]) -> [Observed; CLIENTS] {
    let (server, _engine) = serve();
    let begin = Arc::new(Barrier::new(CLIENTS));
    let clients = streams.map(|commands| {
        let mut client = Client::connect(server.addresses()).unwrap();
        let begin = Arc::clone(&begin);
        thread::spawn(move || {
            let mut replies = Vec::new();
            begin.wait();
            // A few ahead, so that batches of several meet.
            for few in commands.chunks(3) {
                client.apply_all(few, |reply| replies.push(reply)).unwrap();
            }
            let outcomes = replies.into_iter().map(|reply| match reply {
                Reply::Ok => Outcome::Ok,
                Reply::Fail => Outcome::Fail,
                Reply::Error => panic!("well-formed commands are answered"),
            });
            commands.into_iter().zip(outcomes).collect()
        })
    });
    clients.map(|client| client.join().unwrap())
}

/// Whether the clients could have come one after the other.
fn one_after_the_other(graph: &StateGraph, observed: &[Observed; CLIENTS]) -> bool {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    orders.into_iter().any(|order| {
        let mut walk = graph.walk();
        let all = order.into_iter().flat_map(|client| &observed[client]);
        all.into_iter().all(|(command, outcome)| walk.apply(command) == Ok(*outcome))
    })
}

#[test]
fn clients_of_a_loaded_server_see_what_is_specified() {
    let graph = graph();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut met = 0;
    // More rounds only if the clients have not met in any of them.
    for round in 0..1_000 {
        if round >= 20 && met > 0 {
            break;
        }
        let streams = [(); CLIENTS].map(|()| {
            let commands =
                (0..40).map(|_| graph.commands()[random.usize(..graph.commands().len())].clone());
            commands.collect()
        });
        let observed = recorded(streams);
        let order = interleaving::explain(&graph.walk(), state_of_walk, &observed);
        assert!(
            order.is_some(),
            "round {round}: no behaviour explains {observed:?}\n\
             (SEED={seed} repeats the commands, though not who came when)"
        );
        met += usize::from(!one_after_the_other(&graph, &observed));
    }
    assert!(met > 0, "in none of the rounds did the clients meet");
}

#[test]
fn an_answer_that_no_state_gives_is_no_behaviour() {
    let graph = graph();
    let commands = ["INDEX|a|", "INDEX|b|a", "REMOVE|a|", "QUERY|b|"];
    let stream = commands.map(|command| command.parse().unwrap()).to_vec();
    let mut observed = recorded([stream.clone(), stream.clone(), stream]);
    let explained =
        |observed: &[_]| interleaving::explain(&graph.walk(), state_of_walk, observed).is_some();
    assert!(explained(&observed), "{observed:?}");
    // Nothing is missing from an empty list.
    observed[0][0].1 = Outcome::Fail;
    assert!(!explained(&observed), "{observed:?}");
}

/// The state graph of the specification in a folder, as the model checker finds it; `None`, and a
/// line that says why, where there is no checker.
fn found_in(folder: &Path) -> Option<String> {
    let output = Process::new(folder.join("check")).arg("graph").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(2) && said.contains("tla-checker is not installed") {
        optional::TLA_CHECKER.is_missing("that spec/graph.txt is what the checker finds");
        return None;
    }
    assert!(output.status.success(), "spec/check graph: {said}");
    Some(written(&String::from_utf8(output.stdout).unwrap()))
}

#[test]
fn what_is_committed_is_what_the_checker_finds() {
    assert_eq!(graph().state_count(), ALL.states);
    let Some(found) = found_in(&spec("")) else { return };
    if std::env::var_os("UPDATE").is_some() {
        fs::write(spec("graph.txt"), &found).unwrap();
    }
    let kept = committed();
    let differing = found.lines().zip(kept.lines()).find(|(found, kept)| found != kept);
    assert!(
        found == kept,
        "spec/graph.txt is not what the checker finds in PackageIndex.tla, first in {differing:?}; \
         `UPDATE=1 cargo test --test spec committed` writes it again"
    );
}

#[test]
fn a_module_that_says_something_else_is_noticed() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("altered-spec");
    fs::create_dir_all(folder.join("models")).unwrap();
    for file in ["check", "Graph.tla", "models/Graph.cfg"] {
        fs::copy(spec(file), folder.join(file)).unwrap();
    }
    let module = fs::read_to_string(spec("PackageIndex.tla")).unwrap();
    // A package that depends on itself holds itself in place.
    let altered = module.replace(
        "OthersNeed(p) == \\E q \\in indexed \\ {p} :",
        "OthersNeed(p) == \\E q \\in indexed :",
    );
    assert_ne!(altered, module);
    fs::write(folder.join("PackageIndex.tla"), altered).unwrap();
    let Some(found) = found_in(&folder) else { return };
    let found: StateGraph = found.parse().unwrap();
    let projections = (state_of_index, state_of_walk);
    let machines = (PackageIndex::new(), found.walk());
    let divergence = explore::run(found.commands(), machines, projections).unwrap_err();
    let trace: Vec<_> = divergence.trace.iter().map(ToString::to_string).collect();
    assert_eq!(trace, ["INDEX|a|", "INDEX|a|a", "REMOVE|a|"]);
}

/// What a set of TLA+ has in it, none of which is a set.
fn members(set: &str) -> BTreeSet<String> {
    set.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect()
}

/// The text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, text) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    text.split_once(end).unwrap_or_else(|| panic!("no {end} after {start}{text}")).0
}

/// What is indexed, and the function from packages to lists: as in the graph's text.
fn state(indexed: &str, needs: &str) -> String {
    let indexed = members(indexed);
    let mut text = String::new();
    for entry in needs.split("@@") {
        let (package, list) = entry.split_once(":>").unwrap();
        let list = members(between(list, "{", "}"));
        assert!(indexed.contains(package) || list.is_empty(), "{package} was not removed");
        if indexed.contains(package) {
            text += &format!(" {package}[{}]", Vec::from_iter(list).join(","));
        }
    }
    text
}

/// The steps that the checker printed, as the text of a state graph.
fn written(printed: &str) -> String {
    let mut steps: BTreeMap<String, BTreeMap<String, (String, String)>> = BTreeMap::new();
    for line in printed.lines() {
        let line = line.replace(' ', "");
        let (before, rest) = line.split_once(",[command|->").unwrap();
        let (answer, after) = rest.split_once("],{").unwrap();
        let command = format!(
            "{}|{}|{}",
            between(answer, "verb|->\"", "\""),
            between(answer, "package|->", ","),
            between(answer, "dependencies|->{", "}"),
        );
        let reply = between(answer, "reply|->\"", "\"").to_owned();
        let before = state(between(before, "{", "}"), between(before, "(", ")"));
        let after = state(after.split_once('}').unwrap().0, between(after, "(", ")"));
        let earlier = steps.entry(before).or_default().insert(command, (reply, after));
        assert_eq!(earlier, None, "a step is printed twice: {line}");
    }
    // Numbered from the empty index on, breadth first.
    let mut numbers = BTreeMap::from([(String::new(), 0)]);
    let mut ahead = VecDeque::from([String::new()]);
    let commands: Vec<_> = steps[""].keys().cloned().collect();
    let mut rows = String::new();
    while let Some(before) = ahead.pop_front() {
        rows += &format!("{}{before}:", numbers[&before]);
        assert!(steps[&before].keys().eq(&commands), "not every command in{before}");
        for (reply, after) in steps[&before].values() {
            let next = numbers.len();
            let number = *numbers.entry(after.clone()).or_insert_with(|| {
                ahead.push_back(after.clone());
                next
            });
            rows +=
                &if *after == before { format!(" {reply}") } else { format!(" {reply}>{number}") };
        }
        rows += "\n";
    }
    assert_eq!(numbers.len(), steps.len(), "states that are not reached");
    format!(
        "# Every step of PackageIndex.tla with three packages, generated: see `tests/spec/main.rs`.\n\
         # A line has a state's number, its packages with their lists, and for each command the reply,\n\
         # with the number of the next state if that is another.\n\
         commands: {}\n{rows}",
        commands.join(" ")
    )
}
