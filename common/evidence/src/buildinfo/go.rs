//! Go: version of the toolchain, main module, modules it depends on, and the commit it was built from.
//!
//! In: the section `.go.buildinfo`. Out: facts under `go.`.
//= Go 1.18 and newer, debug/buildinfo/buildinfo.go; runtime/debug/mod.go for the lines

use super::Facts;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The texts are in the section, not pointed to.
const INLINE: u8 = 2;
/// Where they start.
const TEXTS: usize = 32;
/// The marks before and behind the lines.
const MARK_BYTES: usize = 16;

pub(super) fn read(section: &[u8], facts: &mut Facts) {
    let Some(rest) = section.strip_prefix(MAGIC) else { return };
    if rest.get(1).is_none_or(|flags| flags & INLINE == 0) {
        facts.add("go.version", "before 1.18");
        return;
    }
    let Some((version, rest)) = section.get(TEXTS..).and_then(text) else { return };
    facts.add("go.version", &String::from_utf8_lossy(version));
    let Some((module, _)) = text(rest) else { return };
    // Without marks there is no module information.
    let lines = module.len().checked_sub(MARK_BYTES).and_then(|end| module.get(MARK_BYTES..end));
    let mut last = None;
    for line in lines.unwrap_or_default().split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let fields: Vec<&str> = line.splitn(5, '\t').collect();
        take(&fields, &mut last, facts);
    }
    if let Some((path, version)) = last {
        facts.add(&format!("go.dep.{path}"), &version);
    }
}

/// One line. A dependency waits for the line behind it, which may replace it.
fn take(fields: &[&str], last: &mut Option<(String, String)>, facts: &mut Facts) {
    if let (["=>", path, rest @ ..], Some((_, version))) = (fields, last.as_mut()) {
        let by = rest.first().copied().unwrap_or_default();
        let replaced = format!("{version} => {path} {by}");
        replaced.trim_end().clone_into(version);
        return;
    }
    if let Some((path, version)) = last.take() {
        facts.add(&format!("go.dep.{path}"), &version);
    }
    match fields {
        ["path", path] => facts.add("go.path", path),
        ["mod", path, rest @ ..] => {
            facts.add("go.module", path);
            facts.add("go.module.version", rest.first().copied().unwrap_or_default());
        }
        ["dep", path, rest @ ..] => {
            *last = Some(((*path).to_owned(), rest.first().copied().unwrap_or_default().to_owned()));
        }
        ["build", setting] => {
            if let Some((key, value)) = setting.split_once('=')
                && let Some(key) = key.strip_prefix("vcs.")
            {
                facts.add(&format!("go.vcs.{key}"), value);
            }
        }
        _ => {}
    }
}

/// A text behind its length.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        let shift = u32::try_from(at).ok()?.checked_mul(7)?;
        length |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return bytes.get(at + 1..)?.split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}
