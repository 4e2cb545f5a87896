//! From verified evidence to facts, and to what could not be seen.
//!
//! In: a [`VerifiedLog`] and the state before it. Out: the boot's profile, what IMA says was executed since the evidence before, and
//! every trouble by which a source is not whole. What nothing vouches for gives no fact; it gives a trouble.

use appraisal::state::{HostState, LastBoot};
use appraisal::verify::{BootChange, PcrStanding, VerifiedFirmwareLog, VerifiedIma, VerifiedLog};
use evidence::body::{Body, Gap, GapCause, GapEnd, Means};
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::efi::{Entry, Guid, SignatureLists, find_entry};
use evidence::eventlog::{BootFacts, DigestCheck, EfiVariable, FindingCode, Payload, SecureBoot};
use evidence::ima::{DigestType, ImaList};
use evidence::limits::{BODY_GAPS, BODY_STRAYS};
use evidence::pcr::PcrIndex;
use evidence::pe::sbat_entries;
use evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use evidence::time::UnixTime;

use super::kernel_keys::Keys;
use super::{Fact, KeySeen, MeasuredList, Place, Profile, Ran, Setting, lists, runs};
use crate::limits::PROFILE_FACTS;
use crate::role::{Class, Role, Source};
use crate::subject::SecureBootState;

/// What one piece of evidence adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The facts of its boot; `None` where no log tells of it.
    pub profile: Option<Profile>,
    /// Shim's lists of keys, where it is the first of its boot.
    pub lists: Vec<MeasuredList>,
    /// What was executed, by the kernel's list, in its order.
    pub executions: Vec<Executed>,
    /// Programs of the state that the agent saw start.
    pub ran: Vec<Ran>,
    /// Keys that the kernel's list tells of.
    pub keys: Vec<KeySeen>,
    /// What could not be seen; sorted, none twice.
    pub troubles: Vec<Trouble>,
}

/// A content that the kernel measured when it was to be executed, or read by root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Its SHA-256.
    pub digest: Sha256Digest,
    /// The path as the kernel logged it.
    pub path: Vec<u8>,
    /// How well it is known.
    pub class: Class,
}

/// A reason for which a source is not whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The source.
    pub source: Source,
    /// Why, as one word.
    pub cause: String,
    /// What could not be seen.
    pub scope: String,
    /// Whether it lasts.
    pub lasting: Lasting,
    /// When it began by the agent's clock, where the agent told of it: it may have noticed late, when it had sealed other evidence already.
    pub since: Option<UnixTime>,
}

/// Whether a trouble goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lasting {
    /// It lay between the evidence before and this.
    Passed,
    /// It goes on until evidence comes without it.
    Stands,
    /// It goes on until the boot is over: what the kernel has logged once it does not log again.
    Boot,
}

/// Reads what evidence adds to the history of its host.
pub fn read(log: &VerifiedLog<'_>, before: &HostState) -> Reading {
    let body = log.body();
    let mut troubles = Vec::new();
    told(body, &mut troubles);
    missed(log, before, &mut troubles);
    let profile = log.firmware().map(|firmware| boot(firmware, &mut troubles));
    let mut executions = strays(body);
    let mut keys = Keys::default();
    ima(log.ima(), (&mut executions, &mut keys), &mut troubles);
    let mut lists = Vec::new();
    // A boot has one firmware log, so its first evidence tells all that it says.
    if let (Some(firmware), BootChange::First) = (log.firmware(), log.boot_change()) {
        executions.extend(runs::loaded(firmware));
        lists = lists::measured(firmware);
    }
    if !log.firmware().is_some_and(asks_for_executions) {
        // A list is as long as its policy lets it be, and which one that is stands in no log but the kernel's command line.
        troubles.push(trouble(Source::Ima, "policy-unknown", "the kernel's command line", Lasting::Stands));
    }
    troubles.sort_unstable();
    troubles.dedup();
    Reading { profile, lists, executions, ran: runs::ran(log), keys: keys.seen, troubles }
}

/// What the agent says that it could not see.
fn told(body: &Body, troubles: &mut Vec<Trouble>) {
    for gap in &body.gaps {
        let lasting = if gap.until == GapEnd::Open { Lasting::Stands } else { Lasting::Passed };
        let told = trouble(source_of(gap), gap.cause.name(), &gap.scope, lasting);
        troubles.push(Trouble { since: Some(gap.from), ..told });
    }
    // What does not fit is cut off: there may have been more.
    for (found, most, scope) in [
        (body.gaps.len(), BODY_GAPS, "gaps"),
        (body.strays.len(), BODY_STRAYS, "programs that are not of the state"),
    ] {
        if found >= most {
            troubles.push(trouble(Source::Files, "too-many", scope, Lasting::Passed));
        }
    }
    for coverage in &body.coverage {
        let cause = match coverage.means {
            // What comes and goes between two walks is not noticed.
            Means::Walks => "walks-only",
            Means::Nothing => "not-watched",
            Means::LeftOut => "left-out",
            Means::FileSystemEvents | Means::DirectoryEvents | Means::Elsewhere => continue,
        };
        troubles.push(trouble(Source::Files, cause, &coverage.scope, Lasting::Stands));
    }
}

/// The agent tells of the logs of firmware and kernel too, where they are missing.
fn source_of(gap: &Gap) -> Source {
    match (gap.cause, gap.scope.as_str()) {
        (GapCause::Missing, "firmware log") => Source::Boot,
        (GapCause::Missing, "IMA list") => Source::Ima,
        _ => Source::Files,
    }
}

/// Boots of which nothing was heard, and the end of a boot's list, which no quote covers.
fn missed(log: &VerifiedLog<'_>, before: &HostState, troubles: &mut Vec<Trouble>) {
    let LastBoot::Seen(last) = before.boot() else { return };
    if log.boot_change() == BootChange::Same {
        return;
    }
    let resets = log.clock().reset_count.wrapping_sub(last.counters.reset_count);
    if resets > 1 {
        let scope = format!("{resets} resets between two quotes");
        for source in [Source::Boot, Source::Ima] {
            troubles.push(trouble(source, "boots-missed", &scope, Lasting::Passed));
        }
    }
    troubles.push(trouble(
        Source::Ima,
        "boot-ended",
        "between the last quote of a boot and its end",
        Lasting::Passed,
    ));
}

/// Whether the kernel was told to measure what is executed, as GRUB measured its command line.
///
/// Neither an event's type nor what kind of string it is enters its digest, so any of PCR 8 may be the command line: all that begin as one must
/// say it, and there may be nothing that is no string.
fn asks_for_executions(firmware: &VerifiedFirmwareLog<'_>) -> bool {
    if !proves(firmware, PcrIndex::COMMAND_LINES) {
        return false;
    }
    let mut asked = false;
    for event in firmware.log().events() {
        if event.pcr() != Some(PcrIndex::COMMAND_LINES) {
            continue;
        }
        if event.digest_check(firmware.bank()) != DigestCheck::Verified {
            return false;
        }
        let text = match event.payload() {
            Ok(Payload::Ipl(ipl)) => ipl.text.to_string(),
            Ok(Payload::Separator([_, _, _, _])) => continue,
            _ => return false,
        };
        let is_command_line = ["/", "(", "BOOT_IMAGE="].iter().any(|begin| text.starts_with(begin));
        if is_command_line {
            let says = text.split_ascii_whitespace().any(|word| {
                let policies = word.strip_prefix("ima_policy=").unwrap_or_default();
                word == "ima_tcb" || policies.split('|').any(|policy| policy == "tcb")
            });
            if !says {
                return false;
            }
            asked = true;
        }
    }
    asked
}

/// The facts of a firmware log.
fn boot(firmware: &VerifiedFirmwareLog<'_>, troubles: &mut Vec<Trouble>) -> Profile {
    let boot = |cause, scope: &str| trouble(Source::Boot, cause, scope, Lasting::Stands);
    let facts = firmware.facts();
    if facts.bank == HashAlg::Sha1 {
        troubles.push(boot("weak-bank", "SHA-1"));
    }
    let mut found = Found::default();
    if proves(firmware, PcrIndex::SECURE_BOOT) {
        let doubted = |code| matches!(code, FindingCode::Pcr7Unverified | FindingCode::MoreVariables);
        if facts.findings.iter().any(|finding| doubted(finding.code)) {
            troubles.push(boot("unverified-event", "PCR 7"));
        }
        found.secure_boot(facts.secure_boot);
        found.variables(&facts);
        found.authorities(&facts);
    } else {
        troubles.push(boot("not-proved", "PCR 7"));
        found.setting(Setting::SecureBoot(SecureBootState::Unknown), None, PcrIndex::SECURE_BOOT);
    }
    if facts.bank != HashAlg::Sha256 {
        troubles.push(boot("other-bank", "images"));
    }
    for pcr in [PcrIndex::OPTION_ROMS, PcrIndex::BOOT_MANAGER] {
        if proves(firmware, pcr) {
            found.images(firmware, pcr);
        } else {
            troubles.push(boot("not-proved", &format!("PCR {}", pcr.get())));
        }
    }
    if found.overflowed {
        troubles.push(boot("too-many-facts", "firmware log"));
    }
    Profile::new(found.facts)
}

fn proves(firmware: &VerifiedFirmwareLog<'_>, pcr: PcrIndex) -> bool {
    firmware.standing(pcr).is_some_and(PcrStanding::proves_firmware)
}

#[derive(Default)]
struct Found {
    facts: Vec<Fact>,
    /// Whether there are more keys than are kept.
    overflowed: bool,
}

impl Found {
    fn setting(&mut self, setting: Setting, event: Option<u32>, pcr: PcrIndex) {
        self.facts.push(Fact::Setting { setting, place: Place { event, pcr: pcr.get() } });
    }

    fn key(&mut self, edge: Edge, role: Role, class: Class, store: &str, event: u32, pcr: PcrIndex) {
        if self.facts.len() >= PROFILE_FACTS {
            self.overflowed = true;
            return;
        }
        let place = Place { event: Some(event), pcr: pcr.get() };
        let (names, label, store) = (edge.principals, edge.label, store.to_owned());
        self.facts.push(Fact::Key { names, role, class, store, label, place });
    }

    fn secure_boot(&mut self, state: SecureBoot) {
        let (state, event) = match state {
            SecureBoot::On { event } => (SecureBootState::On, Some(event)),
            SecureBoot::Off { event } => (SecureBootState::Off, Some(event)),
            SecureBoot::Unknown(_) => (SecureBootState::Unknown, None),
        };
        self.setting(Setting::SecureBoot(state), event, PcrIndex::SECURE_BOOT);
    }

    /// Lists that were in force: every entry, and that there are no others.
    fn variables(&mut self, facts: &BootFacts<'_>) {
        for measured in &facts.variables {
            let Some((name, relation)) = list_of(&measured.variable) else { continue };
            let role = if relation == Relation::Revokes { Role::Revoked } else { Role::Eligible };
            let (mut whole, mut unnamed) = (true, false);
            for list in SignatureLists::new(measured.variable.data) {
                let Ok(list) = list else {
                    whole = false;
                    break;
                };
                for entry in list.entries() {
                    match Edge::signature_entry(relation, &entry) {
                        Some(edge) => {
                            self.key(edge, role, Class::A, name, measured.event, PcrIndex::SECURE_BOOT);
                        }
                        None => unnamed = true,
                    }
                }
            }
            let (list, event) = (name.to_owned(), Some(measured.event));
            if unnamed {
                self.setting(Setting::Unnamed(list.clone()), event, PcrIndex::SECURE_BOOT);
            }
            if whole && !self.overflowed {
                self.setting(Setting::Measured(list), event, PcrIndex::SECURE_BOOT);
            }
        }
    }

    /// What let something run, and shim's level, which is logged alike and is no key.
    fn authorities(&mut self, facts: &BootFacts<'_>) {
        let db = facts.variables.iter().find(|measured| is_db(&measured.variable));
        for authority in &facts.authorities {
            let variable = &authority.variable;
            if variable.guid == Guid::SHIM_LOCK && variable.name.to_string().starts_with("SbatLevel") {
                self.sbat_level(variable, authority.event);
                continue;
            }
            if !authorises(variable) {
                continue;
            }
            let listed = db.and_then(|db| find_entry(db.variable.data, variable.data));
            let entry = listed.unwrap_or_else(|| Entry::alone(variable.data));
            let edge =
                Edge::signature_entry(Relation::SignedBy, &entry).or_else(|| image_alone(variable.data));
            let (store, event) = (variable.name.to_string(), authority.event);
            if let Some(edge) = edge {
                self.key(edge, Role::Used, Class::A, &store, event, PcrIndex::SECURE_BOOT);
            } else {
                let unnamed = Setting::Unnamed("authorities".to_owned());
                self.setting(unnamed, Some(event), PcrIndex::SECURE_BOOT);
            }
        }
    }

    fn sbat_level(&mut self, variable: &EfiVariable<'_>, event: u32) {
        for entry in sbat_entries(variable.data).take(SBAT_ENTRIES) {
            let (component, generation) = (entry.component.to_owned(), entry.generation.to_owned());
            self.setting(Setting::SbatLevel { component, generation }, Some(event), PcrIndex::SECURE_BOOT);
        }
    }

    /// Programs that firmware and loaders started, by the hash that a signature would be over.
    ///
    /// An event's type does not enter its digest: whatever is not shown to be something else may be a program.
    fn images(&mut self, firmware: &VerifiedFirmwareLog<'_>, pcr: PcrIndex) {
        let bank = firmware.bank();
        for event in firmware.log().events() {
            if event.pcr() != Some(pcr) || event.digest_check(bank) == DigestCheck::Verified {
                continue;
            }
            // An image's name in lists is its SHA-256. A log has the digests of all banks side by side, and only those of a bank that
            // replays to the quote are true.
            let Some(digest) = event.digest(bank).filter(|digest| digest.alg() == HashAlg::Sha256) else {
                continue;
            };
            let Ok(name) = Principal::new(PrincipalKind::Image, digest.as_bytes()) else { continue };
            let path = match event.payload() {
                Ok(Payload::Image(image)) => image.device_path.file_path().unwrap_or_default(),
                _ => String::new(),
            };
            let edge = Edge::new(Relation::SignedBy, vec![name], &printable(&path));
            self.key(edge, Role::Executed, Class::B, "images", event.number, pcr);
        }
    }
}

/// The lists that firmware measures, and what an entry of each means.
fn list_of(variable: &EfiVariable<'_>) -> Option<(&'static str, Relation)> {
    const LISTS: [(&str, Guid, Relation); 5] = [
        ("PK", Guid::GLOBAL_VARIABLE, Relation::Trusts),
        ("KEK", Guid::GLOBAL_VARIABLE, Relation::Trusts),
        ("db", Guid::IMAGE_SECURITY, Relation::Trusts),
        ("dbt", Guid::IMAGE_SECURITY, Relation::Trusts),
        ("dbx", Guid::IMAGE_SECURITY, Relation::Revokes),
    ];
    let found = LISTS.iter().find(|(name, guid, _)| variable.guid == *guid && variable.name == *name);
    found.map(|(name, _, relation)| (*name, *relation))
}

fn is_db(variable: &EfiVariable<'_>) -> bool {
    variable.guid == Guid::IMAGE_SECURITY && variable.name == "db"
}

//= TCG PFP 1.06 §3.3.4.8: an event alone does not prove that a key was used; the variable's name tells
fn authorises(variable: &EfiVariable<'_>) -> bool {
    is_db(variable)
        || variable.guid == Guid::SHIM_LOCK
            && ["MokList", "MokListRT", "Shim", "vendor_db"].iter().any(|name| variable.name == *name)
}

/// An entry that is an owner and a SHA-256, and nothing else can be.
fn image_alone(entry: &[u8]) -> Option<Edge> {
    let hash = entry.get(16..).filter(|hash| hash.len() == 32)?;
    let name = Principal::new(PrincipalKind::Image, hash).ok()?;
    Some(Edge::new(Relation::SignedBy, vec![name], ""))
}

/// Programs that the agent saw and that are not of the host's state.
fn strays(body: &Body) -> Vec<Executed> {
    let known = body.strays.iter().filter_map(|stray| Some((stray.digest?, stray.path.clone())));
    known.map(|(digest, path)| Executed { digest, path, class: Class::D }).collect()
}

fn ima(
    ima: &VerifiedIma<'_>,
    (executions, keys): (&mut Vec<Executed>, &mut Keys),
    troubles: &mut Vec<Trouble>,
) {
    let standing = |cause, scope: &str| trouble(Source::Ima, cause, scope, Lasting::Stands);
    let of_boot = |cause, scope: &str| trouble(Source::Ima, cause, scope, Lasting::Boot);
    let (bytes, first, prefix, violations) = match ima {
        VerifiedIma::NotQuoted => return troubles.push(standing("not-quoted", "PCR 10")),
        VerifiedIma::Empty(_) => return troubles.push(standing("nothing-measured", "IMA list")),
        VerifiedIma::Replayed { bytes, first, prefix, violations, .. } => {
            (*bytes, *first, prefix, *violations)
        }
    };
    // A violation says that content changed while it was measured: what ran is not known, for as long as the boot lasts.
    if violations > 0 {
        troubles.push(standing("violations", "IMA list"));
    }
    let (mut unread, mut verity, mut kexec) = (false, false, false);
    for (number, record) in (0_u64..).zip(ImaList::new(bytes).records().map_while(Result::ok)) {
        if prefix.violations.binary_search(&number).is_ok()
            || prefix.other_pcrs.binary_search(&number).is_ok()
        {
            continue;
        }
        let Ok(fields) = record.fields() else {
            unread = true;
            continue;
        };
        keys.record(&fields);
        let (Some(digest), Some(name)) = (fields.digest, fields.name) else { continue };
        // Another kernel goes on with the list, by a command line that nobody measured.
        kexec |= name == b"boot_aggregate" && first.saturating_add(number) > 0;
        // Files have a path; buffers and the boot aggregate have a word.
        if !name.starts_with(b"/") {
            continue;
        }
        match (digest.over, digest.known()) {
            (DigestType::Content, Some(known)) if known.alg() == HashAlg::Sha256 => {
                if let Ok(digest) = Sha256Digest::from_slice(known.as_bytes()) {
                    executions.push(Executed { digest, path: name.to_vec(), class: Class::B });
                }
            }
            (DigestType::Verity, _) => verity = true,
            _ => unread = true,
        }
    }
    if keys.overflowed {
        let lost = trouble(Source::Boot, "too-many-facts", "keys of the IMA list", Lasting::Boot);
        troubles.push(lost);
    }
    for (found, cause, scope) in [
        (unread, "other-digests", "records without a SHA-256 of a file"),
        (verity, "other-digests", "fs-verity digests"),
        (kexec, "kexec", "a kernel that another kernel started"),
    ] {
        if found {
            troubles.push(of_boot(cause, scope));
        }
    }
}

fn trouble(source: Source, cause: &str, scope: &str, lasting: Lasting) -> Trouble {
    Trouble { source, cause: cause.to_owned(), scope: scope.to_owned(), lasting, since: None }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Components of a level; real ones have 3 to 12.
const SBAT_ENTRIES: usize = 64;
