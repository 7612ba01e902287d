//! Makes transcripts from transcripts: with other names, with fewer steps, or with the replies of
//! another machine.
//!
//! The bytes of a connection are edited as one stream, because a line may come in pieces.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use statecheck::StateMachine;

use crate::command::{Command, Outcome};
use crate::model::Model;
use crate::testing::transcript::{Endpoint, InMemory, Link, Step, Transcript};

/// A line after an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edited {
    /// Its new bytes.
    pub(super) bytes: Vec<u8>,
    /// Each insertion: its place in the old line, and how many bytes it added.
    pub(super) inserted: Vec<(usize, usize)>,
}

impl Edited {
    /// The new place of an old place in the line. Bytes that were inserted there come after it.
    fn moved(&self, at: usize) -> usize {
        let before = self.inserted.iter().filter(|(place, _)| *place < at);
        at + before.map(|(_, count)| count).sum::<usize>()
    }
}

impl Transcript {
    pub(super) fn from_steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: (1..).zip(steps).collect() }
    }

    /// A transcript that sends these lines, each after the line before got any reply.
    pub(super) fn sending(lines: &[&str]) -> Self {
        let send = |line: &&str| Step::Send(line.as_bytes().to_vec());
        let steps = lines.iter().map(send).flat_map(|send| [send, Step::Expect(String::new())]);
        Self::from_steps(steps.collect::<Vec<_>>())
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().map(|(_, step)| step)
    }

    /// The steps on the lines from `begin` to before `end`.
    pub(super) fn steps_between(&self, begin: usize, end: usize) -> impl Iterator<Item = &Step> {
        let within = move |line: usize| begin <= line && line < end;
        self.steps.iter().filter(move |(line, _)| within(*line)).map(|(_, step)| step)
    }

    /// How many messages are sent, whole or cut off.
    pub(super) fn messages(&self) -> usize {
        let bytes = |sending: &Vec<usize>| self.stream(sending);
        let lines = |stream: &Vec<u8>| stream.split_inclusive(|byte| *byte == b'\n').count();
        self.connections().iter().map(bytes).map(|stream| lines(&stream)).sum()
    }

    /// The positions of the steps that send something, for each connection. A name that is used again
    /// after its connection has ended is another connection.
    fn connections(&self) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = Vec::new();
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        let mut current = "main";
        for (position, step) in self.steps().enumerate() {
            match step {
                Step::Send(_) => {
                    let connection = *open.entry(current).or_insert(all.len());
                    if connection == all.len() {
                        all.push(Vec::new());
                    }
                    all[connection].push(position);
                }
                Step::BreakOff | Step::ExpectEnd => drop(open.remove(current)),
                Step::Switch(name) => current = name,
                Step::HalfClose | Step::Expect(_) => {}
            }
        }
        all
    }

    fn stream(&self, sending: &[usize]) -> Vec<u8> {
        sending.iter().flat_map(|position| self.sent_at(*position)).copied().collect()
    }

    fn sent_at(&self, position: usize) -> &[u8] {
        match &self.steps[position].1 {
            Step::Send(bytes) => bytes,
            Step::HalfClose
            | Step::BreakOff
            | Step::Expect(_)
            | Step::ExpectEnd
            | Step::Switch(_) => &[],
        }
    }

    /// Every line that is sent, with its LF if it has one.
    pub(super) fn lines(&self) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for sending in self.connections() {
            let stream = self.stream(&sending);
            lines.extend(stream.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        }
        lines
    }

    /// The transcript with every line edited. Pieces of a line stay pieces of it.
    pub(super) fn edited(&self, edit: impl Fn(&[u8]) -> Edited) -> Self {
        let mut edited = self.clone();
        for sending in self.connections() {
            let stream = self.stream(&sending);
            let mut lines = Vec::new();
            let mut begin = 0;
            for line in stream.split_inclusive(|byte| *byte == b'\n') {
                lines.push((begin, edit(line)));
                begin += line.len();
            }
            // All lines before the place, and the part of its own line that comes before it.
            let moved = |at: usize| {
                let until = lines.partition_point(|(begin, _)| *begin < at);
                let (whole, last) = lines[..until].split_at(until.saturating_sub(1));
                let whole: usize = whole.iter().map(|(_, line)| line.bytes.len()).sum();
                whole + last.iter().map(|(begin, line)| line.moved(at - begin)).sum::<usize>()
            };
            let bytes: Vec<u8> = lines.iter().flat_map(|(_, line)| &line.bytes).copied().collect();
            let mut at = 0;
            for position in sending {
                let until = at + self.sent_at(position).len();
                let piece = bytes[moved(at)..moved(until)].to_vec();
                edited.steps[position].1 = Step::Send(piece);
                at = until;
            }
        }
        edited
    }

    /// The transcript without the lines for which `unwanted` holds, nor any step that sends a part of
    /// them. Expected replies stay as they were.
    pub(super) fn without_lines(&self, unwanted: impl Fn(&[u8]) -> bool) -> Self {
        let mut rest = self.clone();
        loop {
            let mut dropped = BTreeSet::new();
            for sending in rest.connections() {
                let stream = rest.stream(&sending);
                let mut end = 0;
                for line in stream.split_inclusive(|byte| *byte == b'\n') {
                    let begin = end;
                    end += line.len();
                    if !unwanted(line) {
                        continue;
                    }
                    let mut at = 0;
                    for position in &sending {
                        let until = at + rest.sent_at(*position).len();
                        if at < end && until > begin {
                            dropped.insert(*position);
                        }
                        at = until;
                    }
                }
            }
            if dropped.is_empty() {
                return rest;
            }
            let kept = rest.steps().enumerate().filter(|(at, _)| !dropped.contains(at));
            rest = Self::from_steps(kept.map(|(_, step)| step.clone()).collect::<Vec<_>>());
        }
    }

    /// The transcript with the replies of `machine`. It reads a reply at the same places as before, if
    /// one is due there. It reads the remaining replies at the end.
    pub(super) fn answered_by<M>(&self, machine: M) -> Self
    where
        M: StateMachine<Command = Command, Reply = Outcome>,
    {
        let mut endpoint = InMemory::new(machine);
        let mut links = BTreeMap::new();
        let mut current = "main";
        let mut steps: Vec<Step> = Vec::new();
        for step in self.steps() {
            if let Step::Switch(name) = step {
                current = name;
                // Of two switches in a row, only the second counts.
                if let Some(Step::Switch(_)) = steps.last() {
                    steps.pop();
                }
                steps.push(step.clone());
                continue;
            }
            let (link, half_closed) = match links.entry(current) {
                Entry::Occupied(link) => link.into_mut(),
                Entry::Vacant(place) => match endpoint.connect() {
                    Ok(link) => place.insert((link, false)),
                    Err(_in_memory) => continue,
                },
            };
            match step {
                Step::Send(bytes) if !*half_closed => {
                    let _in_memory = link.send(bytes);
                    steps.push(step.clone());
                }
                Step::HalfClose if !*half_closed => {
                    *half_closed = true;
                    let _in_memory = link.half_close();
                    steps.push(Step::HalfClose);
                }
                Step::BreakOff => {
                    links.remove(current);
                    steps.push(Step::BreakOff);
                }
                Step::Expect(_) => steps.extend(next_reply(link)),
                Step::ExpectEnd if link.has_ended() => {
                    steps.extend(std::iter::from_fn(|| next_reply(link)));
                    links.remove(current);
                    steps.push(Step::ExpectEnd);
                }
                Step::Send(_) | Step::HalfClose | Step::ExpectEnd | Step::Switch(_) => {}
            }
        }
        while let Some(Step::Switch(_)) = steps.last() {
            steps.pop();
        }
        let mut at = steps.iter().rev().find_map(|step| match step {
            Step::Switch(name) => Some(name.clone()),
            _ => None,
        });
        for (name, (mut link, _)) in links {
            let mut rest = std::iter::from_fn(|| next_reply(&mut link)).peekable();
            if rest.peek().is_some() && at.as_deref().unwrap_or("main") != name {
                steps.push(Step::Switch(name.to_owned()));
                at = Some(name.to_owned());
            }
            steps.extend(rest);
        }
        Self::from_steps(steps)
    }

    /// The transcript with the replies of the reference model.
    pub(super) fn answered(&self) -> Self {
        self.answered_by(Model::default())
    }

    /// The last reply that is expected.
    pub(super) fn last_reply(&self) -> Option<&str> {
        let replies = self.steps().filter_map(|step| match step {
            Step::Expect(reply) => Some(reply.as_str()),
            _ => None,
        });
        replies.last()
    }

    /// The same steps, but they send the bytes of another transcript, which sends as often.
    pub(super) fn saying(&self, other: &Self) -> Self {
        let mut said = other.steps().filter(|step| matches!(step, Step::Send(_)));
        Self::from_steps(self.steps().map(|step| match step {
            Step::Send(_) => said.next().unwrap_or(step).clone(),
            _ => step.clone(),
        }))
    }
}

/// The next reply that is due, as a step.
fn next_reply(link: &mut impl Link) -> Option<Step> {
    link.receive().ok().flatten().map(Step::Expect)
}
