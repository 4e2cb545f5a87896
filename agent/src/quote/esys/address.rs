//! Where a TPM is: the configuration's string, read.
//!
//! In: text such as `device:/dev/tpmrm0`. Out: a [`TpmAddress`]; an address that would be read with parts left out
//! is refused. Whether there is a TPM is found when it is connected.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::quote::TpmError;

/// The way to a TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TpmAddress {
    /// A character device.
    Device(PathBuf),
    /// A software TPM on TCP; its control channel is on the next port.
    SwtpmTcp {
        /// Name or address.
        host: String,
        /// Port of the data channel.
        port: u16,
    },
    /// A software TPM on a Unix socket; its control channel is at the same path with `.ctrl` behind.
    SwtpmUnix(PathBuf),
    /// The resource manager on the system's D-Bus.
    Tabrmd,
}

impl TpmAddress {
    /// Whether somebody between us and the TPM keeps programs' objects apart, so that what we see is ours.
    pub(super) fn has_resource_manager(&self) -> bool {
        match self {
            Self::Device(path) => path.to_string_lossy().contains("tpmrm"),
            Self::SwtpmTcp { .. } | Self::SwtpmUnix(_) => false,
            Self::Tabrmd => true,
        }
    }
}

impl FromStr for TpmAddress {
    type Err = TpmError;

    fn from_str(text: &str) -> Result<Self, TpmError> {
        let wrong = || TpmError::Address { address: text.to_owned() };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("tabrmd", "") => Ok(Self::Tabrmd),
            ("device", path) if path.starts_with('/') => Ok(Self::Device(path.into())),
            ("swtpm", rest) => swtpm(rest).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

fn swtpm(rest: &str) -> Option<TpmAddress> {
    if let Some(path) = rest.strip_prefix("path=") {
        return path.starts_with('/').then(|| TpmAddress::SwtpmUnix(path.into()));
    }
    let (mut host, mut port) = (None, None);
    for part in rest.split(',') {
        match part.split_once('=')? {
            ("host", name) if !name.is_empty() && host.is_none() => host = Some(name.to_owned()),
            ("port", number) if port.is_none() => {
                port = Some(number.parse().ok().filter(|port| *port < u16::MAX)?);
            }
            _ => return None,
        }
    }
    Some(TpmAddress::SwtpmTcp { host: host?, port: port? })
}

impl fmt::Display for TpmAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(path) => write!(f, "device:{}", path.display()),
            Self::SwtpmTcp { host, port } => write!(f, "swtpm:host={host},port={port}"),
            Self::SwtpmUnix(path) => write!(f, "swtpm:path={}", path.display()),
            Self::Tabrmd => f.write_str("tabrmd"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for text in
            ["device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321", "swtpm:path=/run/swtpm/s", "tabrmd"]
        {
            assert_eq!(text.parse::<TpmAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_would_be_read_in_part_is_refused() {
        for text in [
            "",
            "device",
            "device:dev",
            "swtpm",
            "swtpm:",
            "swtpm:port=1",
            "swtpm:host=a",
            "swtpm:host=a,port=65535",
            "swtpm:host=a,port=1,x=2",
            "swtpm:host=a,host=b,port=1",
            "swtpm:path=s",
            "tabrmd:x",
            "mssim:host=a,port=1",
        ] {
            assert_eq!(
                text.parse::<TpmAddress>(),
                Err(TpmError::Address { address: text.to_owned() }),
                "{text}"
            );
        }
    }

    #[test]
    fn only_managed_ways_leave_flushing_to_others() {
        let managed = |text: &str| text.parse::<TpmAddress>().unwrap().has_resource_manager();
        assert!(managed("device:/dev/tpmrm0") && managed("tabrmd"));
        assert!(!managed("device:/dev/tpm0") && !managed("swtpm:path=/s"));
    }
}
