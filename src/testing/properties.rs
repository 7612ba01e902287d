//! The table: every claim about this library, declared once.
//!
//! A row declares a property: its promise, its name, its inputs, the number of inputs that the tests try, and
//! the rules of `spec/protocol.md` that it covers. The function of that name, in the module before it, checks
//! the property on one input.
//!
//! Several things are made from the table: a function that returns each
//! [`Property`](super::property::Property), the [`roster`] of all, and a quickcheck test for each (in
//! `quickcheck`). So is everything in `fuzz/` that names a property. To add a property, write its function
//! and its row, then run what `fuzz/README.md` says.
//!
//! The rows of `machine` claim something about any machine for packages: [`machine_properties`]
//! tries them on yours.

mod durable;
mod index;
mod machine;
mod moved;
mod replicated;
mod service;
mod shown;
mod wire;

use std::fmt::Display;

use statecheck::StateMachine;

use super::generators::{
    Bounded, Conversation, Course, Duo, Line, Migration, Noise, Outage, Visit,
};
use super::trace::Trace;
use super::{State, state_of_index, state_of_model};
use crate::command::{Command, Outcome};
use crate::index::PackageIndex;
use crate::model::Model;

/// A machine for packages that [`machine_properties`] can be tried on.
pub trait Subject: StateMachine<Command = Command, Reply = Outcome, Error: Display> {
    /// What the machine holds, or `None` if that cannot be seen from outside. The properties then go by its
    /// replies alone.
    fn state(&self) -> Option<State>;

    /// Whether it holds just that, or `None` if that cannot be seen from outside.
    fn holds(&self, state: &State) -> Option<bool> {
        self.state().map(|own| own == *state)
    }

    /// Whether it is sound inside, by its own account.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

impl Subject for PackageIndex {
    fn state(&self) -> Option<State> {
        Some(state_of_index(self))
    }

    /// Without a copy of every name: it is called after every command of every trace.
    fn holds(&self, state: &State) -> Option<bool> {
        let mut entries = self.entries();
        let same = state.iter().all(|(name, names)| {
            entries
                .next()
                .is_some_and(|(package, list)| package == *name && names.iter().eq(list.as_slice()))
        });
        Some(same && entries.next().is_none())
    }

    fn check(&self) -> Result<(), String> {
        self.check_invariants().map_err(|violation| violation.to_string())
    }
}

impl Subject for Model {
    fn state(&self) -> Option<State> {
        Some(state_of_model(self))
    }
}

statecheck::properties! {
    any M: Subject = PackageIndex::new => {
        /// The properties of the table about any machine for packages, for a machine of yours. `fresh`
        /// returns one that holds nothing yet.
        ///
        /// ```
        /// use package_indexer::Model;
        /// use package_indexer::testing::properties::machine_properties;
        ///
        /// for property in machine_properties(Model::default) {
        ///     property.quickcheck(10, 1)?;
        /// }
        /// # Ok::<(), package_indexer::testing::property::Violation>(())
        /// ```
        pub fn machine_properties
    }

    /// No bytes make the parser panic. An error points at a byte of the line and names what is there.
    wire::parser_is_total(Noise) * 20_000 [M9];
    /// On noise, the parser accepts what a reference parser that splits strings accepts, and refuses the rest.
    wire::parser_agrees_with_reference_on_noise(Noise) * 20_000 [M9 N4];
    /// On near misses, the parser accepts what a reference parser that splits strings accepts, and refuses the rest.
    wire::parser_agrees_with_reference_on_lines(Line) * 100_000 [M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11 N1 N2 N3 N4 N5 D1 D2 D3 D4 L6];
    /// A command is read back from the text that it prints as.
    wire::commands_print_and_parse_back(Command) * 20_000 [M1 N1];
    /// A line that is a message reads the same after it was read and printed.
    wire::lines_parse_and_print_back(Line) * 20_000 [M1 D2 D4 L6];
    /// Messages and logs show any bytes from outside in a short form, without a character that does more than print.
    shown::text_from_outside_is_shown_clean(Noise) * 5_000 [M9];
    /// The same bytes give the same lines in any pieces, and those of a reference that splits at LF.
    wire::framing_ignores_segmentation(Conversation) * 10_000 [L1 L2 L3 L4 L5 L8 L9 L10];
    /// The machine answers as the model does and holds the same after every command.
    machine for any M::machine_refines_model(Trace<Command>) * 10_000 [D5 D6 I1 I2 I3 I4 I5 I6 I7 I8 X1 X2 X3 X4 X5 X6 X7 Q1 Q2 Q3 O4];
    /// Seen from outside alone, the machine answers as the model does.
    machine for any M::machine_answers_as_model(Trace<Command>) * 10_000 [D5 D6 I1 I2 I3 I4 I5 I6 I7 I8 X1 X2 X3 X4 X5 X6 X7 Q1 Q2 Q3 O4];
    /// After every command all dependencies of indexed packages are indexed, and the machine finds itself sound.
    machine for any M::invariants_hold(Trace<Command>) * 5_000 [I1 X3];
    /// A command that is answered FAIL changes nothing.
    machine for any M::fail_changes_nothing(Trace<Command>) * 2_000 [I3 X6];
    /// QUERY changes nothing.
    machine for any M::query_changes_nothing(Trace<Command>) * 2_000 [Q3];
    /// INDEX and REMOVE, said twice, get the same answer, and the second time changes nothing.
    machine for any M::index_and_remove_are_idempotent(Trace<Command>) * 2_000 [I4 X1];
    /// A command changes no list but that of its package.
    machine for any M::commands_touch_only_their_package(Trace<Command>) * 2_000 [I4 X3];
    /// The same commands give the same replies and the same state.
    machine for any M::machine_is_deterministic(Trace<Command>) * 2_000 [O4];
    /// All that an index shows, its digest included, depends on what it holds alone: not on its history, nor on its hash seed.
    index::index_shows_its_state_alone(Trace<Command>) * 2_000 [O4];
    /// An index whose tables are split again and again refines the model like any other.
    index::splits_change_nothing(Trace<Command>) * 5_000 [I4 X2 X3];
    /// Cell by cell, an index is what the algorithm of `spec/refinement` makes of the same commands, and of undoing them.
    index::cells_are_those_of_the_algorithm(Trace<Command>) * 2_000 [I4 X2 X3];
    /// Rows in any order, in groups of any size, build cell by cell what their commands would. They build nothing if a package has two rows, or if a list names one without a row.
    index::rows_build_what_their_commands_do(Trace<Command>) * 2_000 [I1 I4 I6 I8];
    /// The commands that an index exports are all answered OK, and rebuild an equal index.
    index::export_rebuilds_the_index(Trace<Command>) * 2_000 [I6 I7];
    /// In the installation order a package comes after all that it depends on, cycles aside, and no package is missing.
    index::order_respects_dependencies(Trace<Command>) * 2_000 [I7];
    /// The transitive closures are those of a naive fixpoint, and the dependents are the reverse of the dependencies.
    index::closures_agree_with_fixpoint(Trace<Command>) * 2_000 [I7];
    /// A command that would pass a limit is refused and changes nothing. Any other is answered as if there were no limits.
    index::limits_refuse_and_change_nothing(Bounded) * 5_000 [O7 O8];
    /// A session answers any bytes of a client, in any pieces, as the model does message by message.
    service::session_answers_as_model(Conversation) * 5_000 [M9 L1 L2 L3 L8 L9 O1 O2 O3 O9 C6];
    /// A session answers any bytes of a client, in any pieces, as a peer does that others could have written: `spec/peer.py`.
    service::session_answers_as_peer(Visit) * 2_000 [M1 M2 M3 M4 M5 M6 M7 M8 M9 M10 M11 N1 N4 N5 D1 D2 D3 D4 D5 L1 L2 L3 L4 L5 L6 L7 L8 L9 L10 I1 I2 I3 I4 I5 I6 I7 X1 X2 X3 X4 X5 X6 X7 Q1 Q2 Q3 O1 O2 O9 C6 C7];
    /// An HTTP request that comes first gets one ERROR, and nothing after it is read. Anywhere else it is a line like any other.
    service::http_ends_the_conversation(Visit) * 5_000 [C6 C7];
    /// Messages that arrive together are answered like messages that arrive one by one, and do the same.
    service::batch_equals_its_commands(Conversation) * 2_000 [O1 O2 O3 O9];
    /// One order of their commands explains what two clients see.
    service::clients_see_one_order(Duo) * 5_000 [O4 O5 C5];
    /// A server answers over a socket as the model does, and ends the stream after the last reply.
    service::server_answers_as_model(Conversation) * 200 [L1 L8 L9 O1 O2 O3 C3 C6];
    /// All that was durable survives every power cut and every failure of the disk. Of the rest at most the next commit is there, as a whole, and not if it was answered ERROR. From there the index goes on as the model does.
    durable::commits_survive_power_cuts(Outage) * 1_000 [O4 O6];
    /// The order of the log explains all that replicas answer and hold, and has each batch at most once. Anything may be lost, late or forgotten, and any replica may crash.
    replicated::replicas_apply_one_order(Course) * 2_000 [O4 O5 O6 O9];
    /// An index that moves from a store to replicas, and from those to another store, is the same after each move, also if disks and log fail on the way.
    moved::moves_keep_the_index(Migration) * 500 [I7 O4 O6];
}

#[cfg(test)]
mod canaries;
#[cfg(test)]
pub(in crate::testing) mod faulty;
#[cfg(test)]
mod tests;
