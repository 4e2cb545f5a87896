//! A TPM in memory: PCRs, counters, an endorsement key and an attestation key that truly sign.
//!
//! In: what firmware and kernel extend, and what an agent asks through [`agent::quote::Tpm`]. Out: `TPMS_ATTEST`
//! structures with real signatures, and opened credentials. It is as good as a TPM for everybody who sees only bytes,
//! and also signs what no TPM would, where a test says so. It protects nothing.

mod keys;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::agent::quote::{EndorsementKey, Quote, Tpm, TpmError};
use anyhow::{Context as _, Result};
use evidence::digest::{Digest, HashAlg, HostId, Sha256Digest};
use evidence::pcr::{PcrIndex, PcrMask, PcrSelection};
use evidence::tpm::{
    Attest, AttestFields, Attested, ClockInfo, ClockSafety, CredentialBlob, EncryptedSecret, IdObject,
    ObjectAttributes, Public, QuoteInfo,
};
use zeroize::Zeroizing;

use crate::logs::Measured;
use keys::Endorser;

pub(crate) use keys::rng;
pub use keys::{KeyKind, Signatory};

/// What kind of TPM is wanted.
#[derive(Clone, Debug)]
pub struct SoftTpmSpec {
    /// Decides its keys: TPMs of one seed have the same.
    pub seed: u64,
    /// The endorsement key's kind.
    pub ek: KeyKind,
    /// The attestation key's kind.
    pub ak: KeyKind,
    /// The attestation key's attributes, where they are not to be those of a proper one.
    pub ak_attributes: Option<ObjectAttributes>,
    /// The active banks.
    pub banks: Vec<HashAlg>,
}

impl Default for SoftTpmSpec {
    fn default() -> Self {
        let kind = KeyKind::EccP256;
        Self { seed: 0, ek: kind, ak: kind, ak_attributes: None, banks: vec![HashAlg::Sha256] }
    }
}

/// A TPM in memory. Clones are handles to the same TPM: one for the agent, one for the test.
#[derive(Clone, Debug)]
pub struct SoftTpm(Arc<Mutex<Chip>>);

#[derive(Debug)]
struct Chip {
    endorser: Endorser,
    certificates: Vec<Vec<u8>>,
    signatory: Signatory,
    pcrs: BTreeMap<(HashAlg, PcrIndex), Digest>,
    banks: Vec<HashAlg>,
    clock: ClockInfo,
}

impl SoftTpm {
    /// A TPM that has just been started for the first time; it has no certificate yet.
    pub fn new(spec: &SoftTpmSpec) -> Result<Self> {
        let mut chip = Chip {
            endorser: Endorser::new(spec.ek, spec.seed)?,
            certificates: Vec::new(),
            signatory: Signatory::new(spec.ak, spec.seed, spec.ak_attributes)?,
            pcrs: BTreeMap::new(),
            banks: spec.banks.clone(),
            clock: ClockInfo { clock_ms: 1_000, reset_count: 0, restart_count: 0, safety: ClockSafety::Safe },
        };
        chip.reset();
        Ok(Self(Arc::new(Mutex::new(chip))))
    }

    /// Puts the endorsement key's certificate into the TPM, leaf first.
    pub fn store_certificates(&self, certificates: Vec<Vec<u8>>) {
        self.chip().certificates = certificates;
    }

    /// The endorsement key's `SubjectPublicKeyInfo`, for whoever certifies it.
    pub fn endorsement_spki(&self) -> Result<Vec<u8>> {
        self.chip().endorser.spki_der()
    }

    /// The identity of the host that has this TPM.
    pub fn host(&self) -> HostId {
        HostId::of_endorsement_key(self.chip().endorser.public.raw())
    }

    /// The attestation key.
    pub fn ak(&self) -> Public {
        self.chip().signatory.public.clone()
    }

    /// Another attestation key, as after a clear of the owner's hierarchy; gives the one before.
    pub fn replace_ak(&self, kind: KeyKind, seed: u64) -> Result<Signatory> {
        Ok(self.restore_ak(Signatory::new(kind, seed, None)?))
    }

    /// Puts an attestation key back that was replaced; gives the one before.
    pub fn restore_ak(&self, signatory: Signatory) -> Signatory {
        std::mem::replace(&mut self.chip().signatory, signatory)
    }

    /// A power cycle: PCRs at their start values, one more on the reset counter.
    pub fn reset(&self) {
        self.chip().reset();
    }

    /// Sleep and wake-up: PCRs stay, one more on the restart counter.
    pub fn resume(&self) {
        let clock = &mut self.chip().clock;
        clock.restart_count = clock.restart_count.saturating_add(1);
    }

    /// Time and counters.
    pub fn clock(&self) -> ClockInfo {
        self.chip().clock
    }

    /// Sets time and counters to anything, also to the past: what a TPM does only where its state was copied.
    pub fn set_clock(&self, clock: ClockInfo) {
        self.chip().clock = clock;
    }

    /// The quote of this moment, not signed yet, and the values that it is over.
    pub fn attest(
        &self,
        selection: &PcrSelection,
        qualifying: &Sha256Digest,
    ) -> Result<(AttestFields, Vec<Digest>)> {
        self.chip().attest(selection, qualifying).context("a quote over banks that are computed")
    }

    /// Signs anything with the attestation key: what a restricted key in a TPM would refuse.
    pub fn forge(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(self.chip().signatory.sign(message).encode()?)
    }

    fn chip(&self) -> MutexGuard<'_, Chip> {
        // A test that failed while it held the lock is reported by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chip {
    fn reset(&mut self) {
        for bank in &self.banks {
            for pcr in PcrIndex::ALL {
                self.pcrs.insert((*bank, pcr), pcr.start(*bank));
            }
        }
        self.clock.reset_count = self.clock.reset_count.saturating_add(1);
        self.clock.restart_count = 0;
        self.clock.safety = ClockSafety::Safe;
    }

    /// `None` where a hash cannot be computed.
    fn attest(
        &mut self,
        selection: &PcrSelection,
        qualifying: &Sha256Digest,
    ) -> Option<(AttestFields, Vec<Digest>)> {
        let selection = self.present(selection)?;
        let values: Vec<_> =
            selection.iter().filter_map(|selected| self.pcrs.get(&selected)).copied().collect();
        let parts: Vec<_> = values.iter().map(Digest::as_bytes).collect();
        let pcr_digest = Signatory::HASH.hash(&parts).as_bytes().to_vec();
        // Time passes.
        self.clock.clock_ms = self.clock.clock_ms.saturating_add(1);
        let fields = AttestFields {
            qualified_signer: self.qualified_signer(),
            extra_data: qualifying.as_bytes().to_vec(),
            clock: self.clock,
            firmware_version: FIRMWARE_VERSION,
            attested: Attested::Quote(QuoteInfo { selection, pcr_digest }),
        };
        Some((fields, values))
    }

    /// A TPM answers for what it has: the bits of other banks are cleared.
    //= TPM 2.0 Library Part 3: TPM2_Quote, pcrSelect
    fn present(&self, asked: &PcrSelection) -> Option<PcrSelection> {
        let banks = asked.banks().iter().map(|(bank, mask)| {
            let has = self.banks.contains(bank);
            (*bank, if has { *mask } else { PcrMask::EMPTY })
        });
        PcrSelection::new(banks.collect()).ok()
    }

    //= TPM 2.0 Library Part 1, Qualified Name: QN ≔ H(QN_parent || Name), where a primary key's parent is its hierarchy's handle
    fn qualified_signer(&self) -> Vec<u8> {
        let name = self.signatory.public.name();
        let alg = name.digest().alg();
        let hash = alg.hash(&[&OWNER.to_be_bytes(), &name.to_bytes()]);
        [alg.tpm_id().to_be_bytes().as_slice(), hash.as_bytes()].concat()
    }
}

impl Measured for SoftTpm {
    fn banks(&self) -> Result<Vec<HashAlg>> {
        Ok(self.chip().banks.clone())
    }

    fn extend(&self, pcr: PcrIndex, digests: &[Digest]) -> Result<()> {
        let mut chip = self.chip();
        for digest in digests {
            let bank = digest.alg();
            let held = chip.pcrs.get_mut(&(bank, pcr)).with_context(|| format!("no bank {bank} here"))?;
            *held = held.extend(digest).with_context(|| format!("{bank} cannot be computed"))?;
        }
        Ok(())
    }

    fn value(&self, bank: HashAlg, pcr: PcrIndex) -> Result<Digest> {
        self.chip().pcrs.get(&(bank, pcr)).copied().with_context(|| format!("no bank {bank} here"))
    }
}

impl Tpm for SoftTpm {
    fn banks(&mut self) -> Result<Vec<HashAlg>, TpmError> {
        Ok(self.chip().banks.clone())
    }

    fn endorsement(&mut self) -> Result<EndorsementKey, TpmError> {
        let chip = self.chip();
        Ok(EndorsementKey { public: chip.endorser.public.clone(), certificates: chip.certificates.clone() })
    }

    fn attestation_key(&mut self) -> Result<Public, TpmError> {
        Ok(self.ak())
    }

    fn activate_credential(
        &mut self,
        id_object: &[u8],
        encrypted_secret: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        let chip = self.chip();
        let blob = CredentialBlob {
            id_object: IdObject::parse_tpm2b(id_object)?,
            secret: EncryptedSecret::parse_tpm2b(encrypted_secret)?,
        };
        let name = chip.signatory.public.name();
        let (public, private) = (&chip.endorser.public, &chip.endorser.private);
        appraisal::credential::activate_credential(public, private, &name, &blob).map_err(|error| {
            TpmError::Refused {
                command: "TPM2_ActivateCredential",
                code: RC_INTEGRITY,
                reason: error.to_string(),
            }
        })
    }

    fn quote(&mut self, selection: &PcrSelection, qualifying: &Sha256Digest) -> Result<Quote, TpmError> {
        let mut chip = self.chip();
        let (fields, pcr_values) = chip
            .attest(selection, qualifying)
            .ok_or(TpmError::Unsuitable { what: "a bank that can be computed" })?;
        let attest = Attest::new(&fields)?.raw().to_vec();
        let signature = chip.signatory.sign(&attest).encode()?;
        Ok(Quote { attest, signature, pcr_values })
    }
}

/// `TPM_RH_OWNER`, the parent of the attestation key.
const OWNER: u32 = 0x4000_0001;
/// `TPM_RC_INTEGRITY`, on the first parameter.
const RC_INTEGRITY: u32 = 0x0000_01df;
const FIRMWARE_VERSION: u64 = 0x2026_0001_0000_0000;
