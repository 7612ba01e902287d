//! What a system of several addresses shares: all addresses know at once what one of them was told.
//!
//! Messages go to one address after the other, each after all earlier ones are answered. Every reply
//! must be that of one machine that was told all of them.

use std::iter;

use quickcheck::{Arbitrary, Gen};

use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::system::System;
use super::{generated, scripted};
use crate::command::Command;
use crate::testing::transcript::Transcript;

/// The rules that a system with several addresses must keep. They hold for any connection.
const RULES: [&str; 4] = ["C5", "O4", "O5", "O6"];

/// How many conversations are drawn without a time limit.
const DRAWN: u64 = 100;

/// The most commands that go to one address before the next. Each conversation draws one of these,
/// mostly 1.
const BURSTS: [usize; 4] = [1, 1, 1, 5];

/// The checks that need several addresses, for a system with this many.
pub(super) fn checks(addresses: usize) -> Vec<Check> {
    let rules = || RULES.map(str::to_owned).to_vec();
    let transcripts = scripted::all();
    let cases = (transcripts.len() * addresses) as u64;
    let attempt = move |context: &Context, _, number: u64| {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let (number, start) = (number / addresses, number % addresses);
        transcripts
            .get(number)
            .map_or(Trial::LeftOut, |it| context.holds(&in_turn(&context.target.system, it, start)))
    };
    let in_turn = Check {
        name: "each_message_at_the_next_address".into(),
        promise: "What one address is told is known at the next: transcripts, message by message."
            .into(),
        rules: rules(),
        stage: Stage::Addresses,
        cases,
        drawn: false,
        attempt: Box::new(attempt),
    };
    let anywhere = Check::drawn(
        Stage::Addresses,
        "commands_at_any_address",
        "At any address, a command gets the reply of one machine.",
        &RULES,
        DRAWN,
        |context, seed| {
            let mut g = Gen::from_size_and_seed(100, seed);
            context.holds(&anywhere(&context.target.system, &mut g, context.settings.commands))
        },
    );
    vec![in_turn, anywhere]
}

/// All lines of a transcript, each at the address after that of the line before.
fn in_turn(system: &System, transcript: &Transcript, start: usize) -> Transcript {
    // A line without its LF gets no reply to wait for.
    let lines = transcript.lines().into_iter().filter(|line| line.ends_with(b"\n"));
    system.scattered((start..).zip(lines.map(|line| vec![line])))
}

/// Drawn commands, `most` at most, at addresses in turn or at random.
fn anywhere(system: &System, g: &mut Gen, most: usize) -> Transcript {
    let count = system.count();
    let burst = g.choose(&BURSTS).copied().unwrap_or(1);
    let most = 1 + usize::arbitrary(g) % most.max(1);
    let commands = generated::commands(g, most);
    let (start, in_turn) = (usize::arbitrary(g) % count, bool::arbitrary(g));
    let numbers = iter::successors(Some(start), |number| {
        Some((number + if in_turn { 1 } else { usize::arbitrary(g) % count }) % count)
    });
    let lines = |burst: &[Command]| {
        burst.iter().map(|command| format!("{command}\n").into_bytes()).collect()
    };
    system.scattered(numbers.zip(commands.chunks(burst).map(lines)))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::index::PackageIndex;
    use crate::testing::transcript::InMemory;

    fn three() -> System {
        let addresses = [1, 2, 3].map(|port| SocketAddr::from(([127, 0, 0, 1], port)).into());
        System::new(addresses).unwrap()
    }

    #[test]
    fn transcripts_are_answered_at_all_addresses_as_by_one_machine() {
        for transcript in scripted::all() {
            for start in 0..3 {
                let said = in_turn(&three(), &transcript, start).answered();
                assert_eq!(three().addresses_in(&said), 3, "{said}");
                said.run(&mut InMemory::new(PackageIndex::new())).unwrap();
            }
        }
    }

    // At each address it sees what others were told.
    #[test]
    fn what_is_drawn_goes_to_all_addresses_and_sees_each_other() {
        let seen_elsewhere = |said: &Transcript| said.to_string().matches("\n< OK\n@ ").count();
        let drawn = (0..20).map(|seed| {
            let said = anywhere(&three(), &mut Gen::from_size_and_seed(100, seed), 200).answered();
            said.run(&mut InMemory::new(PackageIndex::new())).unwrap();
            (three().addresses_in(&said), seen_elsewhere(&said))
        });
        let drawn: Vec<_> = drawn.collect();
        assert!(drawn.iter().filter(|(addresses, _)| *addresses == 3).count() > 10, "{drawn:?}");
        assert!(drawn.iter().map(|(_, seen)| seen).sum::<usize>() > 100, "{drawn:?}");
    }

    #[test]
    fn each_transcript_has_a_case_for_each_address_to_begin_at() {
        let [in_turn, _] = &checks(3)[..] else { panic!("there are two") };
        assert_eq!(in_turn.cases, 3 * scripted::all().len() as u64);
    }
}
