//! The kernel's list of keys.
//!
//! In: `/proc/keys`. Out: each key that the reader may see. The list says neither which keyring a key is in nor, of a
//! key, more than its description and the last bytes of its identifier.
//= Linux Documentation/security/keys/core.rst: serial, flags, usage, timeout, permissions, uid, gid, type, description: summary

use super::{SettingError, lines, words};

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelKey<'a> {
    /// Where its line starts.
    pub offset: usize,
    /// Its number, in hexadecimal.
    pub serial: &'a [u8],
    /// Letters of what is so, `-` for what is not.
    pub flags: &'a [u8],
    /// How long it lasts: `perm`, `expd`, or a number with a unit.
    pub timeout: &'a [u8],
    /// Whose it is.
    pub uid: &'a [u8],
    /// Its type, such as `keyring` or `asymmetric`; the kernel cuts it to nine bytes.
    pub kind: &'a [u8],
    /// Its name; of a certificate, its subject and the end of its identifier.
    pub description: &'a [u8],
    /// What its type says of it.
    pub summary: &'a [u8],
}

/// All keys, one by one.
pub fn kernel_keys(file: &[u8]) -> impl Iterator<Item = Result<KernelKey<'_>, SettingError>> {
    lines(file).filter(|(_, line)| !line.is_empty()).map(|(offset, line)| entry(line, offset))
}

fn entry(line: &[u8], offset: usize) -> Result<KernelKey<'_>, SettingError> {
    let missing = SettingError::Missing { offset, missing: "the fields of a key" };
    let mut rest = line;
    let mut next = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let (field, after) =
            rest.split_at_checked(end).filter(|(field, _)| !field.is_empty()).ok_or(missing)?;
        rest = after;
        Ok(field)
    };
    let (serial, flags, _usage, timeout, _permissions) = (next()?, next()?, next()?, next()?, next()?);
    let (uid, _gid, kind) = (next()?, next()?, next()?);
    // A description can have any bytes, `: ` too; a summary has none of those.
    let rest = rest.trim_ascii_start();
    let colon = rest.windows(2).rposition(|window| window == b": ").unwrap_or(rest.len());
    let (description, summary) = rest.split_at_checked(colon).ok_or(missing)?;
    let summary = summary.get(2..).unwrap_or_default();
    Ok(KernelKey { offset, serial, flags, timeout, uid, kind, description, summary })
}

impl<'a> KernelKey<'a> {
    /// The last four bytes of an asymmetric key's subject key identifier, where the summary shows them.
    //= Linux crypto/asymmetric_keys/asymmetric_type.c: asymmetric_key_describe: "X509.rsa 1234abcd []"
    pub fn id_end(&self) -> Option<[u8; 4]> {
        let shown =
            words(self.summary).find(|word| word.len() == 8 && word.iter().all(u8::is_ascii_hexdigit))?;
        let number = u32::from_str_radix(std::str::from_utf8(shown).ok()?, 16).ok()?;
        Some(number.to_be_bytes())
    }

    /// The description without the identifier that ends it.
    pub fn subject(&self) -> &'a [u8] {
        self.split().0
    }

    /// The identifier that ends the description, in hexadecimal: the whole subject key identifier where its end is
    /// `id_end`, otherwise a serial number.
    pub fn id_text(&self) -> Option<&'a [u8]> {
        self.split().1
    }

    fn split(&self) -> (&'a [u8], Option<&'a [u8]>) {
        let at = self.description.windows(2).rposition(|window| window == b": ");
        let parts = at.and_then(|at| self.description.split_at_checked(at));
        let id =
            |id: &'a [u8]| id.get(2..).filter(|id| !id.is_empty() && id.iter().all(u8::is_ascii_hexdigit));
        match parts.and_then(|(name, rest)| Some((name, id(rest)?))) {
            Some((name, id)) => (name, Some(id)),
            None => (self.description, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &[u8] = b"1fe617df I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1\n\
        2cd0ba5e I------     1 perm 1f030000     0     0 asymmetri Debian: key: ab12cd: X509.rsa 1234abcd []\n\
        0f1e2d3c I--Q---     1 perm 3f010000     0     0 asymmetri sforshee: 00b28ddf47aef9cea7: X509.rsa  []\nshort\n";

    #[test]
    fn keys_have_a_description_and_a_summary() {
        let found: Vec<_> = kernel_keys(LIST).collect();
        let ring = found[0].unwrap();
        assert_eq!(
            (ring.kind, ring.description, ring.summary),
            (&b"keyring"[..], &b".builtin_trusted_keys"[..], &b"1"[..])
        );
        assert_eq!(ring.id_end(), None);
        let key = found[1].unwrap();
        assert_eq!(key.description, b"Debian: key: ab12cd");
        assert_eq!(key.subject(), b"Debian: key");
        assert_eq!(key.id_end(), Some([0x12, 0x34, 0xab, 0xcd]));
        assert_eq!(found[2].unwrap().subject(), b"sforshee");
        assert_eq!(found[2].unwrap().id_end(), None);
        assert!(matches!(found[3], Err(SettingError::Missing { .. })));
    }
}
