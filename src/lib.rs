//! draft
#![forbid(unsafe_code)]
#[cfg(feature = "server")]
pub mod client;
pub mod command;
pub mod engine;
pub mod index;
pub mod machine;
pub mod model;
pub mod name;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wire;
pub use command::*;
pub use index::PackageIndex;
pub use machine::*;
pub use model::Model;
pub use name::*;
#[cfg(feature = "cli")]
pub mod cli;
