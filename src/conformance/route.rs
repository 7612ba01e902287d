//! Puts the connections of a transcript at addresses. If there are several addresses, the name of a
//! connection includes its address.
//!
//! So a transcript says where each message goes, and where each reply comes from. It can be shortened,
//! shown, saved and tried again without any other information.

use std::collections::BTreeMap;

use super::system::System;
use crate::testing::transcript::{Mismatch, Step, Transcript};

/// The name of a connection that nobody has named.
const MAIN: &str = "main";

/// Separates the name of a connection from its address.
const AT: &str = " at ";

impl System {
    /// The same transcript with an address for each of its connections. A connection stays at the
    /// address in its name. The others take turns, beginning at the address of number `start`. With
    /// one address, the transcript stays as it was.
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
            // A switch comes before the first step, and then only where the connection changes.
            let name = turns.name(current);
            if last.as_ref() != Some(&name) {
                steps.push(Step::Switch(name.clone()));
                last = Some(name);
            }
            steps.push(step.clone());
        }
        Transcript::from_steps(steps)
    }

    /// The transcript with its connections at the addresses in turn, once for each address to begin
    /// at. If all connections name their address, there is only one such transcript.
    pub(super) fn all_spread(&self, transcript: &Transcript) -> Vec<Transcript> {
        let mut all: Vec<_> =
            (0..self.count()).map(|start| self.spread(transcript, start)).collect();
        all.dedup();
        all
    }

    /// A transcript that sends lines in bursts, each to the address of its number. Each burst waits
    /// until all earlier ones are answered.
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

    /// The number of the address in the name of a connection, where `spread` puts it. Without one, it
    /// is 0.
    pub(super) fn number_of(&self, connection: &str) -> usize {
        let label = connection.rsplit_once(AT).map_or(connection, |(_, label)| label);
        let mut addresses = self.addresses().iter();
        addresses.position(|address| address.name() == label).unwrap_or(0)
    }

    /// The name of the address where a conversation failed, if there are several.
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

    /// At how many addresses a transcript sends something.
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

/// Gives addresses to connections as they come up.
struct Turns<'a> {
    system: &'a System,
    start: usize,
    /// The number of the address, for each connection that names no address of this system.
    taken: BTreeMap<String, usize>,
}

impl Turns<'_> {
    /// The name of a connection, with its address.
    fn name(&mut self, connection: &str) -> String {
        let (base, label) = match connection.rsplit_once(AT) {
            Some((base, label)) => (Some(base), Some(label)),
            None if is_address(connection) || self.is_ours(connection) => (None, Some(connection)),
            None => (Some(connection).filter(|name| *name != MAIN), None),
        };
        if label.is_some_and(|label| self.is_ours(label)) {
            return connection.to_owned();
        }
        // Connections to the same address of another system share an address here.
        let next = self.start + self.taken.len();
        let number = *self.taken.entry(label.unwrap_or(connection).to_owned()).or_insert(next);
        let address = self.system.address(number);
        base.map_or_else(|| address.to_string(), |base| format!("{base}{AT}{address}"))
    }

    fn is_ours(&self, label: &str) -> bool {
        self.system.addresses().iter().any(|address| address.name() == label)
    }
}

/// Whether a text has the form of an address.
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
