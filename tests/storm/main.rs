//! Nothing is lost: trees change in every way that once made an inventory miss something, and the state is the truth after.
//!
//! Each scene plays once for each means of noticing changes. Where whole file systems are watched, nothing may be lost and
//! nobody asks for a walk; where directories are, a walk of everything must find what was, and the scene prints how much
//! that is. Short forms run always, long forms by `make soak`. A scene that this machine cannot play says what it lacks.

#![expect(
    clippy::print_stderr,
    reason = "what was lost, and what is missing on this machine, is for whoever reads the log"
)]

mod links;
mod losses;
mod mounted;
mod oddities;
mod sealed;
mod stage;
mod trees;
mod writing;
