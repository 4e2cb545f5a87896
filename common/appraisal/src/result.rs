//! What an appraisal comes to: a status, and for each claim of the AR4SI vector a value with its reasons.
//!
//! The words and numbers are those of the IETF's AR4SI and EAR drafts; encoding them is the shells' business.
//= draft-ietf-rats-ar4si §2.3: trustworthiness vector; draft-ietf-rats-ear §3.2: ear.status

/// How a host stands, from best to worst known; `None` where nothing could be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing is claimed.
    None,
    /// As the policy wants it.
    Affirming,
    /// Something that an operator should look at.
    Warning,
    /// Not as the policy wants it.
    Contraindicated,
}

impl Status {
    /// The word of the draft.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Affirming => "affirming",
            Self::Warning => "warning",
            Self::Contraindicated => "contraindicated",
        }
    }

    /// The status of a claim's value.
    //= draft-ietf-rats-ar4si §2.3.2: -1, 0, 1 say nothing; 2..31 affirm; 32..95 warn; 96..127 contraindicate
    pub const fn of_value(value: i8) -> Self {
        match value {
            2..=31 | -32..=-2 => Self::Affirming,
            32..=95 | -96..=-33 => Self::Warning,
            96..=127 | -128..=-97 => Self::Contraindicated,
            -1..=1 => Self::None,
        }
    }
}

/// The members of the trustworthiness vector, in the draft's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// Is it the host that it says it is?
    InstanceIdentity,
    /// Is it configured as it should be?
    Configuration,
    /// Does it run what it should?
    Executables,
    /// Are its files as they should be?
    FileSystem,
    /// Are hardware and firmware as they should be?
    Hardware,
    /// Is what runs hidden from others?
    RuntimeOpaque,
    /// Is what is stored hidden from others?
    StorageOpaque,
    /// Does its data come from where it should?
    SourcedData,
}

impl Member {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::InstanceIdentity,
        Self::Configuration,
        Self::Executables,
        Self::FileSystem,
        Self::Hardware,
        Self::RuntimeOpaque,
        Self::StorageOpaque,
        Self::SourcedData,
    ];

    /// The draft's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InstanceIdentity => "instance-identity",
            Self::Configuration => "configuration",
            Self::Executables => "executables",
            Self::FileSystem => "file-system",
            Self::Hardware => "hardware",
            Self::RuntimeOpaque => "runtime-opaque",
            Self::StorageOpaque => "storage-opaque",
            Self::SourcedData => "sourced-data",
        }
    }
}

/// Why a claim has its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable and machine-readable.
    pub code: &'static str,
    /// One sentence that names the event, record, PCR or file.
    pub detail: String,
}

/// One member of the vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub member: Member,
    /// AR4SI value; 0 where nothing is claimed.
    pub value: i8,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The result of appraising one piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationResult {
    policy_id: String,
    claims: Vec<Claim>,
}

impl AttestationResult {
    pub(crate) const fn new(policy_id: String, claims: Vec<Claim>) -> Self {
        Self { policy_id, claims }
    }

    /// The worst of the claims.
    pub fn status(&self) -> Status {
        self.claims.iter().map(|claim| Status::of_value(claim.value)).max().unwrap_or(Status::None)
    }

    /// The claims that were looked at, in the draft's order.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The value of a member; 0 where it was not looked at.
    pub fn value(&self, member: Member) -> i8 {
        self.claims.iter().find(|claim| claim.member == member).map_or(0, |claim| claim.value)
    }

    /// Which policy said so.
    pub fn policy_id(&self) -> &str {
        &self.policy_id
    }
}
