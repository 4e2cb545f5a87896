//! Under construction.

pub mod clock;
pub mod measure;
