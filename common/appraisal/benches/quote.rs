//! A quote, verified whole, against the crypto library's own check of its signature.
//!
//! Ours is all of it: reading the attestation and the signature, the signature over them, type, nonce, selection and the
//! hash of 24 PCR values; once with the key as a verifier keeps it, once from the public area's bytes with its name. The
//! peer has the parsed key, the parsed signature and the message's digest at hand, and checks that alone. Rounds are
//! interleaved, so that other load hits both; medians are compared. The benchmark is in this package and not with the others
//! because the library's generic code is made where it is called: here both sides are optimised alike. Lines go to
//! `target/bench/results.jsonl`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure; its benchmark has files and a clock"
)]

use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::pcr::{PcrSelection, PcrValues};
use evidence::tpm::{Attest, Key, KeyName, Public, Signature, parse_pcr_file};
use lydian_appraisal::attester::AttestationKey;
use lydian_appraisal::quote::{Asked, QuoteKey, check_name};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

const ROUNDS: usize = 1_001;
/// One, so that most rounds lie within a time slice of a busy machine.
const CALLS: u32 = 1;
const GOAL: f64 = 1.2;

fn main() -> Result<()> {
    for (label, key) in [("P-256", "ecc"), ("RSA-2048", "rsa")] {
        let quote = Recorded::load(key)?;
        let peer = Peer::new(&quote)?;
        let kept = quote.key()?;
        let (mut ours_kept, mut ours_fresh, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(time(|| peer.verify())?);
            ours_kept.push(time(|| quote.verify(&kept))?);
            ours_fresh.push(time(|| quote.verify(&quote.key()?))?);
        }
        let theirs = median(theirs);
        line(
            &format!("quote by {label} over 24 PCRs, key kept, against its signature alone"),
            median(ours_kept),
            theirs,
        )?;
        line(
            &format!("quote by {label} over 24 PCRs, key read each time, against its signature alone"),
            median(ours_fresh),
            theirs,
        )?;
    }
    Ok(())
}

/// A quote of a recorded boot with all that belongs to it.
struct Recorded {
    attest: Vec<u8>,
    signature: Vec<u8>,
    public: Vec<u8>,
    name: KeyName,
    nonce: Vec<u8>,
    selection: PcrSelection,
    values: PcrValues,
}

impl Recorded {
    fn load(key: &str) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/direct");
        let file = |name: String| fs::read(folder.join(&name)).context(name);
        let attest = file(format!("quote_{key}.msg"))?;
        let public = file(format!("ak_{key}.tpm2b"))?;
        let selection = Attest::parse(&attest)?.quote().context("a quote")?.selection.clone();
        let nonce = String::from_utf8(file("nonce.hex".to_owned())?)?;
        Ok(Self {
            signature: file(format!("quote_{key}.sig"))?,
            name: Public::parse_tpm2b(&public)?.name(),
            nonce: unhex(nonce.trim())?,
            values: parse_pcr_file(&file(format!("quote_{key}.pcrs"))?, &selection)?,
            attest,
            public,
            selection,
        })
    }

    /// The key from its public area, fit for an attestation key and of its name.
    fn key(&self) -> Result<QuoteKey> {
        let public = Public::parse_tpm2b(black_box(&self.public))?;
        check_name(&public, self.name)?;
        Ok(QuoteKey::new(&AttestationKey::new(public)?)?)
    }

    fn verify(&self, key: &QuoteKey) -> Result<()> {
        let asked = Asked { nonce: &self.nonce, selection: &self.selection, values: &self.values };
        let attest = key.check(black_box(&self.attest), black_box(&self.signature), &asked)?;
        black_box(attest.fields().clock);
        Ok(())
    }
}

/// The library's own check, with everything prepared.
enum Peer {
    P256 { key: p256::ecdsa::VerifyingKey, signature: p256::ecdsa::Signature, digest: Sha256Digest },
    Rsa { key: rsa::RsaPublicKey, signature: Vec<u8>, digest: Sha256Digest },
}

impl Peer {
    fn new(quote: &Recorded) -> Result<Self> {
        let digest = Sha256Digest::of(&[&quote.attest]);
        let public = Public::parse_tpm2b(&quote.public)?;
        match (public.key(), Signature::parse(&quote.signature)?) {
            (Key::Ecc(ecc), Signature::Ecdsa { hash: HashAlg::Sha256, r, s }) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&[&[4], &ecc.x[..], &ecc.y].concat())?;
                let signature = p256::ecdsa::Signature::from_slice(&[r, s].concat())?;
                Ok(Self::P256 { key, signature, digest })
            }
            (Key::Rsa(rsa), Signature::RsaSsa { hash: HashAlg::Sha256, signature }) => {
                let n = rsa::BigUint::from_bytes_be(&rsa.modulus);
                let key = rsa::RsaPublicKey::new(n, rsa.public_exponent().into())?;
                Ok(Self::Rsa { key, signature, digest })
            }
            _ => anyhow::bail!("a quote of another kind"),
        }
    }

    fn verify(&self) -> Result<()> {
        match self {
            Self::P256 { key, signature, digest } => {
                Ok(black_box(key).verify_prehash(digest.as_bytes(), black_box(signature))?)
            }
            Self::Rsa { key, signature, digest } => {
                let scheme = rsa::Pkcs1v15Sign::new::<sha2::Sha256>();
                Ok(black_box(key).verify(scheme, digest.as_bytes(), black_box(signature))?)
            }
        }
    }
}

fn time(mut call: impl FnMut() -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..CALLS {
        call()?;
    }
    Ok(begun.elapsed() / CALLS)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().map(|digit| digit.to_digit(16).context("hexadecimal")).collect::<Result<_>>()?;
    digits
        .chunks(2)
        .map(|pair| Ok(u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit))?))
        .collect()
}

fn line(name: &str, ours: f64, peer: f64) -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    fs::create_dir_all(&dir)?;
    let mut file = fs::File::options().create(true).append(true).open(dir.join("results.jsonl"))?;
    let ratio = ours / peer;
    let holds = ratio <= GOAL;
    let verdict = if holds { "holds" } else { "MISSED" };
    writeln!(
        std::io::stdout(),
        "{name:<75} {ours:>9.1} us, peer {peer:>8.1}, ratio {ratio:.3} (at most {GOAL})  {verdict}"
    )?;
    let json = serde_json::json!({
        "name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": "us", "goal": GOAL, "holds": holds,
    });
    Ok(writeln!(file, "{json}")?)
}
