//! What the repository holds: the house rules, the files of the image, and what is generated.

mod fuzz;
mod house;
#[cfg(unix)]
mod image;
