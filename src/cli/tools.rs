//! The commands for package lists, which need no server of one's own: `import`, `order`, `dot`, `why`, and what
//! prints the program's completions and manual pages.

pub(super) mod dot;
mod failure;
pub(super) mod generate;
pub(super) mod import;
mod list;
mod messages;
pub(super) mod order;
mod picture;
mod plan;
mod report;
mod selection;
pub(super) mod why;

pub(super) use failure::ToolFailure;
