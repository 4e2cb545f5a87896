//! Certificates: a primary key and what is bound to it.
//!
//! In: packets. Out: certificates one by one, and of each its components with the signatures that follow them. Whether
//! those hold is not asked.
//= RFC 9580 §10.1

use super::key::{Key, KeyError};
use super::packet::{Packet, PacketError, Packets, Tag};
use super::signature::{Signature, SignatureError};

/// A primary key with its user ids, attributes, subkeys and signatures.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The primary key.
    pub primary: Key<'a>,
    /// What follows it, up to the next primary key.
    rest: &'a [u8],
    rest_offset: usize,
}

impl<'a> Certificate<'a> {
    /// The primary key itself, then user ids, attributes and subkeys in their order.
    pub const fn components(&self) -> Components<'a> {
        Components {
            packets: Packets::new(self.rest, self.rest_offset),
            next: Some(Start { kind: Ok(ComponentKind::Primary), offset: self.primary.offset }),
        }
    }

    /// Packets that are neither keys, user ids, attributes nor signatures, and none that means nothing.
    pub fn unknown_packets(&self) -> usize {
        let packets = Packets::new(self.rest, self.rest_offset).filter_map(Result::ok);
        packets
            .filter(|packet| {
                !matches!(
                    packet.tag,
                    Tag::SIGNATURE
                        | Tag::USER_ID
                        | Tag::USER_ATTRIBUTE
                        | Tag::PUBLIC_SUBKEY
                        | Tag::SECRET_SUBKEY
                        | Tag::TRUST
                        | Tag::MARKER
                        | Tag::PADDING
                )
            })
            .count()
    }
}

/// Certificates, one by one. A primary key that cannot be read is an error, and the next one is gone on with.
#[derive(Clone, Debug)]
pub struct Certificates<'a> {
    packets: Packets<'a>,
    /// The packet that starts the next certificate.
    next: Option<Packet<'a>>,
    /// Packets before the first certificate.
    stray: usize,
}

/// Why a certificate, or all that follow, could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The packets stop making sense.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A primary key could not be read.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl<'a> Certificates<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { packets: Packets::new(bytes, 0), next: None, stray: 0 }
    }

    /// Packets before the first certificate, known once it was read.
    pub const fn stray_packets(&self) -> usize {
        self.stray
    }

    /// Goes to the first primary key.
    fn find_start(&mut self) -> Option<Result<Packet<'a>, PacketError>> {
        loop {
            match self.packets.next()? {
                Err(error) => return Some(Err(error)),
                Ok(packet) if packet.tag.starts_certificate() => return Some(Ok(packet)),
                Ok(packet) if matches!(packet.tag, Tag::MARKER | Tag::PADDING) => {}
                Ok(_) => self.stray = self.stray.saturating_add(1),
            }
        }
    }
}

impl<'a> Iterator for Certificates<'a> {
    type Item = Result<Certificate<'a>, CertificateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = match self.next.take() {
            Some(start) => start,
            None => match self.find_start()? {
                Ok(start) => start,
                Err(error) => return Some(Err(error.into())),
            },
        };
        let (rest, rest_offset) = (self.packets.rest(), self.packets.offset());
        let mut end = rest_offset;
        loop {
            let mut ahead = self.packets.clone();
            match ahead.next() {
                Some(Ok(packet)) => {
                    self.packets = ahead;
                    if packet.tag.starts_certificate() {
                        self.next = Some(packet);
                        break;
                    }
                    end = self.packets.offset();
                }
                // An error is kept for the next call: what came before it belongs to this certificate.
                Some(Err(_)) | None => break,
            }
        }
        let rest = rest.get(..end.saturating_sub(rest_offset)).unwrap_or_default();
        Some(Key::parse(&start).map(|primary| Certificate { primary, rest, rest_offset }).map_err(Into::into))
    }
}

/// A part of a certificate, with the signatures behind it.
#[derive(Clone, Copy, Debug)]
pub struct Component<'a> {
    /// What it is.
    pub kind: Result<ComponentKind<'a>, KeyError>,
    /// Where its packet starts.
    pub offset: usize,
    signatures: &'a [u8],
    signatures_offset: usize,
}

/// What signatures can be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentKind<'a> {
    /// The primary key.
    Primary,
    /// A user id: a name and an address in UTF-8, by custom.
    UserId(&'a [u8]),
    /// A user attribute.
    UserAttribute(&'a [u8]),
    /// A subkey.
    Subkey(Key<'a>),
}

impl<'a> Component<'a> {
    /// The signatures behind it.
    pub fn signatures(&self) -> Signatures<'a> {
        Signatures(Packets::new(self.signatures, self.signatures_offset))
    }
}

/// Signatures of a component, one by one.
#[derive(Clone, Debug)]
pub struct Signatures<'a>(Packets<'a>);

impl<'a> Iterator for Signatures<'a> {
    type Item = Result<Signature<'a>, SignatureError>;

    fn next(&mut self) -> Option<Self::Item> {
        let packet = self.0.find_map(|packet| packet.ok().filter(|packet| packet.tag == Tag::SIGNATURE))?;
        Some(Signature::parse(&packet))
    }
}

/// Components of a certificate, one by one.
#[derive(Clone, Debug)]
pub struct Components<'a> {
    packets: Packets<'a>,
    next: Option<Start<'a>>,
}

/// A component of which the signatures have yet to be found.
#[derive(Clone, Copy, Debug)]
struct Start<'a> {
    kind: Result<ComponentKind<'a>, KeyError>,
    offset: usize,
}

impl<'a> Start<'a> {
    fn of(packet: &Packet<'a>) -> Option<Self> {
        // Bodies in parts are not allowed here; such an id reads as empty, and no signature over it will hold.
        let body = packet.body.unwrap_or_default();
        let kind = match packet.tag {
            Tag::USER_ID => Ok(ComponentKind::UserId(body)),
            Tag::USER_ATTRIBUTE => Ok(ComponentKind::UserAttribute(body)),
            Tag::PUBLIC_SUBKEY | Tag::SECRET_SUBKEY => Key::parse(packet).map(ComponentKind::Subkey),
            _ => return None,
        };
        Some(Self { kind, offset: packet.offset })
    }
}

impl<'a> Iterator for Components<'a> {
    type Item = Component<'a>;

    fn next(&mut self) -> Option<Component<'a>> {
        let Start { kind, offset } = self.next.take()?;
        let (rest, signatures_offset) = (self.packets.rest(), self.packets.offset());
        let next = self.packets.by_ref().filter_map(Result::ok).find(|packet| Start::of(packet).is_some());
        self.next = next.as_ref().and_then(Start::of);
        let end = next.map_or(self.packets.offset(), |packet| packet.offset);
        let signatures = rest.get(..end.saturating_sub(signatures_offset)).unwrap_or_default();
        Some(Component { kind, offset, signatures, signatures_offset })
    }
}
