//! Tests of what is left if the steps do not suffice. The other tests are with those of histories.

use super::super::Verdict;
use crate::fixture::{Command, Model, Reply, checker};
use crate::history::tests::{Seen, history};
use crate::machine::StateMachine;

#[test]
fn a_history_of_too_many_steps_is_still_cut_at_its_fault() {
    let wrong = history(
        "1> INDEX|c|\n1< OK\n1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n1> QUERY|c|\n1< OK\n2> QUERY|c|\n2< OK\n",
    );
    let cut = checker().steps_to_shorten(1).minimise(&wrong).unwrap();
    assert_eq!(cut.to_string(), "1> INDEX|c|\n1< OK\n1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n");
    let short = checker().steps_to_shorten(3_200).minimise(&wrong).unwrap();
    assert_eq!(short.to_string(), "1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n");
    // Nothing is known if the steps run out before that.
    assert_eq!(checker().steps(1).steps_to_shorten(3_200).minimise(&wrong), None);
}

#[test]
fn shortening_ends_also_where_everything_may_have_happened() {
    // Many changes of six packages before the fault. If each may have happened or not, they have more states
    // than can be kept.
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut rng = fastrand::Rng::with_seed(3);
    let mut model = Model::default();
    let mut wrong = Seen::default();
    while wrong.operations().len() < 100 {
        let mut name = || rng.choice(names).unwrap();
        let (package, dependency) = (name(), name());
        let command = match wrong.operations().len() % 3 {
            0 => Command::index(package, []),
            1 => Command::index(package, [dependency]),
            _ => Command::remove(package),
        };
        let command = command.unwrap();
        let outcome = model.apply(&command).unwrap();
        wrong.call(1, command);
        wrong.reply(1, outcome.into()).unwrap();
    }
    wrong.call(1, Command::index("a", []).unwrap());
    wrong.reply(1, Reply::Ok).unwrap();
    wrong.call(2, Command::query("a").unwrap());
    wrong.reply(2, Reply::Fail).unwrap();
    let checker = checker().steps(5_000);
    let short = checker.minimise(&wrong).unwrap();
    assert_eq!(checker.check(&short), Verdict::NotLinearizable);
    assert!(short.operations().len() * 2 < wrong.operations().len(), "{short}");
}
