//! A real TPM through the TPM2 software stack: hardware, or swtpm.
//!
//! In: an address and where the attestation key is written down. Out: [`Tpm`]. The connection is made at the first
//! command and again when it broke; a command that the TPM puts off is sent again; where nobody manages the TPM's few
//! slots, what killed processes left there is flushed when they are full. Nothing is kept loaded between calls.
//!
//! libtss2 writes its own words to stderr unless `TSS2_LOG=all+NONE` is set, as our systemd unit does.

mod address;
mod ak;
mod bridge;
mod code;
mod ek;
mod key;
mod leftovers;
mod nv;
mod object;
mod pcr;

use std::str::FromStr as _;
use std::thread;
use std::time::Duration;

use evidence::digest::{HashAlg, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::tpm::{CredentialBlob, EncryptedSecret, IdObject, Public};
use tss_esapi::{Context, TctiNameConf};
use zeroize::Zeroizing;

pub use address::TpmAddress;
pub use ak::AkPlace;

use super::{EndorsementKey, Quote, Tpm, TpmError};
use ak::Make;
use bridge::Bridge;
use code::Remedy;

/// A TPM behind the TPM2 software stack.
pub struct EsysTpm {
    address: TpmAddress,
    place: AkPlace,
    link: Option<Link>,
}

/// A connection. The context is dropped first: it says goodbye through the bridge.
struct Link {
    context: Context,
    _bridge: Option<Bridge>,
}

impl EsysTpm {
    /// A TPM at an address; it is connected when it is first used.
    pub const fn new(address: TpmAddress, place: AkPlace) -> Self {
        Self { address, place, link: None }
    }

    /// Runs a command, again where that can help.
    fn run<T>(
        &mut self,
        command: impl Fn(&mut Context, &AkPlace) -> Result<T, TpmError>,
    ) -> Result<T, TpmError> {
        let mut attempt = 0;
        loop {
            let fresh = self.link.is_none();
            let link = match self.link.take() {
                Some(link) => self.link.insert(link),
                None => self.link.insert(connect(&self.address)?),
            };
            let error = match command(&mut link.context, &self.place) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            attempt += 1;
            match code::remedy(&error) {
                Remedy::Again if attempt < AGAIN => thread::sleep(PAUSE * attempt),
                Remedy::Room if attempt < AGAIN && !self.address.has_resource_manager() => {
                    let flushed = leftovers::flush_all(&mut link.context)?;
                    tracing::warn!(flushed, "the TPM was full of what other processes had left; flushed");
                }
                // A connection that has just been made is not made again: nobody is there.
                Remedy::Reconnect => {
                    self.link = None;
                    if fresh || attempt >= AGAIN {
                        return Err(error);
                    }
                }
                _ => return Err(error),
            }
        }
    }
}

impl Tpm for EsysTpm {
    fn banks(&mut self) -> Result<Vec<HashAlg>, TpmError> {
        self.run(|context, _| pcr::banks(context))
    }

    fn endorsement(&mut self) -> Result<EndorsementKey, TpmError> {
        self.run(|context, _| ek::endorsement(context))
    }

    fn attestation_key(&mut self) -> Result<Public, TpmError> {
        self.run(|context, place| ak::with_ak(context, place, Make::New, |_, _, public| Ok(public)))
    }

    fn activate_credential(
        &mut self,
        id_object: &[u8],
        encrypted_secret: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError> {
        let blob = CredentialBlob {
            id_object: IdObject::parse_tpm2b(id_object)?,
            secret: EncryptedSecret::parse_tpm2b(encrypted_secret)?,
        };
        self.run(|context, place| {
            ak::with_ak(context, place, Make::OnlyTheSame, |context, ak, _| ek::activate(context, ak, &blob))
        })
    }

    fn quote(&mut self, selection: &PcrSelection, qualifying: &Sha256Digest) -> Result<Quote, TpmError> {
        self.run(|context, place| {
            ak::with_ak(context, place, Make::OnlyTheSame, |context, ak, _| {
                pcr::quote(context, ak, selection, qualifying)
            })
        })
    }
}

fn connect(address: &TpmAddress) -> Result<Link, TpmError> {
    let unreachable = |reason: String| TpmError::NotReachable { reason: format!("{address}: {reason}") };
    let (conf, bridge) = match address {
        TpmAddress::Device(path) => {
            // The library's error does not tell a missing device from a forbidden one.
            std::fs::metadata(path).map_err(|error| unreachable(error.to_string()))?;
            (address.to_string(), None)
        }
        TpmAddress::SwtpmTcp { .. } | TpmAddress::Tabrmd => (address.to_string(), None),
        TpmAddress::SwtpmUnix(path) => {
            let bridge = Bridge::open(path).map_err(|error| unreachable(error.to_string()))?;
            (format!("swtpm:host=127.0.0.1,port={}", bridge.port()), Some(bridge))
        }
    };
    let conf =
        TctiNameConf::from_str(&conf).map_err(|_| TpmError::Address { address: address.to_string() })?;
    match Context::new(conf) {
        Ok(context) => Ok(Link { context, _bridge: bridge }),
        Err(error) => match code::of("connect")(error) {
            TpmError::NotReachable { reason } => Err(unreachable(reason)),
            TpmError::Refused { code, .. } => Err(unreachable(format!("error {code:#x}"))),
            other => Err(other),
        },
    }
}

/// How often a command is tried in all.
const AGAIN: u32 = 8;
/// The pause before the second attempt; it grows with each. All of them together take under 3 s, which is longer
/// than a TPM's self-test.
const PAUSE: Duration = Duration::from_millis(100);
