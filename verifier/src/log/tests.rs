//! The write path on a disk that fails at any of its calls.

mod bucket;
mod crash;
mod faulty;
