//! No gate at all. What is promised of replies rests on the lock after it. The checker tries every
//! order of that anyway, and the gate's own schedules separately.

/// Lets everybody pass at once.
#[derive(Debug, Default)]
pub(crate) struct Gate;

/// Has passed.
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
