//! What all fuzz targets have in common. A target is one property of the library's table: libFuzzer
//! gives it bytes; without libFuzzer, the same target replays files.

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;
#[doc(hidden)]
pub use package_indexer::testing::{fuzz, properties, property::Property};

/// The whole of a target: the property of that name.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    ($property:ident) => {
        thread_local! {
            static PROPERTY: $crate::Property = $crate::properties::$property();
        }

        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            PROPERTY.with(|property| $crate::fuzz::check(property, bytes))
        });
    };
}

/// The whole of a target: the property of that name.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! target {
    ($property:ident) => {
        fn main() -> std::process::ExitCode {
            $crate::fuzz::replay(&$crate::properties::$property())
        }
    };
}
