//! Which users may access the files and directories that the program is given, besides their owner.

use std::path::Path;

/// How a file or directory is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

/// The mode of a file or directory that others than its owner may use in this way. `None` if they may not, or
/// if the system cannot tell.
#[cfg(unix)]
pub(super) fn open_to_others(path: &Path, to: Use) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    let bits = match to {
        Use::Read => 0o044,
        Use::Write => 0o022,
    };
    (mode & bits != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_: &Path, _: Use) -> Option<u32> {
    None
}
