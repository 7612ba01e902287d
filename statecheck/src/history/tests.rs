//! Tests of histories: their text, their judge, their shortened forms, and their recorder. The judge is
//! compared with all orders, tried one by one.

use super::plan::{Part, Plan};
use super::*;
use crate::fixture::{Command, Model, Reply, Shared, checker};
use crate::machine::StateMachine;

pub(super) type Seen = History<Command, Reply>;

pub(super) fn history(text: &str) -> Seen {
    text.parse().unwrap()
}

fn verdict(text: &str) -> Verdict {
    checker().check(&history(text))
}

#[test]
fn a_history_is_read_back_from_its_text() {
    let text = "7> INDEX|a|\n2> QUERY|a|\n7> REMOVE|a|\n7< OK\n2< FAIL\n2> INDEX|b|a\n";
    let history = history(text);
    assert_eq!(history.to_string(), text);
    let answers: Vec<_> =
        history.operations().iter().map(|it| it.answer.map(|answer| answer.at)).collect();
    assert_eq!((answers, history.events()), (vec![Some(3), Some(4), None, None], 6));
}

#[test]
fn times_are_read_back_from_their_text_to_the_nanosecond() {
    // One time was not noted, and two are the same.
    let text = "@0 7> INDEX|a|\n@0.001 2> QUERY|a|\n7< OK\n@1250.08 2< FAIL\n@1250.08 2> QUERY|a|\n\
                @18446744073709551615.999 2< OK\n";
    let timed = history(text);
    assert_eq!(timed.to_string(), text);
    let times: Vec<_> = (0..5).map(|event| timed.time(event)).collect();
    let at = |nanoseconds| Some(std::time::Duration::from_nanos(nanoseconds));
    assert_eq!(times, [at(0), at(1), None, at(1_250_080), at(1_250_080)]);
    assert_eq!(timed.time(6), None);
    // Leading zeros, zeros at the end and blanks in a column can be read as well.
    assert_eq!(history("@007.50   1> QUERY|a|\n").to_string(), "@7.5 1> QUERY|a|\n");
}

#[test]
fn a_line_that_is_none_is_named() {
    for (text, expected) in [
        ("1> INDEX|a|\n# well\n\n1< WELL\n", r#"line 4: "WELL": "#),
        ("1> INDEX\n", r#"line 1: "INDEX": "#),
        ("x> INDEX|a|\n", r#"line 1: "x": "#),
        ("1> INDEX|a|\n2< OK\n", "line 2: client 2 waits for no reply here"),
        ("INDEX|a|\n", r#"line 1: "INDEX|a|" is neither"#),
        ("@7\n", r#"line 1: "" is neither"#),
        ("@7 1> INDEX\n", r#"line 1: "INDEX": "#),
        ("@ 7 1> INDEX|a|\n", r#"line 1: "" is not a time in microseconds"#),
        ("@7. 1> INDEX|a|\n", r#"line 1: "7." is not a time"#),
        ("@+7 1> INDEX|a|\n", r#"line 1: "+7" is not a time"#),
        ("@7.+1 1> INDEX|a|\n", r#"line 1: "7.+1" is not a time"#),
        ("@7.0001 1> INDEX|a|\n", r#"line 1: "7.0001" is not a time"#),
        ("@99999999999999999999 1> INDEX|a|\n", r#"line 1: "99999999999999999999" is not a time"#),
        (
            "@7 1> INDEX|a|\n1> INDEX|b|\n@6.999 1< OK\n",
            "line 3: the time goes back from 7 to 6.999",
        ),
    ] {
        let error = text.parse::<Seen>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn errors_of_a_line_are_short_and_have_no_control_characters() {
    let said = |problem: &str| HistoryError { line: 3, problem: problem.to_owned() }.to_string();
    assert_eq!(said("\u{1b}[31m\"a\\b'é\u{202e}"), "line 3: \\u{1b}[31m\"a\\b'é\\u{202e}");
    let long = "é".repeat(80) + &"x".repeat(20) + &"é".repeat(50);
    assert_eq!(
        said(&long),
        format!("line 3: {}...{} (280 bytes in all)", "é".repeat(80), "é".repeat(32))
    );
    assert_eq!(said(&"x".repeat(257)), format!("line 3: {}", "x".repeat(257)));
    // Cut between characters, if a cut would be within one.
    let shifted = format!("y{}", "é".repeat(200));
    assert_eq!(
        said(&shifted),
        format!("line 3: y{}...{} (401 bytes in all)", "é".repeat(79), "é".repeat(32))
    );
}

#[test]
fn a_command_has_its_place_between_its_call_and_its_reply() {
    // Both are under way at once, in either order.
    assert_eq!(verdict("1> INDEX|a|\n2> QUERY|a|\n1< OK\n2< OK\n"), Verdict::Linearizable);
    assert_eq!(verdict("1> INDEX|a|\n2> QUERY|a|\n1< OK\n2< FAIL\n"), Verdict::Linearizable);
    // One after the other.
    assert_eq!(verdict("1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n"), Verdict::NotLinearizable);
    assert_eq!(verdict("2> QUERY|a|\n2< OK\n1> INDEX|a|\n1< OK\n"), Verdict::NotLinearizable);
    assert_eq!(verdict(""), Verdict::Linearizable);
}

#[test]
fn what_a_client_sends_ahead_takes_effect_in_its_order() {
    assert_eq!(verdict("1> INDEX|a|\n1> QUERY|a|\n1< OK\n1< OK\n"), Verdict::Linearizable);
    assert_eq!(verdict("1> INDEX|a|\n1> QUERY|a|\n1< OK\n1< FAIL\n"), Verdict::NotLinearizable);
}

// Any time since it was called.
#[test]
fn an_unanswered_command_may_have_happened_any_time_or_never() {
    let lost = |rest| verdict(&format!("1> INDEX|a|\n{rest}"));
    assert_eq!(lost("2> QUERY|a|\n2< OK\n"), Verdict::Linearizable);
    assert_eq!(lost("2> QUERY|a|\n2< FAIL\n"), Verdict::Linearizable);
    assert_eq!(lost("2> QUERY|a|\n2< FAIL\n2> QUERY|a|\n2< OK\n"), Verdict::Linearizable);
    assert_eq!(lost("2> QUERY|a|\n2< OK\n2> QUERY|a|\n2< FAIL\n"), Verdict::NotLinearizable);
}

#[test]
fn no_order_explains_an_error() {
    assert_eq!(verdict("1> QUERY|a|\n1< ERROR\n"), Verdict::NotLinearizable);
}

#[test]
fn without_steps_nothing_is_decided_that_is_not_seen_at_once() {
    let checker = checker().steps(1);
    let wrong = history("1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n");
    assert_eq!(checker.check(&wrong), Verdict::Undecided);
    assert_eq!(checker.minimise(&wrong), None);
}

#[test]
fn an_order_that_is_seen_at_once_needs_no_steps() {
    // Each of ten clients is told what only one order explains: the last one to ask was the first.
    let calls: String =
        (0..10).map(|client| format!("{client}> INDEX|p{client}|p{}\n", client + 1)).collect();
    let replies: String = (0..10).rev().map(|client| format!("{client}< OK\n")).collect();
    let text = format!("10> INDEX|p10|\n{calls}{replies}10< OK\n");
    assert_eq!(checker().steps(0).check(&history(&text)), Verdict::Linearizable);
}

/// A history of a few clients, whose replies may well be wrong.
fn any_history(rng: &mut fastrand::Rng) -> Seen {
    let mut history = Seen::default();
    let mut waiting = [0; 3];
    for _ in 0..10 {
        let client = rng.usize(..3);
        if waiting[client] > 0 && rng.bool() {
            history.reply(client, rng.choice([Reply::Ok, Reply::Fail]).unwrap()).unwrap();
            waiting[client] -= 1;
        } else if history.operations().len() < 6 {
            let line = ["INDEX|a|", "INDEX|b|a", "INDEX|a|b", "REMOVE|a|", "QUERY|a|", "QUERY|b|"];
            history.call(client, rng.choice(line).unwrap().parse().unwrap());
            waiting[client] += 1;
        }
    }
    history
}

/// Whether any order at all explains a history. It tries every one, by the definition.
fn some_order_explains(history: &Seen) -> bool {
    fn extend(history: &Seen, order: &mut Vec<usize>, model: &Model) -> bool {
        let operations = history.operations();
        let open: Vec<usize> =
            (0..operations.len()).filter(|number| !order.contains(number)).collect();
        // Those left without a reply need not have happened.
        open.iter().all(|number| operations[*number].answer.is_none())
            || open.iter().any(|number| {
                let operation = &operations[*number];
                let too_early = open.iter().any(|other| {
                    let returned = operations[*other].answer.map_or(usize::MAX, |it| it.at);
                    returned < operation.called
                        || (operations[*other].client == operation.client && other < number)
                });
                let mut model = model.clone();
                let outcome = model.apply(&operation.command).unwrap();
                let expected =
                    operation.answer.is_none_or(|answer| answer.reply == Reply::from(outcome));
                !too_early && expected && {
                    order.push(*number);
                    let explained = extend(history, order, &model);
                    order.pop();
                    explained
                }
            })
    }
    extend(history, &mut Vec::new(), &Model::default())
}

#[test]
fn the_judge_says_what_trying_every_order_says() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut explained = 0;
    for _ in 0..4_000 {
        let history = any_history(&mut rng);
        let expected = some_order_explains(&history);
        explained += usize::from(expected);
        let expected = if expected { Verdict::Linearizable } else { Verdict::NotLinearizable };
        let checker = checker();
        assert_eq!(checker.check(&history), expected, "\n{history}");
        // The search alone, which comes last, and does not know which commands only read.
        let all = |_| Part::Kept;
        assert_eq!(
            checker.decide_part(&history, history.events(), &checker.steps_of_one(), all),
            expected,
            "\n{history}"
        );
        let plain =
            Checker::new(Model::default(), |outcome, reply| Reply::from(*outcome) == *reply);
        assert_eq!(plain.check(&history), expected, "\n{history}");
    }
    assert!((500..3_500).contains(&explained), "{explained} of 4,000 are linearizable");
}

#[test]
fn an_order_that_explains_nothing_is_not_taken_for_a_witness() {
    let checker = checker();
    let history =
        history("1> INDEX|a|\n1> QUERY|a|\n2> INDEX|b|\n1< OK\n1< OK\n2< OK\n1> QUERY|b|\n1< OK\n");
    let plan = Plan::new(&history, history.events(), |_| Part::Kept, checker.judge());
    for (order, explains) in [
        (vec![0, 1, 2, 3], true),
        (vec![2, 0, 1, 3], true),
        // One is missing; one is there twice.
        (vec![0, 1, 2], false),
        (vec![0, 1, 1, 2, 3], false),
        // Before its call; before an earlier one of its client.
        (vec![0, 1, 3, 2], false),
        (vec![0, 2, 3, 1], false),
        (vec![1, 0, 2, 3], false),
    ] {
        assert_eq!(plan.is_explained_by(&order), explains, "{order:?}");
    }
    // Each has its reply in either order, but one had returned when the other was called.
    let history = self::history("1> QUERY|a|\n1< FAIL\n2> QUERY|a|\n2< FAIL\n");
    let plan = Plan::new(&history, history.events(), |_| Part::Kept, checker.judge());
    assert!(plan.is_explained_by(&[0, 1]));
    assert!(!plan.is_explained_by(&[1, 0]));
}

#[test]
fn a_wrong_history_is_shortened_to_just_what_shows_the_fault() {
    let wrong = history(
        "1> INDEX|c|\n1< OK\n3> REMOVE|a|\n2> INDEX|b|c\n2< OK\n3< OK\n1> INDEX|a|\n4> QUERY|c|\n\
         1< OK\n2> QUERY|a|\n4< OK\n3> REMOVE|b|\n2< FAIL\n3< OK\n1> REMOVE|a|\n1< OK\n",
    );
    let short = checker().minimise(&wrong).unwrap();
    // The REMOVE of a had returned before, so it cannot excuse the reply. Without the INDEX the reply would
    // be right.
    assert_eq!(short.to_string(), "1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n");
    assert_eq!(checker().minimise(&history("1> INDEX|a|\n1< OK\n")), None);
}

#[test]
fn what_is_shortened_keeps_its_times() {
    let wrong = history(
        "@1 1> INDEX|c|\n@2.5 1> INDEX|a|\n@3 1< OK\n@4 1< OK\n5> QUERY|c|\n@7 2> QUERY|a|\n\
         @8.125 2< FAIL\n@9 5< OK\n",
    );
    let short = checker().minimise(&wrong).unwrap();
    assert_eq!(short.to_string(), "@2.5 1> INDEX|a|\n@4 1< OK\n@7 2> QUERY|a|\n@8.125 2< FAIL\n");
}

#[test]
fn the_first_reply_that_no_order_explains_is_found() {
    let found = |text| checker().first_unexplained(&history(text));
    // Calls and replies before, between and after, and another wrong reply among them.
    let text = "1> INDEX|a|\n3> QUERY|b|\n2> QUERY|b|\n1< OK\n2< FAIL\n2> QUERY|a|\n4> INDEX|b|\n\
                2< FAIL\n4< OK\n3< OK\n1> QUERY|b|\n1< FAIL\n";
    assert_eq!(found(text), Some(3));
    // One that is explained, and one that is not decided.
    assert_eq!(found("1> INDEX|a|\n2> QUERY|a|\n1< OK\n2< OK\n"), None);
    assert_eq!(found(""), None);
    let wrong = history("1> INDEX|a|\n1< OK\n2> QUERY|a|\n2< FAIL\n");
    assert_eq!(checker().first_unexplained(&wrong), Some(1));
    assert_eq!(checker().steps(1).first_unexplained(&wrong), None);
}

// Whether it happened or not.
#[test]
fn a_change_is_left_out_only_if_the_fault_shows_either_way() {
    // If there were no REMOVE, the INDEX alone would excuse the reply to the QUERY.
    let wrong = history("1> INDEX|a|\n1< OK\n2> REMOVE|a|\n2< OK\n1> QUERY|a|\n1< OK\n");
    let short = checker().minimise(&wrong).unwrap();
    assert_eq!(short.to_string(), "2> REMOVE|a|\n2< OK\n1> QUERY|a|\n1< OK\n");
}

#[test]
fn what_explains_all_but_the_last_reply_is_not_left_out() {
    // Without the first command the second reply would be wrong already.
    let wrong = history("1> INDEX|a|\n1< OK\n1> INDEX|b|a\n1< OK\n2> REMOVE|a|\n2< OK\n");
    assert_eq!(checker().minimise(&wrong), Some(wrong));
}

#[test]
fn the_shortened_part_of_any_wrong_history_is_wrong() {
    let mut rng = fastrand::Rng::with_seed(8);
    let mut shortened = 0;
    for _ in 0..1_000 {
        let history = any_history(&mut rng);
        if let Some(short) = checker().minimise(&history) {
            assert!(!some_order_explains(&short), "\n{history}\n{short}");
            let mut lines: Vec<_> = short.to_string().lines().map(str::to_owned).collect();
            lines.pop();
            let before = lines.join("\n").parse().unwrap();
            assert!(some_order_explains(&before), "\n{history}\n{short}");
            // It ends with the first wrong reply of the whole.
            let unexplained = checker().first_unexplained(&history).unwrap();
            let last = checker().first_unexplained(&short).unwrap();
            let (whole, short_one) =
                (&history.operations()[unexplained], &short.operations()[last]);
            assert_eq!(short_one.answer.unwrap().at, short.events() - 1, "\n{history}\n{short}");
            assert_eq!(
                (short_one.client, &short_one.command),
                (whole.client, &whole.command),
                "\n{history}\n{short}"
            );
            shortened += usize::from(short.events() < history.events());
        }
    }
    assert!(shortened > 300, "{shortened}");
}

#[test]
fn what_clients_see_is_recorded_in_the_order_of_time() {
    let shared = Shared::default();
    let script = || vec![vec!["INDEX|a|".parse().unwrap(), "QUERY|a|".parse().unwrap()]; 5];
    // The first client sends its last burst only when the second has been told all. The third is cut off in
    // the midst of its first one.
    let (told, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new((wait, 0));
    let clients = vec![(1, script()), (2, script()), (3, script())];
    let recording = record(clients, |number, burst: &[Command], reply| {
        if *number == 1 {
            let mut wait = wait.lock().unwrap();
            wait.1 += 1;
            if wait.1 == 5 {
                (0..5).for_each(|_| wait.0.recv().unwrap());
            }
        }
        for (place, command) in burst.iter().enumerate() {
            if *number == 3 && place == 1 {
                return Err("cut off");
            }
            reply(Reply::from(shared.apply(command)));
        }
        if *number == 2 {
            told.send(()).unwrap();
        }
        Ok(())
    });
    assert_eq!(recording.cut_off, [(3, "cut off")]);
    let history = recording.history;
    assert_eq!((history.operations().len(), history.events()), (22, 43));
    assert_eq!(checker().check(&history), Verdict::Linearizable);
    let of = |client| history.operations().iter().filter(move |it| it.client == client);
    let last_told = of(2).filter_map(|it| it.answer).map(|answer| answer.at).max();
    let last_burst_told = of(1).filter_map(|it| it.answer).map(|answer| answer.at).max();
    assert!(last_told < last_burst_told, "{history}");
    let times: Vec<_> = (0..history.events()).map(|event| history.time(event).unwrap()).collect();
    assert!(times.is_sorted(), "{history}");
    assert_eq!(history.to_string().parse(), Ok(history.clone()));
    for operation in history.operations() {
        assert!(operation.answer.is_none_or(|answer| answer.at > operation.called), "{history}");
    }
}

#[test]
#[should_panic(expected = "a burst has as many replies as commands")]
fn a_burst_that_is_not_answered_whole_is_a_mistake_of_the_test() {
    let burst: Vec<Command> = vec!["QUERY|a|".parse().unwrap(), "QUERY|b|".parse().unwrap()];
    let _never = record(vec![((), vec![burst])], |(), _, reply| {
        reply(Reply::Fail);
        Ok::<(), ()>(())
    });
}
