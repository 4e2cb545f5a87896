//! Lines that list keys.
//!
//! In: a file's bytes. Out: lazily each line's key with its options or hosts; comments and empty lines give nothing, a line
//! that lists no key gives an error with its place. A line may be as long as the file: options of some have kilobytes.

use super::{PublicKey, SshError};
use crate::asn1::decode_base64;
use crate::limits::SSH_BLOB_BYTES;
use crate::settings::lines;

/// A key as text holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyText<'a> {
    /// The blob.
    pub blob: Vec<u8>,
    /// What stands behind it.
    pub comment: &'a [u8],
}

impl<'a> KeyText<'a> {
    /// Reads `type base64 comment`; `offset` is that of the line.
    fn read(text: &'a [u8], offset: usize) -> Result<Self, SshError> {
        let (kind, rest) = word(text);
        let (digits, comment) = word(rest);
        if kind.is_empty() || digits.is_empty() {
            return Err(SshError::NoKey { offset });
        }
        if digits.len() / 4 * 3 > SSH_BLOB_BYTES {
            return Err(SshError::Limit { offset, found: digits.len() / 4 * 3 });
        }
        let blob = decode_base64(digits).ok_or(SshError::NoKey { offset })?;
        let stated = PublicKey::of(&blob)?.kind();
        if stated.as_bytes() != kind {
            return Err(SshError::OtherType { offset });
        }
        Ok(Self { blob, comment })
    }

    /// The key; it was read before.
    pub fn key(&self) -> Option<PublicKey<'_>> {
        PublicKey::of(&self.blob).ok()
    }
}

/// A line of `authorized_keys` or of a `*.pub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedKey<'a> {
    /// Where the line starts.
    pub offset: usize,
    /// What the key may do.
    pub options: Options<'a>,
    /// The key.
    pub key: KeyText<'a>,
}

/// Keys of `authorized_keys`, line by line.
pub fn authorized_keys(file: &[u8]) -> impl Iterator<Item = Result<AuthorizedKey<'_>, SshError>> {
    entries(file).map(|(offset, line)| {
        // As sshd does: a line that does not start with a key starts with options.
        let plain = KeyText::read(line, offset);
        let (options, key) = match plain {
            Ok(key) => (b"".as_slice(), Ok(key)),
            Err(error) => match split_options(line) {
                Some((options, rest)) => (options, KeyText::read(rest, offset)),
                None => (line, Err(error)),
            },
        };
        Ok(AuthorizedKey { offset, options: Options(options), key: key? })
    })
}

/// What marks a line of `known_hosts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMarker {
    /// None: the key is the hosts' own.
    None,
    /// `@cert-authority`: the key signs the hosts' certificates.
    Authority,
    /// `@revoked`: the key is good for nothing.
    Revoked,
}

/// A line of `known_hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHost<'a> {
    /// Where the line starts.
    pub offset: usize,
    /// Its marker.
    pub marker: HostMarker,
    /// Names and patterns; `|1|…` where they are hashed.
    pub hosts: &'a [u8],
    /// The key.
    pub key: KeyText<'a>,
}

/// Keys of `known_hosts`, line by line.
pub fn known_hosts(file: &[u8]) -> impl Iterator<Item = Result<KnownHost<'_>, SshError>> {
    entries(file).map(|(offset, line)| {
        let (first, rest) = word(line);
        let (marker, line) = match first {
            b"@cert-authority" => (HostMarker::Authority, rest),
            b"@revoked" => (HostMarker::Revoked, rest),
            [b'@', ..] => return Err(SshError::NoKey { offset }),
            _ => (HostMarker::None, line),
        };
        let (hosts, rest) = word(line);
        Ok(KnownHost { offset, marker, hosts, key: KeyText::read(rest, offset)? })
    })
}

/// Options of a line: names, some with a value in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// As they stand there.
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// Names, and values without their quotes.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let end = unquoted(rest, |byte| byte == b',');
            let option = rest.get(..end).filter(|option| !option.is_empty())?;
            rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
            let equals = option.iter().position(|byte| *byte == b'=');
            let name = option.get(..equals.unwrap_or(option.len()))?;
            let value = equals.and_then(|equals| option.get(equals.saturating_add(1)..));
            Some((name, value.map(strip_quotes)))
        })
    }

    /// Whether there is an option of this name.
    pub fn has(&self, name: &str) -> bool {
        self.pairs().any(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
    }
}

fn strip_quotes(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

fn entries(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    lines(file).filter_map(|(offset, line)| {
        let text = line.trim_ascii();
        (!text.is_empty() && !text.starts_with(b"#")).then_some((offset, text))
    })
}

/// The first word, and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (word, rest.trim_ascii())
}

fn split_options(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = unquoted(line, |byte| matches!(byte, b' ' | b'\t'));
    line.split_at_checked(end).map(|(options, rest)| (options, rest.trim_ascii()))
}

/// Where the first byte outside of quotes is that is wanted; the end where there is none.
fn unquoted(text: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let found = text.iter().position(|byte| {
        let here = !quoted && wanted(*byte);
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        here
    });
    found.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

    #[test]
    fn options_end_at_the_first_space_outside_of_quotes() {
        let text =
            format!("# no key\n\nfrom=\"a,b\",command=\"x \\\" y\",cert-authority {KEY} me at home\n{KEY}\n");
        let keys: Vec<_> = authorized_keys(text.as_bytes()).map(Result::unwrap).collect();
        let [one, other] = &keys[..] else { panic!("{keys:?}") };
        let pairs: Vec<_> = one.options.pairs().collect();
        let expected: [(&[u8], Option<&[u8]>); 3] =
            [(b"from", Some(b"a,b")), (b"command", Some(b"x \\\" y")), (b"cert-authority", None)];
        assert_eq!(pairs, expected);
        assert!(one.options.has("Cert-Authority") && !one.options.has("pty"));
        assert_eq!(one.key.comment, b"me at home");
        assert_eq!((other.options.raw(), other.key.comment), (&b""[..], &b""[..]));
        assert_eq!(other.offset, text.len() - KEY.len() - 1);
    }

    #[test]
    fn known_hosts_have_markers() {
        let text = format!("@cert-authority *.x {KEY}\n@revoked * {KEY}\n|1|a|b {KEY} c\n@other * {KEY}\n");
        let found: Vec<_> =
            known_hosts(text.as_bytes()).map(|host| host.map(|host| (host.marker, host.hosts))).collect();
        assert_eq!(found[0], Ok((HostMarker::Authority, &b"*.x"[..])));
        assert_eq!(found[1], Ok((HostMarker::Revoked, &b"*"[..])));
        assert_eq!(found[2], Ok((HostMarker::None, &b"|1|a|b"[..])));
        assert!(matches!(found[3], Err(SshError::NoKey { .. })));
    }

    #[test]
    fn lines_without_a_key_are_errors() {
        let check = |line: &str, expected: SshError| {
            assert_eq!(authorized_keys(line.as_bytes()).next().unwrap().unwrap_err(), expected, "{line}");
        };
        check("nonsense", SshError::NoKey { offset: 0 });
        check("ssh-ed25519 ????", SshError::NoKey { offset: 0 });
        check(&KEY.replace("ssh-ed25519", "ssh-rsa"), SshError::NoKey { offset: 0 });
    }
}
