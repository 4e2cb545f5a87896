//! The files and values that belong to an attestation, read.
//!
//! In: the arguments. Out: what could be read, and the errors of what could not: one bad file keeps nobody from seeing what
//! the others say. Without the attestation itself there is nothing to show.

use std::path::Path;

use appraisal::crypto::{
    HashPolicy, KEY_FILE_BYTES, KeyFile, SchemeHint, SignatureError, VerifyingKey, parse_signature_file,
};
use evidence::digest::HashAlg;
use evidence::limits::{ATTEST_BYTES, CREATION_DATA_BYTES, NV_PUBLIC_BYTES, PCR_FILE_BYTES, SIGNATURE_BYTES};
use evidence::pcr::{PcrSelection, PcrValues};
use evidence::tpm::{Attest, CreationData, KeyName, NvPublic, Public, Scheme, Signature, TpmError};

use crate::args::QuoteArgs;
use crate::error::CliError;
use crate::files;
use crate::inspect::unhex;

use super::pcrs;

/// What was given and could be read.
pub(super) struct Given {
    pub(super) attest: Attest,
    pub(super) signature: Option<Signature>,
    pub(super) key: Option<GivenKey>,
    pub(super) name: Option<KeyName>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) selection: Option<PcrSelection>,
    pub(super) pcrs: Option<PcrValues>,
    pub(super) object: Option<Public>,
    pub(super) nv: Option<NvPublic>,
    pub(super) creation: Option<CreationData>,
}

/// A key from a file, and why it cannot check signatures where it cannot.
pub(super) struct GivenKey {
    pub(super) file: KeyFile,
    pub(super) verifying: Result<VerifyingKey, SignatureError>,
}

/// Keeps the errors of what cannot be read.
#[derive(Default)]
struct Unread(Vec<CliError>);

impl Unread {
    fn take<T>(&mut self, read: Option<Result<T, CliError>>) -> Option<T> {
        match read? {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(error);
                None
            }
        }
    }
}

impl Given {
    pub(super) fn read(args: &QuoteArgs) -> Result<(Self, Vec<CliError>), CliError> {
        let path = args.attest.as_deref().or(args.file.as_deref()).unwrap_or(Path::new("-"));
        let attest = parse(path, ATTEST_BYTES, Attest::parse)?;
        // What stands on the command line itself is mended there.
        let nonce = args.nonce.as_deref().map(|text| hexadecimal("--nonce", text)).transpose()?;
        let name = args.name.as_deref().map(name).transpose()?;
        let selection = args.selection.as_deref().map(str::parse).transpose();
        let selection = selection.map_err(|error| CliError::value("--selection", error))?;
        let stated = args.scheme.as_deref().map(scheme).transpose()?;
        let mut unread = Unread::default();
        let key = unread.take(args.ak.as_deref().map(|path| parse(path, KEY_FILE_BYTES, KeyFile::parse)));
        let key = key.map(|file| GivenKey { verifying: file.verifying_key(), file });
        let hint = SchemeHint {
            stated: stated.map(|scheme| scheme(hash_of(&attest))),
            key: key.as_ref().and_then(|key| key.verifying.as_ref().ok()),
            hash: hash_of(&attest),
        };
        let signature = args.signature.as_deref().map(|path| {
            parse(path, SIGNATURE_BYTES, |bytes| {
                parse_signature_file(bytes, &hint).map(|signature| settled(signature, bytes, &attest, &hint))
            })
        });
        let signature = unread.take(signature);
        if let (Some(path), None) = (&args.pcrs, attest.quote()) {
            unread.0.push(CliError::input(path, "what is attested is no quote and has no PCRs"));
        }
        let given = Self {
            pcrs: unread.take(args.pcrs.as_deref().zip(attest.quote()).map(|(path, quote)| {
                parse(path, PCR_FILE_BYTES, |bytes| pcrs::read(bytes, &quote.selection))
            })),
            object: unread.take(args.object.as_deref().map(|path| parse(path, KEY_FILE_BYTES, public))),
            nv: unread.take(args.nv_public.as_deref().map(|path| {
                parse(path, NV_PUBLIC_BYTES + 2, |bytes| {
                    either(bytes, NvPublic::parse_tpm2b, NvPublic::parse)
                })
            })),
            creation: unread.take(args.creation_data.as_deref().map(|path| {
                parse(path, CREATION_DATA_BYTES + 2, |bytes| {
                    either(bytes, CreationData::parse_tpm2b, CreationData::parse)
                })
            })),
            attest,
            signature,
            key,
            name,
            nonce,
            selection,
        };
        Ok((given, unread.0))
    }
}

/// A bare RSA signature names no scheme: it is PSS where it holds as that and not as the one that was guessed.
fn settled(guessed: Signature, file: &[u8], attest: &Attest, hint: &SchemeHint<'_>) -> Signature {
    let (Signature::RsaSsa { hash, signature }, Some(key), None) = (&guessed, hint.key, hint.stated) else {
        return guessed;
    };
    let pss = Signature::RsaPss { hash: *hash, signature: signature.clone() };
    let holds = |signature| key.verify(HashPolicy::DangerAllowSha1, signature, attest.raw()).is_ok();
    let bare = signature.as_slice() == file;
    if bare && !holds(&guessed) && holds(&pss) { pss } else { guessed }
}

fn public(bytes: &[u8]) -> Result<Public, TpmError> {
    either(bytes, Public::parse_tpm2b, Public::parse)
}

/// With its size in front or without; the first error tells of the one that tpm2-tools write.
fn either<T>(
    bytes: &[u8],
    sized: impl Fn(&[u8]) -> Result<T, TpmError>,
    bare: impl Fn(&[u8]) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    sized(bytes).or_else(|error| bare(bytes).map_err(|_| error))
}

fn parse<T, E: std::fmt::Display>(
    path: &Path,
    limit: usize,
    read: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, CliError> {
    let bytes = files::read(path, limit)?;
    read(&bytes).map_err(|error| CliError::input(path, error))
}

fn hexadecimal(what: &str, text: &str) -> Result<Vec<u8>, CliError> {
    unhex(what, &files::value_or_file(text)?)
}

/// A name in hexadecimal, or a file that holds it as `tpm2_readpublic -n` writes it, or in hexadecimal.
fn name(text: &str) -> Result<KeyName, CliError> {
    let what = "--name";
    let bytes = match text.strip_prefix('@') {
        None => unhex(what, text)?,
        Some(path) => {
            let bytes = files::read(Path::new(path), NAME_FILE_BYTES)?;
            match std::str::from_utf8(&bytes).ok().map(|text| unhex(what, text)) {
                Some(Ok(name)) => name,
                _ => bytes,
            }
        }
    };
    KeyName::parse(&bytes).map_err(|error| CliError::value(what, error))
}

/// The longest name in hexadecimal, with some white space.
const NAME_FILE_BYTES: usize = 256;

/// The hash that a quote's digest has the size of: it is the signature's too.
fn hash_of(attest: &Attest) -> HashAlg {
    match attest.quote().map(|quote| quote.pcr_digest.len()) {
        Some(20) => HashAlg::Sha1,
        Some(48) => HashAlg::Sha384,
        Some(64) => HashAlg::Sha512,
        _ => HashAlg::Sha256,
    }
}

type OfHash = Box<dyn Fn(HashAlg) -> Scheme>;

/// `rsassa`, `rsapss` or `ecdsa`, with a hash behind a hyphen or the quote's own.
fn scheme(text: &str) -> Result<OfHash, CliError> {
    let (name, hash) = text.split_once('-').map_or((text, None), |(name, hash)| (name, Some(hash)));
    let stated: Option<HashAlg> =
        hash.map(str::parse).transpose().map_err(|error| CliError::value("--scheme", error))?;
    let make: fn(HashAlg) -> Scheme = match name {
        "rsassa" => Scheme::RsaSsa,
        "rsapss" => Scheme::RsaPss,
        "ecdsa" => Scheme::Ecdsa,
        _ => {
            let known = "schemes are rsassa, rsapss and ecdsa, with a hash as in ecdsa-sha384";
            return Err(CliError::value("--scheme", format!("{text:?} is not known; {known}")));
        }
    };
    Ok(Box::new(move |guess| make(stated.unwrap_or(guess))))
}
