//! Reading policy files, line by line.
//!
//! In: bytes. Out: a policy in which every name is defined once and before it is used, no key stands twice, and no
//! member counts twice. A line that is not understood refuses the file: half a policy is another policy.

use crate::cosignature::CosignerKey;
use crate::limits::{MAX_POLICY_BYTES, MAX_POLICY_GROUPS, MAX_POLICY_LOGS, MAX_POLICY_WITNESSES};
use crate::note::{KeyError, VerifierKey};
use crate::text;

use super::{Group, Member, Policy, PolicyLog, PolicyWitness, Quorum};

impl Policy {
    /// Reads a policy file.
    //= C2SP tlog-policy, Policy file syntax and structure
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge { found: bytes.len() });
        }
        let allowed = |byte: &u8| matches!(byte, b'\t' | b'\n' | 0x20..=0x7e | 0x80..);
        if let Some(offset) = bytes.iter().position(|byte| !allowed(byte)) {
            return Err(PolicyError::ControlCharacter { offset });
        }
        let mut draft = Draft::default();
        for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let words: Vec<&[u8]> =
                line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
            draft.line(&words).map_err(|reason| PolicyError::Line { line: place + 1, reason })?;
        }
        let quorum = draft.quorum.ok_or(PolicyError::NoQuorum)?;
        Ok(Self { logs: draft.logs, witnesses: draft.witnesses, groups: draft.groups, quorum })
    }
}

/// What was read so far.
#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Quorum>,
}

impl Draft {
    fn line(&mut self, words: &[&[u8]]) -> Result<(), PolicyLineError> {
        match words {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key, url @ ..] => self.log(key, url),
            [b"witness", name, key, url @ ..] => self.witness(name, key, url),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            _ => Err(PolicyLineError::Form),
        }
    }

    fn log(&mut self, key: &[u8], url: &[&[u8]]) -> Result<(), PolicyLineError> {
        within(self.logs.len(), MAX_POLICY_LOGS)?;
        let key: VerifierKey = utf8(key)?.parse()?;
        if self.logs.iter().any(|log| log.key.as_bytes() == key.as_bytes()) {
            return Err(PolicyLineError::DuplicateKey);
        }
        self.logs.push(PolicyLog { key, url: optional_url(url)? });
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: &[&[u8]]) -> Result<(), PolicyLineError> {
        within(self.witnesses.len(), MAX_POLICY_WITNESSES)?;
        self.check_new(name)?;
        let key: CosignerKey = utf8(key)?.parse()?;
        // One key under two names would count twice.
        if self.witnesses.iter().any(|witness| witness.key.as_bytes() == key.as_bytes()) {
            return Err(PolicyLineError::DuplicateKey);
        }
        self.witnesses.push(PolicyWitness { name: name.to_vec(), key, url: optional_url(url)? });
        Ok(())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) -> Result<(), PolicyLineError> {
        within(self.groups.len(), MAX_POLICY_GROUPS)?;
        self.check_new(name)?;
        let mut found: Vec<Member> = Vec::new();
        for member in members {
            let member = self.member(member)?;
            let taken =
                found.contains(&member) || self.groups.iter().any(|group| group.members.contains(&member));
            if taken {
                return Err(PolicyLineError::MemberTwice);
            }
            found.push(member);
        }
        let threshold = match threshold {
            b"any" => Some(1),
            b"all" => Some(found.len()),
            number => text::decimal(utf8(number)?).and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = threshold.filter(|threshold| (1..=found.len()).contains(threshold));
        let threshold = threshold.ok_or(PolicyLineError::Threshold { members: found.len() })?;
        self.groups.push(Group { name: name.to_vec(), threshold, members: found });
        Ok(())
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyLineError> {
        if self.quorum.is_some() {
            return Err(PolicyLineError::SecondQuorum);
        }
        let none = name == NONE;
        self.quorum = Some(if none { Quorum::DangerNone } else { Quorum::Of(self.member(name)?) });
        Ok(())
    }

    /// What was defined under this name.
    fn member(&self, name: &[u8]) -> Result<Member, PolicyLineError> {
        let witness = self.witnesses.iter().position(|witness| witness.name == name).map(Member::Witness);
        let group = || self.groups.iter().position(|group| group.name == name).map(Member::Group);
        witness.or_else(group).ok_or(PolicyLineError::Undefined)
    }

    fn check_new(&self, name: &[u8]) -> Result<(), PolicyLineError> {
        if name == NONE || self.member(name).is_ok() { Err(PolicyLineError::DuplicateName) } else { Ok(()) }
    }
}

fn within(count: usize, limit: usize) -> Result<(), PolicyLineError> {
    if count < limit { Ok(()) } else { Err(PolicyLineError::TooMany { limit }) }
}

fn utf8(word: &[u8]) -> Result<&str, PolicyLineError> {
    std::str::from_utf8(word).map_err(|_| PolicyLineError::Form)
}

fn optional_url(words: &[&[u8]]) -> Result<Option<String>, PolicyLineError> {
    match words {
        [] => Ok(None),
        [url] => Ok(Some(utf8(url)?.to_owned())),
        _ => Err(PolicyLineError::Form),
    }
}

/// Why bytes are no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Larger than the limit.
    #[error("a policy has at most {MAX_POLICY_BYTES} bytes, found {found}")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// A control character other than tab and newline.
    #[error("control character at byte {offset}")]
    ControlCharacter {
        /// Its offset.
        offset: usize,
    },
    /// A line that is not understood.
    #[error("line {line}: {reason}")]
    Line {
        /// Its number, from one.
        line: usize,
        /// What is wrong with it.
        reason: PolicyLineError,
    },
    /// No quorum line.
    #[error("the policy has no quorum line (`quorum none` believes the log alone)")]
    NoQuorum,
}

/// Why a line of a policy is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLineError {
    /// Not one of the four forms.
    #[error(
        "it is none of `log KEY [URL]`, `witness NAME KEY [URL]`, `group NAME all|any|K NAME…`, `quorum NAME`"
    )]
    Form,
    /// A key that is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The same key on two lines.
    #[error("the key stands on an earlier line")]
    DuplicateKey,
    /// A name that is taken, or reserved.
    #[error("the name is defined on an earlier line, or is `none`")]
    DuplicateName,
    /// A name that no line before has defined.
    #[error("a name is not defined on an earlier line")]
    Undefined,
    /// A member that a group has already.
    #[error("a member is in a group already")]
    MemberTwice,
    /// A threshold that cannot be, or is always reached.
    #[error("the threshold is not `all`, `any` or a number from 1 to the {members} members")]
    Threshold {
        /// Members of the group.
        members: usize,
    },
    /// More than one quorum line.
    #[error("there is a second quorum line")]
    SecondQuorum,
    /// More lines of a kind than the limit.
    #[error("there are more than {limit} of them")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// The name that is always defined, and is no member.
const NONE: &[u8] = b"none";
