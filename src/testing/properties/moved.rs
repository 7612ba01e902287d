//! What the table claims about an index that moves between a store and replicas, as the program lets users
//! move it: by an export that is handed in.
//!
//! A server has a store or replicas, not both. So this is how the two work together.

use super::durable::outlasting;
use super::replicated::moved_in;
use crate::command::{Command, CommandRef};
use crate::index::PackageIndex;
use crate::testing::generators::{Migration, Outage};
use crate::testing::state_of_index;
use crate::wire;

pub(super) fn moves_keep_the_index(migration: &Migration) -> Result<(), String> {
    keep_the_index(PackageIndex::to_commands, migration)
}

pub(super) fn keep_the_index(
    export: fn(&PackageIndex) -> Vec<Command>,
    migration: &Migration,
) -> Result<(), String> {
    let Migration { outage, course } = migration;
    let at = |place: &'static str| move |what: String| format!("{place}: {what}");
    let stored = outlasting(outage).map_err(at("in the first store"))?;
    let carried = carried(&export(&stored))?;
    let replicated = moved_in(&carried, &stored, course).map_err(at("among the replicas"))?;
    let batches = self::carried(&export(&replicated))?.chunks(4).map(<[_]>::to_vec).collect();
    let last = Outage { batches, cuts: outage.cuts.clone() };
    let last = outlasting(&last).map_err(at("in the last store"))?;
    if last != replicated {
        let (last, replicated) = (state_of_index(&last), state_of_index(&replicated));
        return Err(format!("in the last store {last:?} is held, not {replicated:?}"));
    }
    Ok(())
}

/// The commands that are read from those that are written down.
fn carried(commands: &[Command]) -> Result<Vec<Command>, String> {
    let text: String = commands.iter().map(|command| format!("{command}\n")).collect();
    let lines = text.as_bytes().split_inclusive(|byte| *byte == b'\n');
    let read: Result<_, _> =
        lines.map(|line| wire::parse(line).map(CommandRef::to_command)).collect();
    read.map_err(|error| error.to_string())
}
