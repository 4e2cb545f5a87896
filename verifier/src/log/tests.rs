//! The write path on a disk that fails at any of its calls.

mod crash;
mod faulty;
