//! What IMA measured that is no file: keys, command lines, critical data.
//!
//! In: the fields of a record that has a buffer. Out: what the buffer is, by its event's name and its shape. The name is
//! measured with it, so both are as true as the record.
//= Linux Documentation/ABI/testing/ima_policy: func=KEY_CHECK, KEXEC_CMDLINE, CRITICAL_DATA

use super::device_mapper::DmEvent;
use super::fields::ImaFields;

/// A buffer that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredBuffer<'a> {
    /// A certificate that was loaded onto a keyring.
    Key {
        /// The keyring's name, such as `.ima` or `.builtin_trusted_keys`.
        keyring: &'a [u8],
        /// The certificate (DER).
        certificate: &'a [u8],
    },
    /// The command line of a kernel that was loaded by kexec.
    KexecCommandLine(&'a [u8]),
    /// What happened to a device-mapper device.
    DeviceMapper(DmEvent<'a>),
    /// Text of a kernel's part: `selinux-state`, `kernel_version`, and so on.
    CriticalText {
        /// What it is of.
        name: &'a [u8],
        /// The text.
        text: &'a [u8],
    },
    /// Other bytes of a kernel's part, such as the hash of a policy.
    CriticalBytes {
        /// What they are of.
        name: &'a [u8],
        /// The bytes.
        bytes: &'a [u8],
    },
}

impl<'a> MeasuredBuffer<'a> {
    /// What a record measured; `None` where it has no buffer.
    pub fn of(fields: &ImaFields<'a>) -> Option<Self> {
        let (name, buffer) = (fields.name?, fields.buffer?);
        if name == b"kexec-cmdline" {
            return Some(Self::KexecCommandLine(buffer));
        }
        if let Some(event) = DmEvent::new(name, buffer) {
            return Some(Self::DeviceMapper(event));
        }
        Some(if is_der_sequence(buffer) {
            Self::Key { keyring: name, certificate: buffer }
        } else if is_text(buffer) {
            Self::CriticalText { name, text: buffer }
        } else {
            Self::CriticalBytes { name, bytes: buffer }
        })
    }
}

/// Whether the bytes are one DER sequence of more than 127 bytes, as every certificate is.
fn is_der_sequence(bytes: &[u8]) -> bool {
    let length = |octets: &[u8]| octets.iter().fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
    let (head, declared) = match bytes {
        [0x30, 0x81, rest @ ..] => (3, rest.get(..1).map(length)),
        [0x30, 0x82, rest @ ..] => (4, rest.get(..2).map(length)),
        [0x30, 0x83, rest @ ..] => (5, rest.get(..3).map(length)),
        _ => return false,
    };
    declared.is_some_and(|declared| declared.saturating_add(head) == bytes.len())
}

fn is_text(bytes: &[u8]) -> bool {
    let printable = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\t');
    !bytes.is_empty() && bytes.iter().all(printable)
}

/// `key=value` pairs between separators; `\` takes a separator's meaning away, and stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs<'a> {
    rest: &'a [u8],
    separator: u8,
}

impl<'a> Pairs<'a> {
    /// The pairs of a text.
    pub const fn new(text: &'a [u8], separator: u8) -> Self {
        Self { rest: text, separator }
    }

    /// The value of the first pair with this key.
    pub fn find(self, key: &[u8]) -> Option<&'a [u8]> {
        let mut pairs = self;
        pairs.find_map(|(found, value)| (found == key).then_some(value))
    }

    /// What stands up to the next separator, which is taken too.
    pub(super) fn next_part(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (end, next) = match unescaped(self.rest, self.separator) {
            Some(end) => (end, end.saturating_add(1)),
            None => (self.rest.len(), self.rest.len()),
        };
        let part = self.rest.get(..end)?;
        self.rest = self.rest.get(next..)?;
        Some(part)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let part = self.next_part()?;
            if let Some(at) = unescaped(part, b'=') {
                return Some((part.get(..at)?, part.get(at.saturating_add(1)..)?));
            }
        }
    }
}

/// Where a byte first stands without `\` before it.
fn unescaped(text: &[u8], wanted: u8) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let found = !escaped && *byte == wanted;
        escaped = !escaped && *byte == b'\\';
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_known_by_name_and_shape() {
        let of = |name, buffer| {
            let fields = ImaFields { name: Some(name), buffer: Some(buffer), ..ImaFields::default() };
            MeasuredBuffer::of(&fields).unwrap()
        };
        let mut der = vec![0x30, 0x81, 0x80];
        der.resize(3 + 0x80, 0);
        let key = MeasuredBuffer::Key { keyring: b".ima", certificate: &der };
        assert_eq!(of(b".ima", &der), key);
        assert_eq!(of(b"kexec-cmdline", b"ro"), MeasuredBuffer::KexecCommandLine(b"ro"));
        assert!(matches!(of(b"dm_table_load", b"name=a"), MeasuredBuffer::DeviceMapper(_)));
        let text: &[u8] = b"initialized=1;enforcing=0;";
        assert_eq!(of(b"selinux-state", text), MeasuredBuffer::CriticalText { name: b"selinux-state", text });
        let cut = der.get(..100).unwrap();
        assert_eq!(of(b".ima", cut), MeasuredBuffer::CriticalBytes { name: b".ima", bytes: cut });
        assert_eq!(MeasuredBuffer::of(&ImaFields::default()), None);
    }

    #[test]
    fn pairs_end_at_separators_that_are_not_escaped() {
        let pairs: Vec<_> = Pairs::new(b"a=1;;b\\;c=2=3;d;e=\\\\;f=", b';').collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b\\;c", b"2=3"), (b"e", b"\\\\"), (b"f", b"")];
        assert_eq!(pairs, expected);
    }
}
