//! The properties of `tests/properties.rs`, for the targets. Generated: see `fuzz/README.md`.

#[path = "../../tests/properties.rs"]
pub mod properties;
