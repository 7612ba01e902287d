//! Clients that contend for a few packages: does one order of commands explain what they saw?

use std::io;

use quickcheck::{Arbitrary, Gen};

use super::avoid;
use super::check::{Check, Stage};
use super::context::{Context, Trial};
use super::finding::{Evidence, Finding};
use super::generated::bytes;
use super::namespace::{RawName, raw};
use super::system::System;
use super::target::Target;
use crate::client::ClientError;
use crate::command::{Command, Reply};
use crate::testing::contention::{self, Contention};
use crate::testing::history::{History, Script, Verdict};
use crate::testing::transcript::{Step, Transcript};

/// How many histories are recorded without a time limit.
const HISTORIES: u64 = 150;

/// The most steps that all searches together take to shorten a history. They then end in a second or
/// two.
const SHORTENING_STEPS: u64 = 600_000;

/// How many commands a person can follow. A fault in a longer history is looked for again, with no
/// more commands than this.
const FEW: usize = 12;

/// The most commands that a client sends before it waits. Each history draws one of these, mostly 1,
/// because a history with less overlap tells more.
const BURSTS: [u8; 3] = [1, 1, 3];

pub(super) fn histories() -> Vec<Check> {
    vec![Check::drawn(
        Stage::Histories,
        "histories_are_linearizable",
        "One order of all commands explains what clients at once are told.",
        &["O4", "O5", "O6", "O9", "C5"],
        HISTORIES,
        try_history,
    )]
}

/// What clients ask at once, about packages that the server does not have.
pub(super) struct Round {
    /// The commands of each client.
    scripts: Vec<Script<Command>>,
    /// The names of all packages, in groups that no command connects. Each group is judged alone.
    names: Vec<Vec<RawName>>,
}

impl Round {
    pub(super) fn new(scripts: Vec<Script<Command>>, names: Vec<RawName>) -> Self {
        Self { scripts, names: vec![names] }
    }

    /// Lets the same clients go on with the scripts of another round, about other packages. A rare
    /// overlap shows sooner this way than in rounds that each connect again.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.scripts.iter_mut().zip(other.scripts).for_each(|(script, more)| script.extend(more));
        self.names.extend(other.names);
        self
    }

    /// A round about this many packages, and the prefix of their names. It leaves out what this server
    /// is known to get wrong. `None` if nothing is left.
    fn drawn(
        context: &Context,
        g: &mut Gen,
        contention: Contention,
        packages: usize,
    ) -> Option<(Self, String)> {
        let named = |prefix: &str| contention::packages(prefix, packages).unwrap_or_default();
        let free = context.target.free_namespace(|namespace| raw(&named(namespace.prefix())));
        let (namespace, names) = free;
        let drawn = bytes(g, contention.bytes());
        let scripts = contention.scripts(&drawn, &named(namespace.prefix())).ok()?;
        let scripts = avoid::scripts_without(scripts, &context.avoided())?;
        Some((Self::new(scripts, names), namespace.prefix().to_owned()))
    }
}

fn try_history(context: &Context, seed: u64) -> Trial {
    let mut g = Gen::from_size_and_seed(100, seed);
    let burst = g.choose(&BURSTS).copied().unwrap_or(1);
    let clients = context.settings.clients;
    let contention = Contention { clients, operations: context.settings.commands, burst };
    let count = 2 + usize::arbitrary(&mut g) % 3;
    let Some((round, mut prefix)) = Round::drawn(context, &mut g, contention, count) else {
        return Trial::LeftOut;
    };
    let few = || with_few(context, &mut g, &mut prefix);
    match judge(&context.target, context.number(seed), round, few) {
        Ok(Verdict::Undecided) => Trial::Undecided,
        Ok(Verdict::Linearizable | Verdict::NotLinearizable) => Trial::Passed,
        Err(finding) => match explained_by_one(context, &finding, &prefix) {
            Some(trial) => trial,
            None if context.is_known(&finding.rule) => Trial::Known(finding.rule.clone()),
            None => Trial::Failed(*finding),
        },
    }
}

/// Looks among few commands for a fault that was seen among many.
///
/// A long history cannot always be shortened, because a command that was left out may or may not have
/// taken effect. So the clients try again with few commands. If the fault shows in time, `prefix`
/// becomes that of its names.
fn with_few(context: &Context, g: &mut Gen, prefix: &mut String) -> Option<Finding> {
    let target = &context.target;
    target.within(context.settings.bound, || {
        // Few clients overlap more, but some faults need many.
        let clients = (2..=context.settings.clients.clamp(2, FEW / 2)).cycle();
        let mut rounds = clients.take_while(|_| !target.is_out_of_time());
        rounds.find_map(|clients| {
            let contention = Contention { clients, operations: FEW, burst: 1 };
            let drawn = (0..(context.settings.commands / FEW).max(1))
                .filter_map(|_| Round::drawn(context, g, contention, 2));
            let (rounds, prefixes): (Vec<_>, Vec<_>) = drawn.unzip();
            let found = judge(target, 0, rounds.into_iter().reduce(Round::then)?, || None).err()?;
            let Evidence::History { whole, .. } = &found.evidence else { return None };
            let package = whole.operations().first()?.command.package().as_str();
            *prefix = prefixes.into_iter().find(|it| package.starts_with(it))?;
            Some(*found)
        })
    })
}

/// Shows the fault without any overlap, if it needs none.
///
/// The commands are sent again one after the other. Their order is that of sending, and then that of
/// the replies. One client sends all of them, and then each client its own.
fn explained_by_one(context: &Context, finding: &Finding, prefix: &str) -> Option<Trial> {
    let Evidence::History { short, whole, .. } = &finding.evidence else { return None };
    let line = |command: &Command| format!("{}\n", command.to_string().replace(prefix, ""));
    let in_order = |history: &History<Command, Reply>, by_reply: bool, by_all: bool| {
        let mut operations: Vec<_> = history.operations().iter().collect();
        if by_reply {
            operations.sort_by_key(|it| it.answer.as_ref().map_or(usize::MAX, |answer| answer.at));
        }
        let steps = operations.iter().flat_map(|it| {
            let client = by_all.then(|| Step::Switch(format!("client{}", it.client)));
            let send = Step::Send(line(&it.command).into_bytes());
            client.into_iter().chain([send, Step::Expect(String::new())])
        });
        Transcript::from_steps(steps.collect::<Vec<_>>())
    };
    let orders = [(false, false), (true, false), (false, true), (true, true)];
    let orders = orders.into_iter().flat_map(|(by_reply, by_all)| {
        [short, whole].map(|history| in_order(history, by_reply, by_all))
    });
    let mut trials = orders.map(|said| context.holds(&said));
    trials.find(|trial| matches!(trial, Trial::Failed(_) | Trial::Known(_)))
}

/// Lets clients follow their scripts at once, and judges what they were told. With several addresses,
/// the clients take turns at them, beginning at the address of number `start`. A finding of `few`
/// replaces a fault among many commands.
pub(super) fn judge(
    target: &Target,
    start: usize,
    Round { scripts, names }: Round,
    few: impl FnOnce() -> Option<Finding>,
) -> Result<Verdict, Box<Finding>> {
    let (clients, system) = (scripts.len(), &target.system);
    let connected = (start..).zip(scripts).map(|(number, script)| {
        let client = target.client(number).map_err(|error| target.said_at(number, error))?;
        Ok((client, script))
    });
    let connected = connected.collect::<io::Result<Vec<_>>>().map_err(|error| {
        let what = format!("one of {clients} clients cannot connect: {error}");
        Box::new(Finding::in_words("C2", what))
    })?;
    let recording = contention::record_of(connected);
    for group in &names {
        target.remove(group);
    }
    let checker = contention::checker();
    let part_about = |group: &Vec<RawName>| {
        let is_in = |name: &[u8]| group.iter().any(|it| it == name);
        recording.history.part(|it| is_in(it.command.package().as_str().as_bytes()))
    };
    let mut verdict = Verdict::Linearizable;
    for part in names.iter().map(part_about) {
        match checker.check(&part) {
            Verdict::Linearizable => {}
            Verdict::Undecided => verdict = Verdict::Undecided,
            Verdict::NotLinearizable => {
                let few = (part.operations().len() > FEW).then(few);
                let as_it_is = || no_order_of(system, start, clients, part);
                return Err(Box::new(few.flatten().unwrap_or_else(as_it_is)));
            }
        }
    }
    // Clients are counted from 1.
    let Some((client, error)) = recording.cut_off.first() else { return Ok(verdict) };
    let address = system.named(start + client - 1);
    let at = address.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
    let what = format!("client {client} of {clients} at once was cut off{at}: {error}");
    let is_no_reply = matches!(error, ClientError::NotAReply { .. });
    let rule = if is_no_reply { "M11" } else { "O1" };
    Err(Box::new(Finding::in_words(rule, what).at(address)))
}

/// The finding that no order explains what this many clients saw. Client 1 was at the address of
/// number `start`.
fn no_order_of(
    system: &System,
    start: usize,
    clients: usize,
    whole: History<Command, Reply>,
) -> Finding {
    let address_of = |client: usize| system.named(start + client - 1);
    let checker = contention::checker().steps_to_shorten(SHORTENING_STEPS);
    let short = checker.minimise(&whole).unwrap_or_else(|| whole.clone());
    // The search may take all its steps, because the history may not have become shorter.
    let unexplained = system.has_several().then(|| checker.first_unexplained(&short));
    let unexplained = unexplained.flatten().and_then(|at| short.operations().get(at));
    let address = unexplained.and_then(|operation| address_of(operation.client));
    let at = address.iter().map(|it| format!("; the first that none explains came from {it}"));
    let what = format!(
        "no order of {} commands of {clients} clients explains their replies{}",
        whole.operations().len(),
        at.collect::<String>()
    );
    let (whole, short) = (Box::new(whole), Box::new(short));
    let clients = (1..=clients).filter_map(address_of).collect();
    let evidence = Evidence::History { whole, short, clients };
    Finding::new("O5", what, evidence).at(address)
}
