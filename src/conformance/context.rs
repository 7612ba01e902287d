//! One run of the suite: the system, what is known of it, and how a conversation that it gets wrong
//! becomes a short one.

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

/// How long a server that is known to be wrong may take for a reply.
const SHORT_PATIENCE: Duration = Duration::from_millis(500);

/// How many replies that do not come a case may wait for, where nothing should hold one up.
const REPLIES_IN_VAIN: u32 = 8;

/// A reply that takes so many times what it usually takes is held up.
const HELD_UP: u32 = 100;

/// One run of the suite.
pub(super) struct Context {
    pub(super) target: Rc<Target>,
    pub(super) settings: Settings,
    pub(super) dialect: Dialect,
    /// What brings the server back when it is gone, if anything does.
    pub(super) restart: Option<Restart>,
    /// How long a reply took before anything was tried, in the median.
    reply_time: Duration,
    /// Rules that are put to the test no more: this server breaks them, or they are not asked for.
    avoided: RefCell<Rules>,
    /// Those of them that it breaks.
    broken: RefCell<BTreeSet<String>>,
}

/// What became of one case.
pub(super) enum Trial {
    Passed,
    /// There was nothing to be tried that this server reads as others do.
    LeftOut,
    /// It could not be known in the time that it may take.
    Undecided,
    /// It fails by a rule that is known to be broken.
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

    /// The server is known to break a rule: what can do without it does from now on.
    pub(super) fn knows(&self, rule: &str) {
        self.broken.borrow_mut().insert(rule.to_owned());
        if let Some(rule) = rules::known(rule).filter(|rule| !avoid::is_basic(rule)) {
            self.does_without(rule);
        }
    }

    /// A rule is put to the test no more, but by the checks that are about it alone.
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

    /// The server was seen to take messages ahead of their replies, which saves time, unless something
    /// else was seen as well.
    pub(super) fn takes_messages_ahead(&self) {
        let is_sound = !self.avoided.borrow().iter().any(|rule| avoid::is_of_messages_ahead(rule));
        self.target.ask_ahead(is_sound);
    }

    /// Brings back a server that is gone, if there is a way.
    ///
    /// # Errors
    /// When there is none, or it has not come back.
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

    /// Whether it is known to break any.
    pub(super) fn knows_any(&self) -> bool {
        !self.broken.borrow().is_empty()
    }

    /// The rules that are put to the test no more.
    pub(super) fn avoided(&self) -> Rules {
        self.avoided.borrow().clone()
    }

    /// What of a conversation is one for this server, with what the reference model replies.
    fn spoken(&self, transcript: &Transcript) -> Transcript {
        let spoken = self.dialect.spoken(transcript);
        avoid::without(&spoken, &self.avoided.borrow()).answered()
    }

    /// Holds a conversation, as far as it is one for this server, and expects what the reference
    /// model replies. With several addresses it is held over again, until each of its connections has
    /// been at each.
    pub(super) fn holds(&self, transcript: &Transcript) -> Trial {
        self.holds_each(self.target.system.all_spread(transcript))
    }

    /// Holds it once, beginning at one of the addresses: for what is drawn, and drawn again.
    pub(super) fn holds_from(&self, start: u64, transcript: &Transcript) -> Trial {
        self.holds_each([self.target.system.spread(transcript, self.number(start))])
    }

    /// Holds one that is about how a client ends its side, also where that is done without.
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
                // It is slow, and may be right.
                Err(held) if is_silence(&held) && self.target.is_out_of_time() => {
                    return Trial::Undecided;
                }
                Err(held) => return self.found(held),
            }
        }
        Trial::Passed
    }

    /// What a conversation that went another way has shown.
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

    /// What shows that what comes in one packet is read as one message, if it is: a reply that is missing
    /// may be missing for that.
    fn read_as_one(&self) -> Option<Finding> {
        if self.avoided.borrow().contains("L8") {
            return None;
        }
        let lines = [b"QUERY|a|\n".as_slice(), b"QUERY|b|\n"].concat();
        let two = Transcript::from_steps([Step::Send(lines)]).answered();
        let held = self.target.hold(&two, Transcript::answered).err()?;
        Some(Finding::of(&held)).filter(|finding| finding.rule == "L8")
    }

    /// What shows that a package is there because it was asked for, if that explains what went wrong:
    /// names are asked for before each conversation, which must change nothing.
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

    /// Whether nothing answers, not even a new client.
    pub(super) fn is_gone(&self) -> bool {
        self.with_short_patience(|| self.target.reach().is_err()) && self.target.reach().is_err()
    }

    /// Does something with the patience for a reply that nothing should hold up. The bound suffices for
    /// several such replies that do not come, so that a server that holds them up is told in time.
    pub(super) fn unless_held_up<T>(&self, work: impl FnOnce() -> T) -> T {
        let soon = (self.settings.bound / REPLIES_IN_VAIN).max(HELD_UP * self.reply_time);
        self.target.with_patience(soon.min(self.target.patience()), work)
    }

    fn with_short_patience<T>(&self, work: impl FnOnce() -> T) -> T {
        self.target.with_patience(SHORT_PATIENCE.min(self.target.patience()), work)
    }

    /// The number of an address that follows from a seed.
    pub(super) fn number(&self, seed: u64) -> usize {
        usize::try_from(seed % self.target.system.count() as u64).unwrap_or_default()
    }

    /// The shortest conversation that goes wrong in the same way, as far as steps that make it simpler
    /// lead to it in time; and whether it went wrong once more when it was tried again.
    fn shortened(&self, first: Held) -> (Held, bool) {
        let kind_of_first = kind(&first);
        let goes_wrong = |candidate: Transcript| {
            let held = self.target.hold(&candidate, Transcript::answered).err()?;
            Some(held).filter(|held| kind(held) == kind_of_first && !self.target.is_out_of_time())
        };
        let may_go_on = || {
            // Of a server that is gone, every conversation goes wrong.
            let is_there = || self.with_short_patience(|| self.target.reach().is_ok());
            !self.target.is_out_of_time() && is_there()
        };
        let simplest = self.simplest(&first, may_go_on, goes_wrong);
        // What went wrong for want of patience alone is no fault.
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

    /// The shortest conversation after which nothing answers, if the server can be brought back for each
    /// try.
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

    /// What steps that make a conversation simpler lead to, as long as it still fails and may go on; `None` if no
    /// step does.
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

/// Whether a conversation only waited in vain.
fn is_silence(held: &Held) -> bool {
    matches!(held.mismatch, Mismatch::Io { .. } | Mismatch::NoEnd { .. })
}
