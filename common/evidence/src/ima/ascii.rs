//! Lines of a text list, and the template data that they tell of.
//!
//! In: a line of `ascii_runtime_measurements`. Out: PCR, template hash, template, and the data as the kernel hashed it,
//! written again from the text. Text loses the order of integers and what stands behind a NUL or a line's end in a name,
//! so that the data may not be had back: the template hash tells. Nothing else vouches for the text.
//= Linux security/integrity/ima/ima_fs.c: ima_ascii_measurements_show

use super::layout::{ByteOrder, printable};
use super::record::{DataSource, ImaRecord};
use super::template::{self, TextForm};
use crate::digest::{Digest, HashAlg};
use crate::limits;
use crate::pcr::PcrIndex;

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line is empty.
    #[error("an empty line")]
    Empty,
    /// The line does not start with a PCR's number.
    #[error("no PCR's number at the line's start")]
    Pcr,
    /// No hash of a length that a known algorithm has.
    #[error("no template hash behind the PCR's number")]
    Hash,
    /// No template's name behind the hash.
    #[error("no template's name behind the template hash")]
    Template,
    /// The line is too long.
    #[error("a line of more than {limit} bytes")]
    TooLong {
        /// The longest that is read.
        limit: usize,
    },
}

/// Why template data cannot be written again from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// How this template's data looks is not known.
    #[error("unknown template")]
    UnknownTemplate,
    /// The line has fewer fields than its template.
    #[error("a field is missing")]
    MissingField,
    /// A field is not hexadecimal.
    #[error("a field is not hexadecimal")]
    Hex,
    /// A field is not a number, or too large for its size.
    #[error("a field is not a number of its size")]
    Number,
    /// A field's data is too long.
    #[error("a field is too long")]
    TooLong,
}

/// A line, taken apart but for its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AsciiLine<'a> {
    pub(super) pcr: PcrIndex,
    pub(super) listed_hash: Digest,
    pub(super) template: &'a str,
    pub(super) text: &'a [u8],
}

impl<'a> AsciiLine<'a> {
    /// Takes a line apart. `listed` decides between algorithms with hashes of one length.
    pub(super) fn parse(line: &'a [u8], listed: HashAlg) -> Result<Self, LineError> {
        if line.trim_ascii().is_empty() {
            return Err(LineError::Empty);
        }
        let (pcr, rest) = split(line.trim_ascii_start()).ok_or(LineError::Pcr)?;
        let pcr = std::str::from_utf8(pcr).ok().and_then(|pcr| pcr.parse().ok()).ok_or(LineError::Pcr)?;
        let (hash, rest) = split(rest).ok_or(LineError::Hash)?;
        let listed_hash = parse_hash(hash, listed).ok_or(LineError::Hash)?;
        let (name, text) = split(rest).unwrap_or((rest, &[]));
        if name.is_empty() || name.len() > limits::IMA_TEMPLATE_NAME_BYTES {
            return Err(LineError::Template);
        }
        let template = printable(name).ok_or(LineError::Template)?;
        Ok(Self { pcr, listed_hash, template, text })
    }

    /// A record with this data, which was written again in this order.
    pub(super) const fn record(&self, data: &'a [u8], order: ByteOrder) -> ImaRecord<'a> {
        let Self { pcr, listed_hash, template, .. } = *self;
        let source = DataSource::Rebuilt;
        ImaRecord { number: 0, offset: 0, size: 0, pcr, listed_hash, template, data, source, order }
    }

    /// Writes the template data into `out`, which is emptied first.
    pub(super) fn rebuild(&self, order: ByteOrder, out: &mut Vec<u8>) -> Result<(), RebuildError> {
        out.clear();
        let format = template::format_of(self.template).ok_or(RebuildError::UnknownTemplate)?;
        if self.template == template::LEGACY {
            return rebuild_legacy(self.text, order, out);
        }
        let mut left = Fields { text: Some(self.text), rest: format.split('|') };
        while let Some((id, text)) = left.next_field()? {
            let at = out.len();
            out.extend_from_slice(&[0; 4]);
            put_field(template::text_form(id), text, order, out)?;
            let size = out.len().saturating_sub(at).saturating_sub(4);
            let size = u32::try_from(size).map_err(|_| RebuildError::TooLong)?;
            if let Some(length) = out.get_mut(at..at.saturating_add(4)) {
                length.copy_from_slice(&order.u32_bytes(size));
            }
            if out.len() > limits::IMA_FIELD_BYTES {
                return Err(RebuildError::TooLong);
            }
        }
        Ok(())
    }
}

/// What stands before the next space, and behind it.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b' ')?;
    Some((text.get(..at)?, text.get(at.saturating_add(1)..)?))
}

fn parse_hash(hex: &[u8], listed: HashAlg) -> Option<Digest> {
    let fits = |alg: &HashAlg| alg.size().saturating_mul(2) == hex.len();
    let alg = [listed].into_iter().chain(HashAlg::ALL).find(fits)?;
    let mut bytes = [0; 64];
    let bytes = bytes.get_mut(..alg.size())?;
    for (to, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *to = byte_of(pair)?;
    }
    Digest::new(alg, bytes).ok()
}

fn byte_of(pair: &[u8]) -> Option<u8> {
    let [high, low] = pair else { return None };
    let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
    u8::try_from(high << 4 | low).ok()
}

/// The fields of a line. Spaces part them, but a name of an early kernel may hold some: names take what is left over.
struct Fields<'a, 'f> {
    text: Option<&'a [u8]>,
    rest: std::str::Split<'f, char>,
}

impl<'a, 'f> Fields<'a, 'f> {
    fn next_field(&mut self) -> Result<Option<(&'f str, &'a [u8])>, RebuildError> {
        let Some(id) = self.rest.next() else { return Ok(None) };
        let text = self.text.ok_or(RebuildError::MissingField)?;
        let behind = self.rest.clone();
        let greedy = matches!(id, "n" | "n-ng") && !behind.clone().any(|id| matches!(id, "n" | "n-ng"));
        let field = if greedy {
            let size = size_before(text, behind.count()).ok_or(RebuildError::MissingField)?;
            self.text = text.get(size.saturating_add(1)..);
            text.get(..size).unwrap_or(text)
        } else if let Some((field, rest)) = split(text) {
            self.text = Some(rest);
            field
        } else {
            self.text = None;
            text
        };
        Ok(Some((id, field)))
    }
}

/// How many bytes stand before the last `fields` fields.
fn size_before(text: &[u8], fields: usize) -> Option<usize> {
    (0..fields).try_fold(text.len(), |end, _| text.get(..end)?.iter().rposition(|byte| *byte == b' '))
}

fn put_field(
    form: Option<TextForm>,
    text: &[u8],
    order: ByteOrder,
    out: &mut Vec<u8>,
) -> Result<(), RebuildError> {
    match form.ok_or(RebuildError::UnknownTemplate)? {
        TextForm::Hex => put_hex(text, out),
        TextForm::Digest | TextForm::Text { or_nothing: true } if text.is_empty() => Ok(()),
        TextForm::Digest => {
            // The kernel leaves out a colon that nothing stands before.
            let colon = text.iter().rposition(|byte| *byte == b':').map(|at| at.saturating_add(1));
            let (prefix, hash) = text.split_at_checked(colon.unwrap_or(0)).ok_or(RebuildError::Hex)?;
            out.extend_from_slice(if colon.is_some() { prefix } else { b":" });
            out.push(0);
            put_hex(hash, out)
        }
        TextForm::Text { .. } => {
            out.extend_from_slice(text);
            out.push(0);
            Ok(())
        }
        TextForm::Number(size) => put_number(text, size, order, out),
    }
}

fn put_hex(text: &[u8], out: &mut Vec<u8>) -> Result<(), RebuildError> {
    let pairs = text.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(RebuildError::Hex);
    }
    for pair in pairs {
        out.push(byte_of(pair).ok_or(RebuildError::Hex)?);
    }
    Ok(())
}

fn put_number(text: &[u8], size: usize, order: ByteOrder, out: &mut Vec<u8>) -> Result<(), RebuildError> {
    if text.is_empty() {
        return Ok(());
    }
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let value: u32 = digits.and_then(|digits| digits.parse().ok()).ok_or(RebuildError::Number)?;
    let bytes = value.to_le_bytes();
    let (low, high) = bytes.split_at_checked(size).ok_or(RebuildError::Number)?;
    if high.iter().any(|byte| *byte != 0) {
        return Err(RebuildError::Number);
    }
    match order {
        ByteOrder::Little => out.extend_from_slice(low),
        ByteOrder::Big => out.extend(low.iter().rev()),
    }
    Ok(())
}

/// The old template in the form that its binary record has: a digest, the name's length, and the name.
fn rebuild_legacy(text: &[u8], order: ByteOrder, out: &mut Vec<u8>) -> Result<(), RebuildError> {
    let (digest, name) = split(text).ok_or(RebuildError::MissingField)?;
    if digest.len() != HashAlg::Sha1.size().saturating_mul(2) {
        return Err(RebuildError::Hex);
    }
    put_hex(digest, out)?;
    let size = u32::try_from(name.len()).map_err(|_| RebuildError::TooLong)?;
    out.extend_from_slice(&order.u32_bytes(size));
    out.extend_from_slice(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn rebuilt(rest: &str, order: ByteOrder) -> Result<Vec<u8>, RebuildError> {
        let line = format!("10 {HASH} {rest}");
        let mut out = vec![1];
        AsciiLine::parse(line.as_bytes(), HashAlg::Sha1).unwrap().rebuild(order, &mut out).map(|()| out)
    }

    fn check(rest: &str, expected: &[&[u8]]) {
        let field = |bytes: &&[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat();
        let expected: Vec<u8> = expected.iter().flat_map(field).collect();
        assert_eq!(rebuilt(rest, ByteOrder::Little), Ok(expected), "{rest}");
    }

    #[test]
    fn every_field_is_written_as_the_kernel_hashed_it() {
        check("ima-ng sha256:0a0b /bin/a", &[b"sha256:\0\x0a\x0b", b"/bin/a\0"]);
        check("ima-ng sha256:0a /with a space ", &[b"sha256:\0\x0a", b"/with a space \0"]);
        check("ima-ng 0a /old", &[b":\0\x0a", b"/old\0"]);
        check("ima-sig sha1:0a /a b 0302", &[b"sha1:\0\x0a", b"/a b\0", b"\x03\x02"]);
        check("ima-sig sha1:0a /a ", &[b"sha1:\0\x0a", b"/a\0", b""]);
        check("ima-sigv2 verity:sha256:0a /a ", &[b"verity:sha256:\0\x0a", b"/a\0", b""]);
        check("ima-buf sha1:0a .ima 3082", &[b"sha1:\0\x0a", b".ima\0", b"\x30\x82"]);
        check("ima-modsig sha1:0a /m   ", &[b"sha1:\0\x0a", b"/m\0", b"", b"", b""]);
        check(
            "ima-modsig sha1:0a /m  sha256:0b 30",
            &[b"sha1:\0\x0a", b"/m\0", b"", b"sha256:\0\x0b", b"\x30"],
        );
        check(
            "evm-sig sha1:0a /a b 0502 security.ima|security.selinux 0400 aabb 0 1000 33261",
            &[
                b"sha1:\0\x0a",
                b"/a b\0",
                b"\x05\x02",
                b"security.ima|security.selinux\0",
                b"\x04\0",
                b"\xaa\xbb",
                b"\0\0\0\0",
                b"\xe8\x03\0\0",
                b"\xed\x81",
            ],
        );
        check("n-ng|imode|d /a b 1 0a", &[b"/a b\0", b"\x01\0", b"\x0a"]);
        check("n|n-ng a b c", &[b"a\0", b"b c\0"]);
    }

    #[test]
    fn the_other_byte_order_and_the_old_template_differ() {
        let expected = Ok(b"\0\0\0\x02a\0\0\0\0\x02\x81\xed".to_vec());
        assert_eq!(rebuilt("n-ng|imode a 33261", ByteOrder::Big), expected);
        let digest = "0b".repeat(20);
        let expected = [&[0x0b; 20][..], &[3, 0, 0, 0], b"a b"].concat();
        assert_eq!(rebuilt(&format!("ima {digest} a b"), ByteOrder::Little), Ok(expected));
    }

    #[test]
    fn what_cannot_be_written_again_says_why() {
        let refused = |rest| rebuilt(rest, ByteOrder::Little).unwrap_err();
        assert_eq!(refused("vendor x"), RebuildError::UnknownTemplate);
        assert_eq!(refused("ima-sig sha1:0a"), RebuildError::MissingField);
        assert_eq!(refused("ima-sig sha1:0a /a"), RebuildError::MissingField);
        assert_eq!(refused("ima-ng sha1:0g /a"), RebuildError::Hex);
        assert_eq!(refused("ima-ng sha1:0ab /a"), RebuildError::Hex);
        assert_eq!(refused("imode 65536"), RebuildError::Number);
        assert_eq!(refused("imode +1"), RebuildError::Number);
        assert_eq!(refused("ima 0a /a"), RebuildError::Hex);
    }

    #[test]
    fn lines_that_are_no_records_say_where() {
        let refused = |line: &str| AsciiLine::parse(line.as_bytes(), HashAlg::Sha1).unwrap_err();
        assert_eq!(refused(" "), LineError::Empty);
        assert_eq!(refused("x"), LineError::Pcr);
        assert_eq!(refused("24 aa"), LineError::Pcr);
        assert_eq!(refused("10 aa ima"), LineError::Hash);
        assert_eq!(refused(&format!("10 {HASH}")), LineError::Hash);
        assert_eq!(refused(&format!("10 {HASH} ")), LineError::Template);
        assert_eq!(refused(&format!("10 {HASH} a\tb x")), LineError::Template);
        let line = format!(" 9 {} ima-ng", "bb".repeat(32));
        let parsed = AsciiLine::parse(line.as_bytes(), HashAlg::Sm3).unwrap();
        assert_eq!((parsed.pcr.get(), parsed.listed_hash.alg(), parsed.text), (9, HashAlg::Sm3, &b""[..]));
    }
}
