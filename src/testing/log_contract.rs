//! The contract between every [`Log`] and replicas, tried on a log that is still empty.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::log::{Entry, Log, LogError, LogSnapshot, MAX_ENTRY_BYTES, Place, Writer};

/// How long an entry may take from its append until it is shown.
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks that a log which nobody else uses does what [`Log`] says.
///
/// # Errors
/// [`LogError`] if the log fails to do what it is asked for.
///
/// # Panics
/// If it does something else.
pub fn hold_to_contract(log: &dyn Log) -> Result<(), LogError> {
    setups_agree(log)?;
    let entries = entries_have_places(log)?;
    entries_come_in_order(log, &entries)?;
    snapshots_take_the_place_of_entries(log)
}

/// The first setup decides.
fn setups_agree(log: &dyn Log) -> Result<(), LogError> {
    log.agree("one")?;
    log.agree("one")?;
    let (ours, theirs) = ("other".to_owned(), "one".to_owned());
    assert_eq!(log.agree("other"), Err(LogError::Disagrees { ours, theirs }));
    log.agree("one")
}

/// Appends the next entry of a writer, checks that it can be repeated, and returns it.
fn append(log: &dyn Log, writer: &mut Writer, messages: &[u8]) -> Result<Entry, LogError> {
    let before = log.head()?;
    let place = log.append(writer, messages)?.unwrap_or_default();
    assert!(place > before, "an entry at {place} comes after that at {before}");
    assert_eq!(log.append(writer, messages)?, Some(place), "it is where it was");
    assert_eq!(log.head()?, place, "it is the last one, once");
    let entry = Entry { place, id: writer.next(), messages: messages.to_vec() };
    *writer = writer.after(place);
    Ok(entry)
}

/// Checks that writers are distinct, and that the places of entries increase.
fn entries_have_places(log: &dyn Log) -> Result<Vec<Entry>, LogError> {
    assert_eq!(log.head()?, Place::default());
    let (mut one, mut other) = (log.register()?, log.register()?);
    assert_ne!(one.id, other.id);
    assert_eq!((one.entries, other.entries), (0, 0));
    assert_eq!(log.head()?, Place::default(), "a registered writer has appended nothing");
    let (first_one, first_other) = (one, other);
    let mut entries = vec![append(log, &mut one, b"INDEX|a|\n")?];
    entries.push(append(log, &mut other, b"INDEX|b|\nINDEX|c|\n")?);
    // Even after others have appended.
    assert_eq!(log.append(&first_one, b"INDEX|a|\n")?, Some(entries[0].place));
    assert_eq!(log.append(&first_other, b"INDEX|b|\nINDEX|c|\n")?, Some(entries[1].place));
    // Only QUERYs leave nothing to append. And as much as an entry may have, which nothing can compress.
    entries.push(append(log, &mut other, b"")?);
    entries.push(append(log, &mut one, &noise())?);
    entries.push(append(log, &mut one, b"REMOVE|a|\n")?);
    assert_eq!(log.head()?, entries[4].place);
    Ok(entries)
}

/// Bytes without a pattern, as many as an entry may have.
fn noise() -> Vec<u8> {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    let states = std::iter::successors(Some(1), next);
    states.map(|state: u64| state.to_be_bytes()[0]).take(MAX_ENTRY_BYTES).collect()
}

/// Entries after a place, as many as there are but at most `count`.
fn behind(log: &dyn Log, after: Place, count: usize) -> Result<Vec<Entry>, LogError> {
    let begun = Instant::now();
    let mut entries: Vec<Entry> = Vec::new();
    while entries.len() < count {
        let after = entries.last().map_or(after, |entry| entry.place);
        log.follow(after, &mut |entry| {
            entries.push(entry);
            if entries.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        assert!(begun.elapsed() < PATIENCE, "nothing comes after {after}");
    }
    assert_eq!(entries.len(), count, "it has gone on when it was told to stop");
    Ok(entries)
}

/// Checks the order of entries from any place on.
fn entries_come_in_order(log: &dyn Log, entries: &[Entry]) -> Result<(), LogError> {
    for count in 1..=entries.len() {
        let (reached, rest) = entries.split_at(count);
        assert_eq!(behind(log, Place::default(), count)?, reached);
        assert_eq!(behind(log, reached[count - 1].place, rest.len())?, rest);
    }
    let mut more = Vec::new();
    log.follow(log.head()?, &mut |entry| {
        more.push(entry);
        ControlFlow::Continue(())
    })?;
    assert_eq!(more, [], "nothing comes after the end");
    Ok(())
}

/// Writes a snapshot of two chunks, for all that comes before `place`.
fn written(log: &dyn Log, place: Place) -> Result<LogSnapshot, LogError> {
    let id = log.begin_snapshot()?;
    log.write_chunk(id, 0, b"INDEX|b|\n")?;
    log.write_chunk(id, 1, b"")?;
    Ok(LogSnapshot { id, place, log_bytes: 99, chunks: 2, packages: 1 })
}

/// Whether all chunks of a snapshot are there. If not, checks that all are gone.
fn is_there(log: &dyn Log, snapshot: &LogSnapshot) -> Result<bool, LogError> {
    let [first, second] = [log.chunk(snapshot, 0)?, log.chunk(snapshot, 1)?];
    assert_eq!(log.chunk(snapshot, 2)?, None, "it has two");
    assert_eq!(first.is_some(), second.is_some(), "half of a snapshot is there");
    assert!(first.as_ref().is_none_or(|messages| messages == b"INDEX|b|\n"));
    assert!(second.is_none_or(|messages| messages.is_empty()));
    Ok(first.is_some())
}

/// Checks that what a snapshot makes dispensable goes, and nothing else.
fn snapshots_take_the_place_of_entries(log: &dyn Log) -> Result<(), LogError> {
    let [mut idle, mut busy, mut late] = [log.register()?, log.register()?, log.register()?];
    let left = append(log, &mut idle, b"INDEX|d|\n")?;
    let abandoned = written(log, left.place)?;
    let first = written(log, append(log, &mut late, b"INDEX|e|\n")?.place)?;
    assert!(abandoned.id != first.id && is_there(log, &first)?);
    assert_eq!(log.snapshot()?, None, "what is not published is found by nobody");
    assert!(log.publish(&first, None)?);
    assert!(log.publish(&first, None)?, "as it was");
    assert!(!log.publish(&abandoned, None)?, "another was first");
    assert_eq!(log.snapshot()?, Some(first));
    log.forget(&first, None)?;
    assert!(is_there(log, &first)? && !is_there(log, &abandoned)?);

    let between = [append(log, &mut busy, b"INDEX|f|\n")?, append(log, &mut late, b"INDEX|g|\n")?];
    assert_eq!(behind(log, first.place, 2)?, between);
    let second = written(log, between[1].place)?;
    let after = append(log, &mut busy, b"INDEX|h|\n")?;
    let new = log.register()?;
    assert!(!log.publish(&second, None)? && !log.publish(&second, Some(&abandoned))?);
    assert!(log.publish(&second, Some(&first))?);
    assert!(!log.publish(&first, None)?, "it does not go back");
    assert_eq!(log.snapshot()?, Some(second));
    // Like a replica that is told to do it again, and like one that comes late.
    for (snapshot, before) in [(&second, Some(&first)), (&second, Some(&first)), (&first, None)] {
        log.forget(snapshot, before)?;
        // Somebody may still read the one before.
        assert!(is_there(log, &second)? && is_there(log, &first)?);
        let gone = Err(LogError::Forgotten { after: Place::default() });
        assert_eq!(behind(log, Place::default(), 1), gone);
        // If any is shown, none is left out.
        if let Ok(shown) = behind(log, first.place, 3) {
            assert_eq!(shown, [&between[..], std::slice::from_ref(&after)].concat());
        }
        assert_eq!(behind(log, second.place, 1)?, std::slice::from_ref(&after));
    }
    let third = written(log, second.place)?;
    assert!(log.publish(&third, Some(&second))?);
    log.forget(&third, Some(&second))?;
    assert!(is_there(log, &third)? && is_there(log, &second)? && !is_there(log, &first)?);
    // One writer has done nothing since a snapshot before the last, two have, and one is newer.
    assert_eq!(log.append(&idle, b"INDEX|never|\n")?, None);
    assert_eq!(log.head()?, after.place);
    let more = [busy, new].map(|mut writer| append(log, &mut writer, b"INDEX|i|\n"));
    let more = more.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(behind(log, after.place, 2)?, more);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::memory::Memory;

    #[test]
    fn the_log_in_memory_is_one() {
        hold_to_contract(&Memory::default()).unwrap();
    }
}
