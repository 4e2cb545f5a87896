//! One chain of a host, from its enrolment to its last evidence.
//!
//! In: the file of a chain, and the log that was hashed before. Out: that each item is what a leaf commits to, that each piece of
//! evidence is the host's own next one by the signature of its TPM, that the log which the host saw is this log, and that the
//! recorded verdicts follow; or what of it does not hold. That the attestation key lives in a TPM is the verifier's word in the
//! enrolment's record: its proof was a secret that was used once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use appraisal::attester::{AttestationKey, Attester};
use appraisal::endorsement::TrustTier;
use appraisal::state::HostState;
use evidence::body::FirmwareLog;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::AttachmentKind;
use evidence::export::{Attestation, Committed, Enrolment, Item};
use evidence::record::{ChainEnd, EnrolmentRecord, RetirementRecord};
use evidence::tpm::Public;
use inquiry::replay::{Begins, Piece};
use inquiry::root::Recorded;
use ledger::leaf::{Leaf, Salt};
use serde::{Deserialize, Serialize};
use wire::export::{ExportError, ItemReader};

use super::history::History;
use super::roots::{AtSizes, Facts};
use super::verdict;
use crate::error::CliError;

/// What is known of a chain when it was read to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::log) struct ChainReport {
    pub(in crate::log) host: String,
    pub(in crate::log) chain: String,
    /// What people call the host.
    pub(in crate::log) name: String,
    /// The leaf of its enrolment.
    pub(in crate::log) leaf: u64,
    /// When it enrolled, by its verifier's clock.
    pub(super) enrolled_ms: u64,
    /// Why it enrolled again, where it said so.
    pub(super) reason: String,
    /// Where the record of its enrolment says that the chain before ends; `None` where the record does not say it.
    pub(in crate::log) previous: Option<Previous>,
    /// How many pieces of evidence it has.
    pub(in crate::log) evidence: u64,
    /// The digest of the last.
    pub(in crate::log) last: String,
    /// That the host was retired, if it was.
    pub(in crate::log) retired: Option<Retired>,
    /// How many have each status, as computed here.
    pub(super) verdicts: BTreeMap<String, u64>,
    /// How many items stand behind the first that does not hold, and could not be checked.
    pub(super) unchecked: u64,
    /// How many items have leaves beyond the published log: nothing can be said of them yet.
    pub(in crate::log) beyond: u64,
    /// What was read out of its evidence up to each root of the index.
    pub(super) facts: Facts,
    /// What does not hold.
    pub(in crate::log) findings: Vec<String>,
}

/// That a host was retired.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::log) struct Retired {
    pub(in crate::log) leaf: u64,
    pub(super) at_ms: u64,
    pub(super) who: String,
    pub(super) reason: String,
}

impl Retired {
    fn of(record: &RetirementRecord, leaf: u64) -> Self {
        Self { leaf, at_ms: record.at_ms, who: record.who.clone(), reason: record.reason.clone() }
    }
}

/// What a record says of the chain before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::log) enum Previous {
    /// There is none.
    First,
    /// It ends here.
    Chain { chain: String, evidence: u64, last: String },
}

impl From<Option<ChainEnd>> for Previous {
    fn from(end: Option<ChainEnd>) -> Self {
        end.map_or(Self::First, |end| Self::Chain {
            chain: end.chain.to_string(),
            evidence: end.next_seq,
            last: end.last.to_string(),
        })
    }
}

/// What a chain has that holds, in its order.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) enum Told<'a> {
    /// It begins.
    Enrolled(u64),
    /// Evidence, and when it came (ms since 1970).
    Evidence(Piece<'a>, u64),
    /// Its host was retired.
    Retired(u64),
}

/// Who is told while a chain is read.
pub(in crate::log) struct Listeners<'a> {
    /// How far the file was read, of each item.
    pub(in crate::log) read: &'a mut dyn FnMut(u64),
    /// What holds.
    pub(in crate::log) told: &'a mut dyn FnMut(Told<'_>),
    /// Components that evidence names.
    pub(in crate::log) components: &'a mut BTreeSet<Sha256Digest>,
}

/// Reads a chain through. Roots of the index are of the log's sizes that `roots` names.
pub(in crate::log) fn audit(
    path: &Path,
    (host, chain): (HostId, ChainId),
    (history, roots): (&History<'_>, &[u64]),
    listeners: Listeners<'_>,
) -> Result<ChainReport, CliError> {
    let Listeners { read, told, components } = listeners;
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    let unreadable = |error: ExportError| match error {
        ExportError::Io(error) => Err(CliError::file(path, &error)),
        damage => Ok(damage.to_string()),
    };
    let mut report = ChainReport::new(host, chain);
    let mut reader = match ItemReader::new(BufReader::new(file)) {
        Ok(reader) => reader,
        Err(error) => {
            report.findings.push(unreadable(error)?);
            return Ok(report);
        }
    };
    let (mut walk, mut broken, mut facts) = (None, false, AtSizes::new(roots));
    loop {
        let item = match reader.next_item() {
            Ok(Some(item)) => item,
            Ok(None) => break,
            Err(error) => {
                report.findings.push(unreadable(error)?);
                break;
            }
        };
        read(reader.offset());
        if !history.has(item.leaf()) {
            report.beyond += 1;
            continue;
        }
        // What comes behind something that does not hold cannot be checked against it.
        if broken {
            history.committed(item.leaf(), &leaf_of(&item))?.ok();
            report.unchecked += 1;
            continue;
        }
        let step = match (item, walk.as_mut()) {
            (Item::Enrolment(enrolment), None) => match begin(&enrolment, (host, chain), history)? {
                Ok((begun, record)) => {
                    report.told(&enrolment, record);
                    told(Told::Enrolled(enrolment.committed.leaf));
                    walk = Some(begun);
                    Step::Holds
                }
                Err(why) => Step::Breaks(why),
            },
            (Item::Attestation(attestation), Some(walk)) if report.retired.is_none() => {
                walk.step(*attestation, history, (components, &mut facts, told), &mut report)?
            }
            (Item::Retirement(committed), Some(walk)) if report.retired.is_none() => {
                match walk.end(&committed, history)? {
                    Ok(record) => {
                        report.retired = Some(Retired::of(&record, committed.leaf));
                        told(Told::Retired(committed.leaf));
                        Step::Holds
                    }
                    Err(why) => Step::Breaks(format!("its retirement, leaf {}: {why}", committed.leaf)),
                }
            }
            (item, _) => Step::Breaks(format!("leaf {}: it does not belong into a chain there", item.leaf())),
        };
        broken = matches!(step, Step::Breaks(_));
        if let Step::Breaks(why) | Step::Differs(why) = step {
            report.findings.push(why);
        }
    }
    if walk.is_none() && report.findings.is_empty() && report.beyond == 0 {
        report.findings.push("it is empty".to_owned());
    }
    report.facts = facts.end();
    Ok(report)
}

impl ChainReport {
    fn new(host: HostId, chain: ChainId) -> Self {
        Self {
            host: host.to_string(),
            chain: chain.to_string(),
            name: String::new(),
            leaf: 0,
            enrolled_ms: 0,
            reason: String::new(),
            previous: None,
            evidence: 0,
            last: String::new(),
            retired: None,
            verdicts: BTreeMap::new(),
            unchecked: 0,
            beyond: 0,
            facts: Facts::default(),
            findings: Vec::new(),
        }
    }

    fn told(&mut self, enrolment: &Enrolment, record: EnrolmentRecord) {
        self.name.clone_from(&enrolment.name);
        self.leaf = enrolment.committed.leaf;
        self.enrolled_ms = record.at_ms;
        if let Some(more) = record.more {
            self.name = more.name;
            self.reason = more.reason;
            self.previous = Some(more.previous.into());
        }
        self.last = Sha256Digest::new([0; 32]).to_string();
    }
}

/// What an item does to its chain.
enum Step {
    Holds,
    /// The item holds, and the recorded verdict on it does not follow.
    Differs(String),
    /// The chain cannot be followed any further.
    Breaks(String),
}

/// The leaf that an item must have.
pub(in crate::log) fn leaf_of(item: &Item) -> Leaf {
    let of_record = |record: &[u8]| *Sha256Digest::of(&[record]).as_bytes();
    match item {
        Item::Enrolment(Enrolment { committed, .. }) | Item::Retirement(committed) => {
            Leaf::enrol(&Salt::from_bytes(committed.salt), &of_record(&committed.record))
        }
        Item::Attestation(attestation) => {
            let sealed = &attestation.envelope.evidence;
            Leaf::attestation(&Salt::from_bytes(sealed.body().salt), sealed.digest().as_bytes())
        }
        Item::Action(committed) => {
            Leaf::operator_action(&Salt::from_bytes(committed.salt), &of_record(&committed.record))
        }
        Item::IndexRoot(committed) => {
            Leaf::index_root(&Salt::from_bytes(committed.salt), &of_record(&committed.record))
        }
    }
}

/// What a piece of evidence adds to.
type Heard<'a, 's> = (&'a mut BTreeSet<Sha256Digest>, &'a mut AtSizes<'s>, &'a mut dyn FnMut(Told<'_>));

/// The way through a chain.
struct Walk {
    attester: Attester,
    tier: TrustTier,
    state: HostState,
    leaf: u64,
    firmware_log: Vec<u8>,
}

/// The enrolment is what its leaf commits to, and says who is to attest.
fn begin(
    enrolment: &Enrolment,
    (host, chain): (HostId, ChainId),
    history: &History<'_>,
) -> Result<Result<(Walk, EnrolmentRecord), String>, CliError> {
    let leaf = leaf_of(&Item::Enrolment(enrolment.clone()));
    let begun = match history.committed(enrolment.committed.leaf, &leaf)? {
        Ok(()) => read_enrolment(enrolment, host, chain),
        Err(why) => Err(why),
    };
    Ok(begun.map_err(|why| format!("its enrolment: {why}")))
}

fn read_enrolment(
    enrolment: &Enrolment,
    host: HostId,
    chain: ChainId,
) -> Result<(Walk, EnrolmentRecord), String> {
    let record = EnrolmentRecord::decode(&enrolment.committed.record).map_err(|error| error.to_string())?;
    if (record.host, record.chain) != (host, chain) {
        return Err(format!("it is of host {}, chain {}", record.host, record.chain));
    }
    if HostId::of_endorsement_key(&record.ek_public) != host {
        return Err("its endorsement key does not give the host's identity".to_owned());
    }
    let public = Public::parse(&record.ak_public).map_err(|error| format!("the attestation key: {error}"))?;
    let ak = AttestationKey::new(public).map_err(|error| format!("the attestation key: {error}"))?;
    // Records of the first version do not say it; then it is the exporter's word, and no quote fits another selection.
    let selection = record.more.as_ref().map_or(&enrolment.selection, |more| &more.selection);
    let selection = selection.parse().map_err(|error| format!("the PCR selection: {error}"))?;
    let tier = TrustTier::from_name(&record.tier).ok_or_else(|| format!("unknown tier {:?}", record.tier))?;
    let walk = Walk {
        attester: Attester { host, ak, selection },
        tier,
        state: HostState::enrolled(chain),
        leaf: enrolment.committed.leaf,
        firmware_log: Vec::new(),
    };
    Ok((walk, record))
}

impl Walk {
    /// The next piece of evidence.
    fn step(
        &mut self,
        mut attestation: Attestation,
        history: &History<'_>,
        (components, facts, told): Heard<'_, '_>,
        report: &mut ChainReport,
    ) -> Result<Step, CliError> {
        let place =
            format!("evidence {}, leaf {}", attestation.envelope.evidence.body().seq, attestation.leaf);
        if let Err(why) = self.is_in_the_log(&attestation, history)? {
            return Ok(Step::Breaks(format!("{place}: {why}")));
        }
        let attached = &mut attestation.envelope.attachments;
        if let Some(found) = attached.iter().position(|log| log.kind == AttachmentKind::FirmwareLog) {
            self.firmware_log = attached.remove(found).bytes;
        }
        let known = match attestation.envelope.evidence.body().firmware_log {
            FirmwareLog::Present(_) => Some(self.firmware_log.as_slice()),
            FirmwareLog::Absent => None,
        };
        let verified = appraisal::verify::verify(&attestation.envelope, &self.attester, &self.state, known);
        let verified = match verified {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Step::Breaks(format!("{place}: {refusal} ({})", refusal.code()))),
        };
        let body = verified.body();
        components.extend(body.added.iter().copied());
        let reading = inquiry::profile::read(&verified, &self.state);
        let piece = Piece {
            leaf: attestation.leaf,
            named: body.checkpoint.size,
            agent_time: body.agent_time,
            begins: Begins::of(body.seq, verified.boot_change()),
            added: &body.added,
            removed: &body.removed,
            reading: &reading,
        };
        told(Told::Evidence(piece, attestation.received_ms));
        let recorded = Recorded {
            leaf: attestation.leaf,
            received_ms: attestation.received_ms,
            evidence: attestation.envelope.evidence.digest(),
            read: reading.digest(),
        };
        facts.next(attestation.leaf, |facts| facts.and(&recorded));
        (self.state, self.leaf) = (verified.next_state().clone(), attestation.leaf);
        report.evidence = self.state.next_seq();
        report.last = self.state.prev().to_string();
        // The verdict is the verifier's: where it does not follow, the evidence holds all the same, and what comes after it.
        let judged = verdict::compare(&verified, &attestation, self.tier);
        let status = judged.as_ref().map_or(DIFFERS, |status| status);
        *report.verdicts.entry(status.to_owned()).or_default() += 1;
        Ok(judged.map_or_else(|why| Step::Differs(format!("{place}: {why}")), |_| Step::Holds))
    }

    /// The host's retirement says where its chain ends.
    fn end(
        &self,
        committed: &Committed,
        history: &History<'_>,
    ) -> Result<Result<RetirementRecord, String>, CliError> {
        let leaf = leaf_of(&Item::Retirement(committed.clone()));
        if let Err(why) = history.committed(committed.leaf, &leaf)? {
            return Ok(Err(why));
        }
        let record = match RetirementRecord::decode(&committed.record) {
            Ok(record) => record,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let end =
            ChainEnd { chain: self.state.chain(), next_seq: self.state.next_seq(), last: self.state.prev() };
        if committed.leaf <= self.leaf || (record.host, record.end) != (self.attester.host, end) {
            let (says, has) = (record.end.next_seq, end.next_seq);
            return Ok(Err(format!("it ends a chain of {says} pieces of evidence, and {has} are exported")));
        }
        Ok(Ok(record))
    }

    /// It is what its leaf commits to, in its place, and the host saw this log, at a time that witnesses allow.
    fn is_in_the_log(
        &self,
        attestation: &Attestation,
        history: &History<'_>,
    ) -> Result<Result<(), String>, CliError> {
        let sealed = &attestation.envelope.evidence;
        let leaf = Leaf::attestation(&Salt::from_bytes(sealed.body().salt), sealed.digest().as_bytes());
        if let Err(why) = history.committed(attestation.leaf, &leaf)? {
            return Ok(Err(why));
        }
        if attestation.leaf <= self.leaf {
            return Ok(Err(format!("it is in the log before leaf {}, which precedes it", self.leaf)));
        }
        if let Err(why) = history.seen(&sealed.body().checkpoint, attestation.leaf)? {
            return Ok(Err(why));
        }
        Ok(history.timely(attestation.leaf, attestation.received_ms))
    }
}

/// In the place of a status where the recorded one does not follow.
pub(super) const DIFFERS: &str = "differs";
