//! Tries every order of events that few requests and few faults allow, on two cores and a log of a few lines.

use std::collections::BTreeMap;
use std::convert::Infallible;

use statecheck::StateMachine;
use statecheck::explore::{self, Explored};

use super::*;
use crate::bug::plant;
use crate::log::Entry;
use crate::wire::rows::lines;

/// What may happen. The number is that of the replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    HandIn(usize),
    Withdraw(usize),
    /// The replica asks the log its next question, and the call ends like this.
    Ask(usize, Call),
    /// The log shows the replica the next entry.
    Show(usize),
    /// The replica goes on from a snapshot of all that is in the log.
    Skip(usize),
    /// The log forgets all writers.
    Fence,
    /// What was delayed happens, if it still can.
    Deliver,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Answered,
    LostRequest,
    LostReply,
    Delayed,
    Refused,
}

/// A client: its number, and its replica.
type Client = (u8, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Applied,
    Not(Unanswered),
}

const WITHDRAWN: Told = Told::Not(Unanswered::Withdrawn(std::time::Duration::ZERO));

/// Two cores, their log and their clients.
#[derive(Debug, Clone)]
struct System {
    cores: [Core<Client>; 2],
    writers: BTreeMap<u64, Writer>,
    registered: u64,
    entries: Vec<Entry>,
    delayed: Vec<(Writer, Arc<Vec<u8>>)>,
    told: BTreeMap<Client, Option<Told>>,
    /// How many requests each replica may still get, and how many faults may still happen.
    requests: [u8; 2],
    faults: u8,
}

impl System {
    fn new(requests: [u8; 2], faults: u8) -> Self {
        let core = || Core::new(Place(0), 0, 1 << 30);
        Self {
            cores: [core(), core()],
            writers: BTreeMap::new(),
            registered: 0,
            entries: Vec::new(),
            delayed: Vec::new(),
            told: BTreeMap::new(),
            requests,
            faults,
        }
    }

    fn events() -> Vec<Event> {
        let calls =
            [Call::Answered, Call::LostRequest, Call::LostReply, Call::Delayed, Call::Refused];
        let of_each = |replica| {
            let asks = calls.into_iter().map(move |call| Event::Ask(replica, call));
            let others = [Event::HandIn, Event::Withdraw, Event::Show, Event::Skip];
            asks.chain(others.map(|event| event(replica)))
        };
        (0..2).flat_map(of_each).chain([Event::Fence, Event::Deliver]).collect()
    }

    fn head(&self) -> Place {
        self.entries.last().map_or(Place(0), |entry| entry.place)
    }

    /// Spends one of the faults that may still happen.
    fn spend(&mut self) -> bool {
        let is_left = self.faults > 0;
        self.faults = self.faults.saturating_sub(1);
        is_left
    }

    fn tell(&mut self, client: Client, told: Told) -> Result<(), String> {
        let before = self.told.insert(client, Some(told)).flatten();
        before.map_or(Ok(()), |before| Err(format!("{client:?} was told {before:?} and {told:?}")))
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::HandIn(replica) if self.requests[replica] > 0 => {
                let client = (self.requests[replica], replica);
                let messages = format!("INDEX|p{}{}|\n", client.0, client.1).into_bytes();
                self.requests[replica] -= 1;
                self.told.insert(client, None);
                if let Err(why) = self.cores[replica].hand_in(Request { messages, client }) {
                    self.tell(client, Told::Not(why))?;
                }
            }
            Event::Withdraw(replica) => {
                let waits = |(client, told): (&Client, &Option<Told>)| {
                    (client.1 == replica && told.is_none()).then_some(*client)
                };
                // The last one: others are being appended sooner.
                if let Some(client) = self.told.iter().find_map(waits)
                    && self.cores[replica].withdraw(|theirs| *theirs == client)
                {
                    self.tell(client, WITHDRAWN)?;
                }
            }
            Event::Ask(replica, call) => self.ask(replica, call),
            Event::Show(replica) => self.show(replica)?,
            Event::Skip(replica) if self.head() > self.cores[replica].applied() && self.spend() => {
                self.cores[replica].skipped_to(self.head(), 0);
            }
            Event::Fence if !self.writers.is_empty() && self.spend() => self.writers.clear(),
            Event::Deliver => {
                for (writer, messages) in std::mem::take(&mut self.delayed) {
                    self.append(writer, &messages);
                }
            }
            _ => {}
        }
        for replica in 0..2 {
            for (client, why) in self.cores[replica].take_dismissed() {
                self.tell(client, Told::Not(why))?;
            }
        }
        self.look()
    }

    fn ask(&mut self, replica: usize, call: Call) {
        if call != Call::Answered
            && (self.faults == 0
                || matches!(self.cores[replica].next_task(), Task::Idle | Task::Await(_)))
        {
            return;
        }
        let step = self.cores[replica].next_task();
        match call {
            Call::Answered => {}
            Call::Refused => {
                self.faults -= 1;
                return self.cores[replica].refused(LogRefusal::Full);
            }
            Call::LostRequest | Call::LostReply | Call::Delayed => {
                self.faults -= 1;
                if let Task::Append { writer, messages } = step {
                    match call {
                        Call::LostReply => drop(self.append(writer, &messages)),
                        Call::Delayed => self.delayed.push((writer, messages)),
                        _ => {}
                    }
                }
                return;
            }
        }
        match step {
            Task::Idle | Task::Await(_) => {}
            Task::Register => {
                // No id comes again, even if all writers were forgotten.
                self.registered += 1;
                let id = self.registered;
                let writer = Writer { id, entries: 0, place: self.head() };
                self.writers.insert(id, writer);
                self.cores[replica].registered(writer);
            }
            Task::FindEnd => self.cores[replica].end_found(self.head()),
            Task::Append { writer, messages } => {
                let place = self.append(writer, &messages);
                self.cores[replica].appended(writer.next(), place);
            }
        }
    }

    fn append(&mut self, writer: Writer, messages: &[u8]) -> Option<Place> {
        let known = *self.writers.get(&writer.id)?;
        if known != writer {
            return (known.entries == writer.entries + 1).then_some(known.place);
        }
        let place = Place(self.head().0 + 1);
        self.entries.push(Entry { place, id: writer.next(), messages: messages.to_vec() });
        self.writers.insert(writer.id, writer.after(place));
        Some(place)
    }

    fn show(&mut self, replica: usize) -> Result<(), String> {
        let applied = self.cores[replica].applied();
        let Some(entry) = self.entries.iter().find(|entry| entry.place > applied).cloned() else {
            return Ok(());
        };
        let own = self.cores[replica].shown(&entry).map_err(|error| error.to_string())?;
        self.cores[replica].advanced(&entry);
        for request in own.into_iter().flatten() {
            self.tell(request.client, Told::Applied)?;
        }
        Ok(())
    }

    /// Checks that what clients were told is what the log has.
    fn look(&self) -> Result<(), String> {
        for (client, told) in &self.told {
            let message = format!("INDEX|p{}{}|\n", client.0, client.1);
            let lines = self.entries.iter().flat_map(|entry| lines(&entry.messages));
            let times = lines.filter(|line| *line == message.as_bytes()).count();
            let is_told_so = match told {
                Some(Told::Applied) => times == 1,
                Some(Told::Not(Unanswered::Withdrawn(_) | Unanswered::Refused(_))) => times == 0,
                None | Some(Told::Not(_)) => times <= 1,
            };
            if !is_told_so {
                return Err(format!("{client:?} was told {told:?}, and is there {times} times"));
            }
        }
        Ok(())
    }

    /// Checks that without more faults every client is told something, and all replicas come to the end of
    /// the log.
    fn settle(mut self) -> Result<(), String> {
        for _ in 0..12 {
            for replica in 0..2 {
                self.take(Event::Ask(replica, Call::Answered))?;
                self.take(Event::Show(replica))?;
            }
        }
        let waits = self.told.iter().find(|(_, told)| told.is_none());
        waits.map_or(Ok(()), |(client, _)| Err(format!("{client:?} is told nothing")))
    }
}

impl StateMachine for System {
    type Command = Event;
    type Reply = Result<(), String>;
    type Error = Infallible;

    fn apply(&mut self, event: &Event) -> Result<Self::Reply, Infallible> {
        Ok(self.take(*event))
    }
}

/// What should come of every event.
#[derive(Clone)]
struct Right;

impl StateMachine for Right {
    type Command = Event;
    type Reply = Result<(), String>;
    type Error = Infallible;

    fn apply(&mut self, _: &Event) -> Result<Self::Reply, Infallible> {
        Ok(Ok(()))
    }
}

/// Explores everything that so many requests and faults allow.
fn explore(requests: [u8; 2], faults: u8) -> Result<Explored, String> {
    let machines = (System::new(requests, faults), Right);
    let key = |system: &System, _| format!("{system:?}");
    let explored = explore::run_by_key(
        &System::events(),
        machines,
        (|system: &System| system.clone().settle(), |_: &Right| Ok(())),
        key,
        |_| (),
    );
    explored.map_err(|found| format!("{found:?}"))
}

#[test]
fn no_order_of_events_appends_twice_or_misinforms_a_client() {
    for (requests, faults) in [([2, 1], 1), ([1, 1], 2)] {
        let explored = explore(requests, faults);
        println!("{requests:?} requests, {faults} faults: {explored:?}");
        assert!(explored.is_ok_and(|explored| explored.states > 500));
    }
}

#[test]
fn every_planted_bug_is_found_by_some_order_of_events() {
    for (bug, what) in [
        (Bug::ForgottenIsNew, "2 times"),
        (Bug::SkippedIsRepeated, "2 times"),
        (Bug::WithdrawnStays, "Withdrawn"),
    ] {
        let planted = plant(bug);
        let found = explore([1, 1], 3);
        drop(planted);
        println!("{bug:?}: {found:?}");
        assert!(found.as_ref().is_err_and(|found| found.contains(what)), "{bug:?}: {found:?}");
    }
}

#[test]
fn a_step_stays_the_same_until_an_event_comes() {
    let mut core: Core<u8> = Core::new(Place(0), 0, 1);
    assert_eq!(core.next_task(), Task::Idle);
    core.hand_in(Request { messages: b"INDEX|a|\n".to_vec(), client: 1 }).unwrap();
    assert_eq!([core.next_task(), core.next_task()], [Task::Register, Task::Register]);
    let writer = Writer { id: 7, entries: 0, place: Place(3) };
    assert!(!core.registered(writer), "it was not refused before");
    let append = || Task::Append { writer, messages: Arc::new(b"INDEX|a|\n".to_vec()) };
    assert_eq!([core.next_task(), core.next_task()], [append(), append()]);
    // The writer is forgotten. What has happened stands before the end.
    core.appended(writer.next(), None);
    assert_eq!(core.next_task(), Task::Register);
    core.registered(Writer { id: 8, ..writer });
    assert_eq!(core.next_task(), Task::FindEnd);
    core.end_found(Place(4));
    assert_eq!((core.next_task(), core.awaited()), (Task::Await(Place(4)), Some(Place(4))));
    let entry = Entry { place: Place(4), id: EntryId { writer: 9, number: 1 }, messages: vec![] };
    assert!(core.shown(&entry).unwrap().is_none());
    assert!(core.advanced(&entry), "a snapshot is due after each byte");
    assert!(matches!(core.next_task(), Task::Append { writer: Writer { id: 8, .. }, .. }));
    core.close();
    assert_eq!(
        (core.next_task(), core.take_dismissed()),
        (Task::Idle, vec![(1, Unanswered::Failed)])
    );
}
