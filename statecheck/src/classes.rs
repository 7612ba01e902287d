//! Classes of inputs. A check labels its input with a class, and a test counts the classes. So a generator
//! that reaches nothing is not mistaken for a property that holds.

use std::cell::RefCell;

thread_local! {
    /// The classes of the current input, or `None` while nobody counts.
    static SEEN: RefCell<Option<Vec<&'static str>>> = const { RefCell::new(None) };
}

/// Labels the current input with a class. Anything that a property does on the checking thread may call it,
/// as often as it likes: a machine under test, a model or a check. An input is counted once.
///
/// ```
/// use statecheck::classes::label;
/// use statecheck::property::{Failure, Property};
/// use statecheck::settings::Settings;
/// use statecheck::trace::{Trace, TraceCommand};
/// use statecheck::arbitrary;
///
/// #[derive(Debug, Clone, arbitrary::Arbitrary)]
/// struct Key(u64);
///
/// impl TraceCommand for Key {}
///
/// let mut property = Property::new("keys", "", |Trace(keys): &Trace<Key>| {
///     if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
///         label("a key twice");
///     }
///     Ok(())
/// });
/// property.shares = &[("a key twice", 20.0)];
/// let settings = Settings { cases: Some(500), time: None, rounds: None, seed: 1, regressions: None };
/// // There are so many possible keys that none comes twice, so that case is not tested.
/// assert!(matches!(property.run(&settings), Err(Failure::Blind { seen: 0, .. })));
/// ```
pub fn label(class: &'static str) {
    SEEN.with_borrow_mut(|seen| {
        if let Some(classes) = seen.as_mut().filter(|classes| !classes.contains(&class)) {
            classes.push(class);
        }
    });
}

/// Does some work, and returns the classes that it labelled.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, Vec<&'static str>) {
    SEEN.set(Some(Vec::new()));
    let done = work();
    (done, SEEN.take().unwrap_or_default())
}
