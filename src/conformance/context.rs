//! One run of the suite: the system, what is known about it, and how a failed conversation is
//! shortened.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::dialect::Dialect;
use super::finding::Finding;
use super::naming::kind;
use super::restart::Restart;
use super::rules::{self, Rules};
use super::simpler::simpler;
use super::target::{Held, Target};
use super::{Settings, avoid};
use crate::testing::transcript::{Mismatch, Step, Transcript};

/// The patience for a reply while a conversation is shortened, and for a first look at whether the
/// server is gone.
const SHORT_PATIENCE: Duration = Duration::from_millis(500);

/// How many missing replies a case has time to wait for, where nothing should delay a reply.
const REPLIES_IN_VAIN: u32 = 8;

/// A reply counts as held up after this many times its usual time.
const HELD_UP: u32 = 100;

/// One run of the suite.
pub(super) struct Context {
    pub(super) target: Rc<Target>,
    pub(super) settings: Settings,
    pub(super) dialect: Dialect,
    /// Restarts the server when it is gone, if a command for that was given.
    pub(super) restart: Option<Restart>,
    /// The median time of a reply, measured before any check.
    reply_time: Duration,
    /// Rules that are no longer tested: this server breaks them, or the challenge does not demand
    /// them.
    avoided: RefCell<Rules>,
    /// The rules that the server is known to break.
    broken: RefCell<BTreeSet<String>>,
}

/// What became of one case.
pub(super) enum Trial {
    Passed,
    /// Nothing was left to try that this server reads as others do.
    LeftOut,
    /// The time ran out before a verdict.
    Undecided,
    /// It failed because of a rule that is known to be broken.
    Known(String),
    Failed(Finding),
}

impl Context {
    pub(super) fn new(
        target: Rc<Target>,
        settings: Settings,
        dialect: Dialect,
        restart: Option<Restart>,
        reply_time: Duration,
    ) -> Self {
        let avoided = RefCell::new(settings.challenge.waived());
        Self { target, settings, dialect, restart, reply_time, avoided, broken: RefCell::default() }
    }

    /// Notes that the server breaks a rule. From now on, conversations avoid that rule if they can.
    pub(super) fn knows(&self, rule: &str) {
        self.broken.borrow_mut().insert(rule.to_owned());
        if let Some(rule) = rules::known(rule).filter(|rule| !avoid::is_basic(rule)) {
            self.does_without(rule);
        }
    }

    /// Stops testing a rule, except by the checks that are about it alone.
    pub(super) fn does_without(&self, rule: &'static str) {
        self.avoided.borrow_mut().insert(rule);
        if rule == "C3" {
            self.target.do_without_half_close();
        }
        if rule == "Q3" {
            self.target.do_without_asking();
        }
        if avoid::is_of_messages_ahead(rule) {
            self.target.ask_ahead(false);
        }
    }

    /// Notes that the server takes messages ahead of their replies, which saves time. A known fault
    /// with such messages outweighs this.
    pub(super) fn takes_messages_ahead(&self) {
        let is_sound = !self.avoided.borrow().iter().any(|rule| avoid::is_of_messages_ahead(rule));
        self.target.ask_ahead(is_sound);
    }

    /// Restarts a server that is gone.
    ///
    /// # Errors
    /// When there is no command for that, or the server does not come back.
    pub(super) fn bring_back(&self) -> io::Result<()> {
        match &self.restart {
            Some(restart) => restart.bring_back(&self.target),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether the server is known to break a rule.
    pub(super) fn is_known(&self, rule: &str) -> bool {
        self.broken.borrow().contains(rule)
    }

    /// Whether the server is known to break any rule.
    pub(super) fn knows_any(&self) -> bool {
        !self.broken.borrow().is_empty()
    }

    /// The rules that are no longer tested.
    pub(super) fn avoided(&self) -> Rules {
        self.avoided.borrow().clone()
    }

    /// The part of a conversation that suits this server, with the replies of the reference model.
    fn spoken(&self, transcript: &Transcript) -> Transcript {
        let spoken = self.dialect.spoken(transcript);
        avoid::without(&spoken, &self.avoided.borrow()).answered()
    }

    /// Holds the part of a conversation that suits this server, and expects the replies of the
    /// reference model. With several addresses, it repeats the conversation until each connection has
    /// been at each address.
    pub(super) fn holds(&self, transcript: &Transcript) -> Trial {
        self.holds_each(self.target.system.all_spread(transcript))
    }

    /// Holds a conversation once, beginning at one of the addresses. Drawn conversations need no more,
    /// because others begin elsewhere.
    pub(super) fn holds_from(&self, start: u64, transcript: &Transcript) -> Trial {
        self.holds_each([self.target.system.spread(transcript, self.number(start))])
    }

    /// Holds a conversation about half-closes, even if all other conversations do without them.
    pub(super) fn holds_to_the_end(&self, transcript: &Transcript) -> Trial {
        if self.settings.challenge.waived().contains("C3") {
            return Trial::LeftOut;
        }
        match self.target.hold(transcript, Transcript::answered) {
            Ok(()) => Trial::Passed,
            Err(held) => match self.found(held) {
                Trial::Failed(finding) => Trial::Failed(finding.by("C3")),
                trial => trial,
            },
        }
    }

    fn holds_each(&self, transcripts: impl IntoIterator<Item = Transcript>) -> Trial {
        for transcript in transcripts {
            let spoken = self.spoken(&transcript);
            if spoken.messages() == 0 {
                return Trial::LeftOut;
            }
            match self.target.hold(&spoken, Transcript::answered) {
                Ok(()) => {}
                // The server is slow, and may still be right.
                Err(held) if is_silence(&held) && self.target.is_out_of_time() => {
                    return Trial::Undecided;
                }
                Err(held) => return self.found(held),
            }
        }
        Trial::Passed
    }

    /// What a failed conversation has shown.
    fn found(&self, held: Held) -> Trial {
        let before = self.target.recent();
        let found = self.target.within(self.settings.bound, || {
            if self.is_gone() {
                let held = self.shortened_to_the_end(held);
                return Finding::of(&held).ending("nothing answers any more");
            }
            let (held, reproduced) = self.shortened(held);
            let finding = self.read_as_one().filter(|_| is_silence(&held));
            let finding = finding.or_else(|| self.asked_into_being(&held));
            let finding = finding.unwrap_or_else(|| Finding::of(&held));
            if reproduced { finding } else { finding.not_reproduced(before) }
        });
        if self.is_known(&found.rule) { Trial::Known(found.rule) } else { Trial::Failed(found) }
    }

    /// Shows that the server reads one packet as one message, if it does. This can explain a missing
    /// reply.
    fn read_as_one(&self) -> Option<Finding> {
        if self.avoided.borrow().contains("L8") {
            return None;
        }
        let lines = [b"QUERY|a|\n".as_slice(), b"QUERY|b|\n"].concat();
        let two = Transcript::from_steps([Step::Send(lines)]).answered();
        let held = self.target.hold(&two, Transcript::answered).err()?;
        Some(Finding::of(&held)).filter(|finding| finding.rule == "L8")
    }

    /// Shows that a QUERY makes the server index the package, if that explains the failure. The suite
    /// asks for names before each conversation, so such a fault can spoil any of them.
    fn asked_into_being(&self, held: &Held) -> Option<Finding> {
        if self.avoided.borrow().contains("Q3") || is_silence(held) {
            return None;
        }
        self.target.without_asking(|| {
            self.target.hold(&held.shown, Transcript::answered).ok()?;
            let twice = Transcript::sending(&["QUERY|a|\n", "QUERY|a|\n"]).answered();
            let held = self.target.hold(&twice, Transcript::answered).err()?;
            Some(Finding::of(&held)).filter(|finding| finding.rule == "Q3")
        })
    }

    /// Whether nothing answers, not even for a new client.
    pub(super) fn is_gone(&self) -> bool {
        self.with_short_patience(|| self.target.reach().is_err()) && self.target.reach().is_err()
    }

    /// Does `work` with the patience for replies that nothing should delay. A case has time for
    /// several such replies to be missing, so a server that holds them up is noticed in time.
    pub(super) fn unless_held_up<T>(&self, work: impl FnOnce() -> T) -> T {
        let soon = (self.settings.bound / REPLIES_IN_VAIN).max(HELD_UP * self.reply_time);
        self.target.with_patience(soon.min(self.target.patience()), work)
    }

    fn with_short_patience<T>(&self, work: impl FnOnce() -> T) -> T {
        self.target.with_patience(SHORT_PATIENCE.min(self.target.patience()), work)
    }

    /// The number of an address, derived from a seed.
    pub(super) fn number(&self, seed: u64) -> usize {
        usize::try_from(seed % self.target.system.count() as u64).unwrap_or_default()
    }

    /// The simplest conversation found in time that fails in the same way, and whether it failed again
    /// when it was repeated.
    fn shortened(&self, first: Held) -> (Held, bool) {
        let kind_of_first = kind(&first);
        let goes_wrong = |candidate: Transcript| {
            let held = self.target.hold(&candidate, Transcript::answered).err()?;
            Some(held).filter(|held| kind(held) == kind_of_first && !self.target.is_out_of_time())
        };
        let may_go_on = || {
            // With a server that is gone, every conversation fails.
            let is_there = || self.with_short_patience(|| self.target.reach().is_ok());
            !self.target.is_out_of_time() && is_there()
        };
        let simplest = self.simplest(&first, may_go_on, goes_wrong);
        // A conversation that only ran out of patience shows no fault.
        let again = |held: &Held| {
            self.target.within(self.settings.bound, || {
                let again = self.target.hold(&held.shown, Transcript::answered).err();
                again.filter(|again| kind(again) == kind_of_first)
            })
        };
        if let Some(held) = simplest.as_ref().and_then(again) {
            return (held, true);
        }
        match again(&first) {
            Some(held) => (held, true),
            None => (first, false),
        }
    }

    /// The shortest conversation after which nothing answers. It needs a command that restarts the
    /// server for each try. Without one, it is `first`.
    fn shortened_to_the_end(&self, first: Held) -> Held {
        let Some(restart) = &self.restart else { return first };
        let end = Instant::now() + self.settings.bound;
        let ends = |candidate: Transcript| {
            if self.is_gone() {
                restart.bring_back(&self.target).ok()?;
            }
            let held = self.target.hold(&candidate, Transcript::answered).err()?;
            Some(held).filter(|_| self.is_gone())
        };
        self.simplest(&first, || Instant::now() < end, ends).unwrap_or(first)
    }

    /// Simplifies a conversation step by step, as long as it still fails and may go on. `None` if no
    /// step can be taken.
    fn simplest(
        &self,
        first: &Held,
        may_go_on: impl Fn() -> bool,
        fails: impl Fn(Transcript) -> Option<Held>,
    ) -> Option<Held> {
        let mut simplest: Option<Held> = None;
        loop {
            let held = simplest.as_ref().unwrap_or(first);
            let simpler = simpler(&self.target.system, &held.shown, held.mismatch.line())
                .take_while(|_| may_go_on())
                .find_map(|candidate| self.with_short_patience(|| fails(candidate)));
            match simpler {
                Some(held) => simplest = Some(held),
                None => return simplest,
            }
        }
    }
}

/// Whether a conversation failed only by waiting in vain.
fn is_silence(held: &Held) -> bool {
    matches!(held.mismatch, Mismatch::Io { .. } | Mismatch::NoEnd { .. })
}
