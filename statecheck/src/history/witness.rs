//! A quick look for an order that explains a history, before the search that decides.
//!
//! It follows the history event by event, with a bounded number of ways in which everything can have gone so
//! far. A command that changes something gets its place as late as possible, when its own reply or that of
//! another needs it ("just in time"; Lowe 2017). Of several ways to the same state it keeps those that have
//! used up the least. So it may miss an order. One that it finds is checked by the plan, which follows it.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::plan::{Entry, Plan};
use crate::machine::StateMachine;

/// How much is tried, in this order.
const EFFORTS: [Effort; 4] = [
    Effort { ways: 16, early: 1 },
    Effort { ways: 64, early: 2 },
    Effort { ways: 256, early: 2 },
    Effort { ways: 2_048, early: 3 },
];

/// How many events ahead the deadline of a command makes a difference.
const HORIZON: usize = 1_000;

#[derive(Debug, Clone, Copy)]
struct Effort {
    /// How many ways are followed at once.
    ways: usize,
    /// How many commands may take effect before a reply only because of it.
    early: usize,
}

/// An order that may explain the plan, if one was found. Entries without a reply can be missing.
pub(super) fn find<M, R>(plan: &Plan<'_, M, R>) -> Option<Vec<usize>>
where
    M: StateMachine<Command: PartialEq> + Clone + Ord + Hash,
    R: PartialEq,
{
    let mut transitions = Transitions::new(plan);
    let slots = Slots::new(&plan.entries);
    EFFORTS.iter().find_map(|effort| Follower::new(&slots, &mut transitions, *effort).follow())
}

/// What each kind of entry does in each state that came up, tried once.
struct Transitions<'a, 'p, M: StateMachine, R> {
    plan: &'a Plan<'p, M, R>,
    states: Vec<M>,
    numbers: HashMap<M, usize>,
    /// The kind of each entry. Entries of one kind have the same command and reply.
    kind_of: Vec<usize>,
    kinds: usize,
    /// For each state, what each kind does there.
    known: Vec<Vec<Tried>>,
}

impl<'a, 'p, M, R> Transitions<'a, 'p, M, R>
where
    M: StateMachine<Command: PartialEq> + Clone + Ord + Hash,
    R: PartialEq,
{
    fn new(plan: &'a Plan<'p, M, R>) -> Self {
        let mut kinds: Vec<&Entry<'p, M::Command, R>> = Vec::new();
        let mut kind_of = Vec::new();
        for entry in &plan.entries {
            let alike = |kind: &&Entry<'p, M::Command, R>| {
                kind.reply == entry.reply && kind.command == entry.command
            };
            kind_of.push(kinds.iter().position(alike).unwrap_or_else(|| {
                kinds.push(entry);
                kinds.len() - 1
            }));
        }
        let initial = plan.initial();
        let kinds = kinds.len();
        Self {
            plan,
            states: vec![initial.clone()],
            numbers: HashMap::from([(initial.clone(), 0)]),
            kind_of,
            kinds,
            known: vec![vec![Tried::Never; kinds]],
        }
    }

    fn after(&mut self, state: usize, number: usize) -> Option<usize> {
        let kind = self.kind_of[number];
        match self.known[state][kind] {
            Tried::Never => {}
            Tried::InVain => return None,
            Tried::To(after) => return Some(after),
        }
        let after = self.plan.applied(number, &self.states[state]).map(|machine| {
            let next = self.states.len();
            let after = *self.numbers.entry(machine.clone()).or_insert(next);
            if after == next {
                self.states.push(machine);
                self.known.push(vec![Tried::Never; self.kinds]);
            }
            after
        });
        self.known[state][kind] = after.map_or(Tried::InVain, Tried::To);
        after
    }
}

/// What a kind of entry does in a state.
#[derive(Debug, Clone, Copy)]
enum Tried {
    /// Not tried yet.
    Never,
    /// It cannot come there.
    InVain,
    /// It leads to this state.
    To(usize),
}

/// A bit for each entry under way, used again after its return.
struct Slots {
    of: Vec<usize>,
    words: usize,
    /// Each event: its time, its entry, and whether it is the call.
    events: Vec<(usize, usize, bool)>,
}

impl Slots {
    fn new<C, R>(entries: &[Entry<'_, C, R>]) -> Self {
        let ends = |(number, entry): (usize, &Entry<'_, C, R>)| {
            [(entry.called, number, true), (entry.returned, number, false)]
        };
        let mut events: Vec<_> = entries
            .iter()
            .enumerate()
            .flat_map(ends)
            .filter(|(at, ..)| *at != usize::MAX)
            .collect();
        events.sort_unstable();
        let (mut free, mut most) = (Vec::new(), 0);
        let mut of = vec![0; entries.len()];
        for (_, number, called) in &events {
            if *called {
                of[*number] = free.pop().unwrap_or_else(|| {
                    most += 1;
                    most - 1
                });
            } else {
                free.push(of[*number]);
            }
        }
        Self { of, words: most / 64 + 1, events }
    }
}

fn has(bits: &[u64], slot: usize) -> bool {
    bits[slot / 64] >> (slot % 64) & 1 == 1
}

fn flip(bits: &mut [u64], slot: usize) {
    bits[slot / 64] ^= 1 << (slot % 64);
}

/// One way in which everything can have gone so far.
#[derive(Debug, Clone)]
struct Way {
    state: usize,
    /// The slots of the entries under way that have their place.
    done: Vec<u64>,
    /// What the way has used up. Each entry under way that has its place and may change something counts with
    /// the time for which it could still have waited.
    early: usize,
    /// The last link of its order.
    last: usize,
}

/// Follows a history event by event.
struct Follower<'t, 'a, 'p, M: StateMachine, R> {
    slots: &'t Slots,
    transitions: &'t mut Transitions<'a, 'p, M, R>,
    effort: Effort,
    /// The entries under way.
    open: Vec<usize>,
    /// The orders of all ways. Each link has the one before it, and its entry.
    links: Vec<(usize, usize)>,
}

impl<'t, 'a, 'p, M, R> Follower<'t, 'a, 'p, M, R>
where
    M: StateMachine<Command: PartialEq> + Clone + Ord + Hash,
    R: PartialEq,
{
    fn new(
        slots: &'t Slots,
        transitions: &'t mut Transitions<'a, 'p, M, R>,
        effort: Effort,
    ) -> Self {
        Self { slots, transitions, effort, open: Vec::new(), links: vec![(0, usize::MAX)] }
    }

    fn entry(&self, number: usize) -> &Entry<'p, M::Command, R> {
        &self.transitions.plan.entries[number]
    }

    fn follow(mut self) -> Option<Vec<usize>> {
        let mut ways = vec![Way { state: 0, done: vec![0; self.slots.words], early: 0, last: 0 }];
        for &(at, number, called) in &self.slots.events {
            if called {
                self.open.push(number);
                if self.entry(number).reads {
                    for way in &mut ways {
                        self.read(way, number);
                    }
                }
            } else {
                ways = self.returned(ways, number, at);
                if ways.is_empty() {
                    return None;
                }
            }
        }
        let mut order = Vec::new();
        let mut link = ways.first()?.last;
        while link > 0 {
            order.push(self.links[link].1);
            link = self.links[link].0;
        }
        order.reverse();
        Some(order)
    }

    /// The ways in which an entry has its place by now, or can have it.
    fn returned(&mut self, ways: Vec<Way>, number: usize, at: usize) -> Vec<Way> {
        let slot = self.slots.of[number];
        let (mut arrived, mut waiting): (Vec<_>, Vec<_>) =
            ways.into_iter().partition(|way| has(&way.done, slot));
        let mut seen = HashSet::new();
        for early in 0..=self.effort.early {
            let mut longer = Vec::new();
            for way in waiting {
                arrived.extend(self.next(&way, number));
                if early == self.effort.early || longer.len() > self.effort.ways {
                    continue;
                }
                for other in self.changes(&way, number) {
                    let Some(way) = self.next(&way, other) else { continue };
                    if seen.insert((way.state, way.done.clone())) {
                        let there = has(&way.done, slot);
                        if there { &mut arrived } else { &mut longer }.push(way);
                    }
                }
            }
            waiting = longer;
        }
        self.open.retain(|open| *open != number);
        for way in &mut arrived {
            flip(&mut way.done, slot);
            way.early = self
                .open
                .iter()
                .filter(|open| has(&way.done, self.slots.of[**open]) && !self.entry(**open).reads)
                .map(|open| self.entry(*open).returned.min(at + HORIZON) - at)
                .sum();
        }
        self.best(arrived)
    }

    /// The few ways to each state that have used up the least, and no more in all than may be followed.
    fn best(&self, mut ways: Vec<Way>) -> Vec<Way> {
        ways.sort_by(|one, other| {
            (one.early, one.state, &one.done).cmp(&(other.early, other.state, &other.done))
        });
        ways.dedup_by(|one, other| one.state == other.state && one.done == other.done);
        let mut to_state: HashMap<usize, usize> = HashMap::new();
        let mut rank = |state| {
            let before = to_state.entry(state).or_default();
            *before += 1;
            *before
        };
        let mut ranked: Vec<_> = ways.into_iter().map(|way| (rank(way.state), way)).collect();
        ranked.sort_by_key(|(rank, way)| (*rank, way.early));
        let mut ways: Vec<_> = ranked.into_iter().map(|(_, way)| way).collect();
        ways.truncate(self.effort.ways);
        ways
    }

    /// The entries under way that may change something, one of each kind: the one that returns first.
    fn changes(&self, way: &Way, but: usize) -> Vec<usize> {
        let kind_of = &self.transitions.kind_of;
        let mut changes: Vec<usize> = Vec::new();
        for &number in &self.open {
            if number == but || self.entry(number).reads || !self.may_come(way, number) {
                continue;
            }
            match changes.iter_mut().find(|other| kind_of[**other] == kind_of[number]) {
                None => changes.push(number),
                Some(other) if self.entry(*other).returned > self.entry(number).returned => {
                    *other = number;
                }
                Some(_) => {}
            }
        }
        changes
    }

    fn may_come(&self, way: &Way, number: usize) -> bool {
        let of = &self.slots.of;
        // The one before it of the same client has its place, or returns with it.
        let waits = |before: usize| self.open.contains(&before) && !has(&way.done, of[before]);
        !has(&way.done, of[number]) && !self.entry(number).after.is_some_and(waits)
    }

    /// The way with one more entry, and then with all that only read.
    fn next(&mut self, way: &Way, number: usize) -> Option<Way> {
        if !self.may_come(way, number) {
            return None;
        }
        let state = self.transitions.after(way.state, number)?;
        let mut next = Way { state, ..way.clone() };
        self.place(&mut next, number);
        // An entry that fits and only reads has no reason to wait. One may make room for the next.
        loop {
            let before = next.last;
            for at in 0..self.open.len() {
                let number = self.open[at];
                if self.entry(number).reads {
                    self.read(&mut next, number);
                }
            }
            if next.last == before {
                return Some(next);
            }
        }
    }

    /// Gives its place to an entry that only reads, if it fits.
    fn read(&mut self, way: &mut Way, number: usize) {
        if self.may_come(way, number) && self.transitions.after(way.state, number).is_some() {
            self.place(way, number);
        }
    }

    fn place(&mut self, way: &mut Way, number: usize) {
        flip(&mut way.done, self.slots.of[number]);
        self.links.push((way.last, number));
        way.last = self.links.len() - 1;
    }
}
