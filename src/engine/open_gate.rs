//! A gate that is always open. The promises about replies rest on the lock after the gate. The checker tries
//! every order there. It tries the gate's own schedules separately.

/// Lets everybody pass at once.
#[derive(Debug, Default)]
pub(crate) struct Gate;

/// A passage through it.
pub(crate) struct Passed<'a> {
    _gate: &'a Gate,
}

impl Gate {
    pub(crate) fn pass(&self, _names: usize) -> Passed<'_> {
        Passed { _gate: self }
    }

    pub(crate) fn pass_to_read(&self, names: usize) -> Passed<'_> {
        self.pass(names)
    }
}
