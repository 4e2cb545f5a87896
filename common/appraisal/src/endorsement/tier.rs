//! How far a TPM is trusted, and on whose word.
//!
//! In: nothing. Out: the tiers that every answer shows, and the operator's choice of what is enough to join. What is
//! less secure has to be chosen by its name.

use std::fmt;

/// On whose word a host's TPM is taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrustTier {
    /// Its maker's: an endorsement certificate that leads to a trusted root.
    Manufacturer,
    /// A cloud provider's, for a virtual TPM.
    Cloud,
    /// The operator's, who named the endorsement key.
    OperatorPinned,
    /// The host's own, at its first contact.
    FirstUse,
    /// Nobody's.
    None,
}

impl TrustTier {
    /// Every tier, from the strongest.
    pub const ALL: [Self; 5] =
        [Self::Manufacturer, Self::Cloud, Self::OperatorPinned, Self::FirstUse, Self::None];

    /// The name that answers show and stores keep.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manufacturer => "manufacturer",
            Self::Cloud => "cloud",
            Self::OperatorPinned => "operator-pinned",
            Self::FirstUse => "first-use",
            Self::None => "none",
        }
    }

    /// The tier of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }
}

impl fmt::Display for TrustTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// On whose word a certificate is that is only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It was compared with roots.
    Known(TrustTier),
    /// There were no roots to compare it with. No host is ever enrolled so.
    Unknown,
}

impl Standing {
    /// The name that answers show.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known(tier) => tier.name(),
            Self::Unknown => "unknown",
        }
    }
}

/// What a TPM needs so that its host may join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndorsementPolicy {
    /// An endorsement certificate that leads to a trusted root.
    #[default]
    RequireChain,
    /// Nothing: whoever answers first under a new identity is believed, and it may be a TPM of software.
    DangerFirstUse,
}
