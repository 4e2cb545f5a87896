//! How systemd writes bytes as text in its log: C's escapes, and a cut behind 1,024 bytes.
//!
//! In: logged text. Out: the bytes that it stands for.
//= systemd src/basic/escape.c: cescape_char; src/pcrextend/pcrextend.c: escape_and_truncate_data

/// The bytes that escaped text stands for; `None` where nothing is escaped, or not as systemd does.
pub(super) fn unescaped(text: &str) -> Option<Vec<u8>> {
    if !text.contains('\\') {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let (kind, behind) = rest.split_first()?;
        rest = behind;
        out.push(match kind {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b's' => b' ',
            b'\\' | b'"' | b'\'' => *kind,
            b'x' => number(&mut rest, 2, 16)?,
            b'0'..=b'3' => {
                let high = char::from(*kind).to_digit(8)?;
                let low = u32::from(number(&mut rest, 2, 8)?);
                u8::try_from(high << 6 | low).ok()?
            }
            _ => return None,
        });
    }
    Some(out)
}

fn number(rest: &mut &[u8], digits: usize, radix: u32) -> Option<u8> {
    let (taken, behind) = rest.split_at_checked(digits)?;
    *rest = behind;
    let value = taken.iter().try_fold(0, |value: u32, digit| {
        value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    })?;
    u8::try_from(value).ok()
}

/// Whether the text may be the beginning of longer data.
pub(super) fn may_be_cut(text: &str) -> bool {
    text.len() > CUT_BYTES && text.ends_with("...")
}

/// Shorter data is logged whole.
const CUT_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_c() {
        let check = |text: &str, expected: Option<&[u8]>| assert_eq!(unescaped(text).as_deref(), expected);
        check("plain", None);
        check(r#"a\\b\"c\'d\n\t\s"#, Some(b"a\\b\"c'd\n\t "));
        check(r"\x2d\303\244\a\b\f\r\v", Some(b"-\xc3\xa4\x07\x08\x0c\r\x0b"));
        check(r"\x2", None);
        check(r"\400", None);
        check(r"\08x", None);
        check("\\", None);
        check(r"\q", None);
    }
}
