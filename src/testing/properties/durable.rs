//! What the table claims about a store: what is there after power cuts and failures of the disk, and that it
//! goes on from there.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use super::Subject;
use crate::command::Command;
use crate::engine::{Engine, Unavailable};
use crate::index::{Limits, PackageIndex};
use crate::model::Model;
use crate::store::{Disk, Store, StoreError, load};
use crate::testing::generators::{Fault, Outage, PowerCut};
use crate::testing::power::Storage;
use crate::testing::state_of_index;

pub(super) fn commits_survive_power_cuts(outage: &Outage) -> Result<(), String> {
    survives(outage, &|storage| Ok(Box::new(disk(&storage)?))).map(drop)
}

fn disk(storage: &Storage) -> Result<Disk, StoreError> {
    Disk::on(storage.clone(), storage.beside())
}

/// A function that opens the store on some storage.
type Open<'a> = &'a dyn Fn(Storage) -> Result<Box<dyn Store>, StoreError>;

/// When the power failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    WhileOpening,
    WhileCommitting,
    WhileClosing,
    /// After all was done.
    Late,
}

/// What an outage led to.
#[derive(Default)]
struct Survived {
    /// When each fault came.
    cuts: Vec<Cut>,
    /// How many batches were there afterwards although nobody had been told of them.
    unheard: usize,
    /// How many batches were answered `ERROR` and noted, and how many could not be noted.
    noted: usize,
    unnoted: usize,
}

/// What a disk holds after an outage.
pub(super) fn outlasting(outage: &Outage) -> Result<PackageIndex, String> {
    let (_, storage) = outlast(outage, &|storage| Ok(Box::new(disk(&storage)?)))?;
    let store = disk(&storage).map_err(|error| error.to_string())?;
    load(&store, Limits::default(), |_| ()).map_err(|error| error.to_string())
}

/// Runs an index through an outage.
fn survives(outage: &Outage, open: Open<'_>) -> Result<Survived, String> {
    outlast(outage, open).map(|(survived, _)| survived)
}

/// The same, and the storage at its end.
fn outlast(outage: &Outage, open: Open<'_>) -> Result<(Survived, Storage), String> {
    let mut course = Course::new(&outage.batches);
    let mut storage = Storage::holding(empty()?);
    let after = |cuts: usize| move |what| format!("after {cuts} faults: {what}");
    for cut in &outage.cuts {
        let faults = course.survived.cuts.len();
        let came = course.go_on(&storage, Some(*cut), open).map_err(after(faults))?;
        course.survived.cuts.push(came);
        storage = match cut.fault {
            Fault::Power | Fault::PowerLater(_) => storage.powered_again(cut.left.into()),
            Fault::Killed(_) => storage.opened_again(),
        };
    }
    // The first pass runs to the end. The second checks that all of it is kept, although only what was synced
    // is left.
    for _ in 0..2 {
        course.go_on(&storage, None, open).map_err(after(outage.cuts.len()))?;
        storage = storage.powered_again(0);
    }
    Ok((course.survived, storage))
}

/// A file at the moment when it gets its name: complete, and without packages.
fn empty() -> Result<Vec<u8>, String> {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(bytes) = EMPTY.get() {
        return Ok(bytes.clone());
    }
    let storage = Storage::default();
    drop(disk(&storage).map_err(|error| error.to_string())?);
    Ok(EMPTY.get_or_init(|| storage.bytes()).clone())
}

/// The progress of an index through an outage.
struct Course<'a> {
    batches: &'a [Vec<Command>],
    /// The expected state before each batch, and after the last.
    models: Vec<Model>,
    /// How many batches are known to be durable.
    durable: usize,
    /// How many batches may be durable.
    begun: usize,
    survived: Survived,
}

impl<'a> Course<'a> {
    fn new(batches: &'a [Vec<Command>]) -> Self {
        let mut models = vec![Model::default()];
        for batch in batches {
            let mut model = models[models.len() - 1].clone();
            for command in batch {
                let Ok(_outcome) = model.apply(command);
            }
            models.push(model);
        }
        Self { batches, models, durable: 0, begun: 0, survived: Survived::default() }
    }

    /// Restores the index, and applies the remaining batches, until the power fails, the disk fails or all is
    /// done.
    fn go_on(
        &mut self,
        storage: &Storage,
        cut: Option<PowerCut>,
        open: Open<'_>,
    ) -> Result<Cut, String> {
        let off_at = |steps: RangeInclusive<usize>| {
            let Some(cut) = cut.filter(|cut| steps.contains(&cut.step.into())) else { return };
            match cut.fault {
                Fault::Power => storage.power_off_after(cut.calls.into()),
                Fault::Killed(count) | Fault::PowerLater(count) => {
                    storage.fail_after(cut.calls.into(), count.into(), cut.left.into());
                }
            }
        };
        off_at(0..=0);
        let store = match open(storage.clone()) {
            Err(_) if storage.has_refused() => return Ok(Cut::WhileOpening),
            opened => opened.map_err(|error| error.to_string())?,
        };
        let index = load(&*store, Limits::default(), |_| ()).map_err(|error| error.to_string())?;
        index.check_invariants().map_err(|violation| violation.to_string())?;
        self.find(&index)?;
        let count = store.snapshot().and_then(|snapshot| snapshot.package_count());
        let count = count.map_err(|error| error.to_string())?;
        if count != index.len() as u64 {
            return Err(format!("{count} packages are counted, {} loaded", index.len()));
        }
        let engine = Engine::durable(index, store);
        let ahead = &self.batches[self.durable..];
        for (number, batch) in ahead.iter().enumerate() {
            off_at(number + 1..=number + 1);
            self.begun += 1;
            let applied = engine
                .batch(|index| batch.iter().try_for_each(|command| index.apply(command).map(drop)));
            match applied {
                Ok(Ok(())) => self.durable = self.begun,
                Err(Unavailable::NotDurable(_)) if storage.has_refused() => {
                    self.check(&engine)?;
                    self.answered_error(&engine);
                    return Ok(Cut::WhileCommitting);
                }
                failed => return Err(format!("batch {}: {failed:?}", self.begun)),
            }
        }
        self.check(&engine)?;
        off_at(ahead.len() + 1..=usize::MAX);
        match engine.close() {
            Err(_) if storage.has_refused() => Ok(Cut::WhileClosing),
            closed => closed.map(|()| Cut::Late).map_err(|error| error.to_string()),
        }
    }

    /// Notes that the current batch is answered `ERROR`. If the disk has noted it, the batch must not come
    /// back.
    fn answered_error(&mut self, engine: &Engine) {
        if let Some(StoreError::Unnoted { .. }) = engine.store_failure() {
            self.survived.unnoted += 1;
        } else {
            self.begun = self.durable;
            self.survived.noted += 1;
        }
    }

    /// Finds the batches that led to the state. Somebody knows of them now.
    fn find(&mut self, index: &PackageIndex) -> Result<(), String> {
        let Self { durable, begun, .. } = *self;
        let holds = |count: &usize| index.holds(self.models[*count].packages()) == Some(true);
        let Some(found) = (durable..=begun).rev().find(holds) else {
            let state = state_of_index(index);
            return Err(format!("{durable} batches were durable and {begun} begun: {state:?}"));
        };
        self.survived.unheard += found - durable;
        (self.durable, self.begun) = (found, found);
        Ok(())
    }

    /// Checks that an engine shows what is durable, and nothing else.
    fn check(&self, engine: &Engine) -> Result<(), String> {
        let model = &self.models[self.durable];
        let state = engine.read(state_of_index).map_err(|error| error.to_string())?;
        if state == *model.packages() {
            return Ok(());
        }
        Err(format!("after {} batches {state:?} is held, not {model:?}", self.durable))
    }
}

#[cfg(test)]
pub(super) use tests::one_commit_late;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::bug::{Bug, plant};
    use crate::index::Change;
    use crate::store::Snapshot;
    use crate::testing::input::Generated;
    use crate::testing::property::{Property, Violation};

    /// A disk that commits in another way.
    struct Amiss<C>(Disk, C);

    impl<C> Store for Amiss<C>
    where
        C: FnMut(&mut Disk, &[Change]) -> Result<(), StoreError> + Send,
    {
        fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
            (self.1)(&mut self.0, changes)
        }

        fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
            self.0.snapshot()
        }

        fn close(self: Box<Self>) -> Result<(), StoreError> {
            Box::new(self.0).close()
        }
    }

    /// The property, tried on a disk that commits like this.
    fn amiss<C>(commit: impl Fn() -> C + Send + Sync + 'static) -> Property
    where
        C: FnMut(&mut Disk, &[Change]) -> Result<(), StoreError> + Send + 'static,
    {
        Property::new("amiss", "", move |outage: &Outage| {
            let open = |storage| {
                let disk: Box<dyn Store> = Box::new(Amiss(super::disk(&storage)?, commit()));
                Ok(disk)
            };
            survives(outage, &open).map(drop)
        })
    }

    /// The property, tried on a disk that keeps each commit only when the next one comes. So what is answered
    /// is not durable.
    pub(in super::super) fn one_commit_late() -> Property {
        amiss(|| {
            let mut last = Vec::new();
            move |disk: &mut Disk, changes: &[Change]| {
                disk.commit(&std::mem::replace(&mut last, changes.to_vec()))
            }
        })
    }

    /// What the property finds about a disk, and the messages that show it.
    fn found(amiss: &Property) -> (Violation, String) {
        let violation = amiss.quickcheck(1_000, 1).expect_err("commits go amiss");
        let sent = violation.shown.lines().filter_map(|line| line.strip_prefix("> "));
        let sent = sent.collect::<Vec<_>>().join("; ");
        (violation, sent)
    }

    #[test]
    fn a_commit_in_two_halves_is_found() {
        let halves = |disk: &mut Disk, changes: &[Change]| {
            let (one, other) = changes.split_at(changes.len() / 2);
            disk.commit(one).and_then(|()| disk.commit(other))
        };
        let (violation, sent) = found(&amiss(move || halves));
        assert!(sent.split("; ").count() <= 3, "{violation}");
        assert!(violation.what.contains(" batches were durable and "), "{violation}");
    }

    #[test]
    fn a_commit_that_is_one_late_is_found() {
        let (violation, sent) = found(&one_commit_late());
        assert_eq!(sent, "INDEX|a|", "{violation}");
        assert!(violation.what.contains("1 batches were durable and 1 begun"), "{violation}");
    }

    #[test]
    fn a_disk_that_lies_is_found() {
        let planted = plant(Bug::SyncsAreLost);
        let violation = super::super::commits_survive_power_cuts().quickcheck(1_000, 1);
        drop(planted);
        violation.expect_err("a bug was planted");
    }

    #[test]
    fn a_failure_that_is_not_noted_is_found() {
        let forgetful = Property::new("forgetful", "", |outage: &Outage| {
            let open: Open<'_> =
                &|storage| Ok(Box::new(Disk::forgetful(storage.clone(), storage.beside())?));
            survives(outage, open).map(drop)
        });
        let (violation, _) = found(&forgetful);
        assert!(violation.what.contains("0 batches were durable and 0 begun"), "{violation}");
    }

    #[test]
    fn the_power_goes_and_the_disk_fails_everywhere() {
        let mut g = quickcheck::Gen::from_size_and_seed(100, 20);
        let (mut seen, mut sum) = (BTreeMap::new(), Survived::default());
        for _ in 0..500 {
            let Generated(outage) = quickcheck::Arbitrary::arbitrary(&mut g);
            let open: Open<'_> = &|storage| Ok(Box::new(super::disk(&storage)?));
            let Survived { cuts, unheard, noted, unnoted } = survives(&outage, open).unwrap();
            for (number, (cut, at)) in cuts.into_iter().zip(&outage.cuts).enumerate() {
                let power = at.fault == Fault::Power;
                *seen.entry((number == 0, power, cut)).or_insert(0) += 1;
            }
            sum.unheard += unheard;
            sum.noted += noted;
            sum.unnoted += unnoted;
        }
        let Survived { unheard, noted, unnoted, .. } = sum;
        println!("faults (first, power cut, where): {seen:?}");
        println!("kept, though nobody was told: {unheard}; noted: {noted}; not noted: {unnoted}");
        assert!(seen.len() == 16 && seen.values().all(|count| *count >= 5), "{seen:?}");
        assert!(unheard >= 5 && noted >= 20 && unnoted >= 5, "{unheard} {noted} {unnoted}");
    }
}
