//! At which address what is said: a connection of a transcript is called by its address, if there
//! are several.
//!
//! So a transcript says by itself where each message goes and each reply comes from, whatever is
//! left out of it: what is found is shortened, shown, kept and tried again as it is.

use std::collections::BTreeMap;

use super::system::System;
use crate::testing::transcript::{Mismatch, Step, Transcript};

/// What a connection is called that nobody has named.
const MAIN: &str = "main";

/// What stands between the name of a connection and its address.
const AT: &str = " at ";

impl System {
    /// The same transcript with each of its connections at an address: where its name says, and
    /// otherwise in turn, the first at the address of number `start`. With one address it is as it
    /// was.
    pub(super) fn spread(&self, transcript: &Transcript, start: usize) -> Transcript {
        if !self.has_several() {
            return transcript.clone();
        }
        let mut turns = Turns { system: self, start, taken: BTreeMap::new() };
        let (mut current, mut last) = (MAIN, None);
        let mut steps = Vec::new();
        for step in transcript.steps() {
            if let Step::Switch(name) = step {
                current = name;
                continue;
            }
            // Said before the first step too, and only where it changes.
            let name = turns.name(current);
            if last.as_ref() != Some(&name) {
                steps.push(Step::Switch(name.clone()));
                last = Some(name);
            }
            steps.push(step.clone());
        }
        Transcript::from_steps(steps)
    }

    /// The transcript with its connections at every address in turn, once for each way to begin.
    /// There is one way where all say where they are.
    pub(super) fn all_spread(&self, transcript: &Transcript) -> Vec<Transcript> {
        let mut all: Vec<_> =
            (0..self.count()).map(|start| self.spread(transcript, start)).collect();
        all.dedup();
        all
    }

    /// Lines that are sent in bursts, each of which goes to the address of this number when all before
    /// are answered.
    pub(super) fn scattered(
        &self,
        bursts: impl IntoIterator<Item = (usize, Vec<Vec<u8>>)>,
    ) -> Transcript {
        let steps = bursts.into_iter().flat_map(|(number, lines)| {
            let place = Step::Switch(self.address(number).name().to_owned());
            let replies = vec![Step::Expect(String::new()); lines.len()];
            [place, Step::Send(lines.concat())].into_iter().chain(replies)
        });
        self.spread(&Transcript::from_steps(steps.collect::<Vec<_>>()), 0)
    }

    /// The number of the address of a connection that `spread` has named; of any other, the first.
    pub(super) fn number_of(&self, connection: &str) -> usize {
        let label = connection.rsplit_once(AT).map_or(connection, |(_, label)| label);
        let mut addresses = self.addresses().iter();
        addresses.position(|address| address.name() == label).unwrap_or(0)
    }

    /// The name of the address at which a conversation went another way, if there are several.
    pub(super) fn of_mismatch(&self, shown: &Transcript, mismatch: &Mismatch) -> Option<String> {
        let connection = match mismatch {
            Mismatch::Surplus { connection, .. } | Mismatch::NoEnd { connection, .. } => {
                connection.as_str()
            }
            Mismatch::Reply { line, .. } | Mismatch::Io { line, .. } => {
                connections(shown.steps().take(*line)).last().unwrap_or(MAIN)
            }
        };
        self.named(self.number_of(connection))
    }

    /// At how many addresses something is said.
    pub(super) fn addresses_in(&self, shown: &Transcript) -> usize {
        let mut numbers: Vec<_> =
            connections(shown.steps()).map(|name| self.number_of(name)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len()
    }
}

fn connections<'a>(steps: impl Iterator<Item = &'a Step>) -> impl Iterator<Item = &'a str> {
    steps.filter_map(|step| match step {
        Step::Switch(name) => Some(name.as_str()),
        _ => None,
    })
}

/// Which connections are where, as they come up.
struct Turns<'a> {
    system: &'a System,
    start: usize,
    /// For each connection that does not say where it is, or is at an address of another system, the
    /// number of its address.
    taken: BTreeMap<String, usize>,
}

impl Turns<'_> {
    /// A connection's name, with its address.
    fn name(&mut self, connection: &str) -> String {
        let (base, label) = match connection.rsplit_once(AT) {
            Some((base, label)) => (Some(base), Some(label)),
            None if is_address(connection) || self.is_ours(connection) => (None, Some(connection)),
            None => (Some(connection).filter(|name| *name != MAIN), None),
        };
        if label.is_some_and(|label| self.is_ours(label)) {
            return connection.to_owned();
        }
        // What was at one address of another system is at one of this.
        let next = self.start + self.taken.len();
        let number = *self.taken.entry(label.unwrap_or(connection).to_owned()).or_insert(next);
        let address = self.system.address(number);
        base.map_or_else(|| address.to_string(), |base| format!("{base}{AT}{address}"))
    }

    fn is_ours(&self, label: &str) -> bool {
        self.system.addresses().iter().any(|address| address.name() == label)
    }
}

/// Whether it has the form of an address.
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::conformance::Address;

    fn system(ports: &[u16]) -> System {
        let address = |port: &u16| {
            let socket = SocketAddr::from(([127, 0, 0, 1], *port));
            Address::new(&format!("h:{port}"), socket)
        };
        System::new(ports.iter().map(address)).unwrap()
    }

    fn spread(ports: &[u16], text: &str, start: usize) -> String {
        system(ports).spread(&text.parse().unwrap(), start).to_string()
    }

    const TWO: &str = "> QUERY|a|\n< FAIL\n@ two\n> QUERY|b|\n@ main\n> x\n";

    #[test]
    fn connections_are_at_the_addresses_in_turn_and_called_by_them() {
        let expected = "@ h:2\n> QUERY|a|\n< FAIL\n@ two at h:3\n> QUERY|b|\n@ h:2\n> x\n";
        assert_eq!(spread(&[1, 2, 3], TWO, 1), expected);
        let all = system(&[1, 2, 3]).all_spread(&TWO.parse().unwrap());
        let starts: Vec<_> = all.iter().map(|it| it.to_string()[..6].to_owned()).collect();
        assert_eq!(starts, ["@ h:1\n", "@ h:2\n", "@ h:3\n"]);
    }

    #[test]
    fn what_says_where_it_is_stays_there() {
        let once = spread(&[1, 2, 3], TWO, 2);
        assert_eq!(spread(&[1, 2, 3], &once, 0), once);
        assert_eq!(system(&[1, 2, 3]).all_spread(&once.parse().unwrap()).len(), 1);
    }

    #[test]
    fn with_one_address_nothing_is_named() {
        assert_eq!(spread(&[1], TWO, 1), TWO);
    }

    #[test]
    fn what_was_at_one_address_of_another_system_is_at_one_of_this() {
        let there = "@ h:8\n> x\n@ h:9\n> y\n@ two at h:8\n> z\n";
        assert_eq!(spread(&[1, 2], there, 0), "@ h:1\n> x\n@ h:2\n> y\n@ two at h:1\n> z\n");
    }

    #[test]
    fn lines_are_scattered_burst_by_burst() {
        let line = |text: &str| text.as_bytes().to_vec();
        let bursts = [(1, vec![line("x\n"), line("y\n")]), (0, vec![line("z\n")])];
        let scattered = system(&[1, 2]).scattered(bursts).answered().to_string();
        assert_eq!(scattered, "@ h:2\n> x\\ny\n< ERROR\n< ERROR\n@ h:1\n> z\n< ERROR\n");
    }

    #[test]
    fn a_wrong_reply_is_that_of_the_address_where_its_message_went() {
        let system = system(&[1, 2, 3]);
        let shown = system.spread(&TWO.parse().unwrap(), 1);
        let reply = |line| Mismatch::Reply { line, expected: "OK".into(), actual: "FAIL".into() };
        for (line, name) in [(3, "h:2"), (5, "h:3"), (7, "h:2")] {
            assert_eq!(system.of_mismatch(&shown, &reply(line)).as_deref(), Some(name));
        }
        let connection = "two at h:3".into();
        let surplus = Mismatch::Surplus { connection, actual: "OK".into() };
        assert_eq!(system.of_mismatch(&shown, &surplus).as_deref(), Some("h:3"));
        assert_eq!(system.addresses_in(&shown), 2);
    }
}
