//! What one boot says of keys, images and settings: the facts of a firmware log that a quote vouches for.
//!
//! In: verified evidence. Out: facts with their role, class and place, in an order that equal boots share, and a digest over them, so
//! that a store keeps the facts of ten thousand equal machines once. A variable that firmware measured was in force at that boot;
//! an authority that it measured let something run. Who signed an image is not measured: an image is known by its hash alone.

mod extract;
mod kernel_keys;
mod lists;
mod runs;

use evidence::cbor::Writer;
use evidence::digest::Sha256Digest;
use evidence::principal::Principal;

use crate::role::{Class, Role};
use crate::subject::SecureBootState;

pub use extract::{Executed, Lasting, Reading, Trouble, read};
pub use kernel_keys::KeySeen;
pub use lists::{MeasuredList, ShimList};
pub use runs::Ran;

/// What is done anew where extraction changes: facts of another version are made again from the evidence.
pub const EXTRACTOR: u64 = 3;

/// The facts of one boot; sorted, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    facts: Vec<Fact>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// A key, certificate or image under all names that the log gives it.
    Key {
        /// Its names: at least one.
        names: Vec<Principal>,
        /// How the boot had to do with it.
        role: Role,
        /// How well that is known.
        class: Class,
        /// Which variable lists it, or which kind of event told of it.
        store: String,
        /// What people call it.
        label: String,
        /// Where in the log.
        place: Place,
    },
    /// A setting.
    Setting {
        /// Which.
        setting: Setting,
        /// Where in the log; of no event where it is unknown.
        place: Place,
    },
}

/// A setting of a boot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Whether Secure Boot was on.
    SecureBoot(SecureBootState),
    /// A list of keys or hashes was measured, so what it does not list was not listed.
    Measured(String),
    /// A list that was measured, or `authorities`, has entries of kinds that have no name here: a raw key, a hash of another kind.
    Unnamed(String),
    /// The generation of a component that shim's level asks for at least.
    SbatLevel {
        /// The component.
        component: String,
        /// The generation, or what stands there instead.
        generation: String,
    },
}

impl Setting {
    /// The name by which stores know it.
    pub fn name(&self) -> String {
        match self {
            Self::SecureBoot(_) => "secure-boot".to_owned(),
            Self::Measured(list) => format!("measured:{list}"),
            Self::Unnamed(list) => format!("unnamed:{list}"),
            Self::SbatLevel { component, .. } => format!("sbat:{component}"),
        }
    }

    /// The value beside it.
    pub fn value(&self) -> &str {
        match self {
            Self::SecureBoot(state) => state.name(),
            Self::Measured(_) | Self::Unnamed(_) => "yes",
            Self::SbatLevel { generation, .. } => generation,
        }
    }
}

/// An event of the firmware log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The event's number, from 0; `None` where a log says nothing.
    pub event: Option<u32>,
    /// The PCR.
    pub pcr: u8,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.event {
            Some(event) => write!(f, "event {event}, PCR {}", self.pcr),
            None => write!(f, "PCR {}", self.pcr),
        }
    }
}

impl Profile {
    /// A profile of these facts.
    pub fn new(mut facts: Vec<Fact>) -> Self {
        facts.sort_unstable();
        facts.dedup();
        Self { facts }
    }

    /// The facts, sorted.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Over the facts and the extractor's version.
    pub fn digest(&self) -> Sha256Digest {
        let mut w = Writer::new();
        w.uint(EXTRACTOR).array(self.facts.len());
        for fact in &self.facts {
            fact.write(&mut w);
        }
        Sha256Digest::of(&[b"lydian/boot-profile/v1", &w.finish()])
    }
}

impl Fact {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Key { names, role, class, store, label, place } => {
                w.array(7).uint(1).array(names.len());
                for name in names {
                    w.array(2).text(name.kind().name()).bytes(name.id());
                }
                w.uint(role.code().into()).uint(class.code().into()).text(store).text(label);
                place.write(w);
            }
            Self::Setting { setting, place } => {
                w.array(4).uint(2).text(&setting.name()).text(setting.value());
                place.write(w);
            }
        }
    }
}

impl Place {
    fn write(self, w: &mut Writer) {
        w.array(2).uint(self.event.map_or(0, |event| u64::from(event) + 1)).uint(self.pcr.into());
    }
}

#[cfg(test)]
mod tests;
