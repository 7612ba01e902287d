//! The commands for package lists, which need no server of one's own: `import`, `order`, `dot`, and what
//! prints the program's completions and manual pages.

mod failure;
pub(super) mod generate;
pub(super) mod import;
mod list;
mod plan;
pub(super) mod render;

pub(super) use failure::ToolFailure;
