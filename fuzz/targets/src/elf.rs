//! ELF files: a header or an error; notes lie within the file, and findings are few.

use evidence::elf::{Elf, NoteKind};
use evidence::limits::ELF_FINDINGS;

/// The target's body.
pub fn elf(bytes: &[u8]) {
    let Ok(elf) = Elf::parse(bytes) else { return };
    let _head = (elf.elf_type().to_string(), elf.machine().to_string(), elf.interpreter(), elf.build_id());
    let _names = (elf.needed().count(), elf.comments().count());
    let _sections = elf.sections().filter(|section| elf.section_name(section).is_some()).count();
    let mut size = 0;
    for note in elf.notes().filter_map(Result::ok) {
        size += 12 + note.note.name.len() + note.note.desc.len();
        if let NoteKind::Properties(properties) = note.note.kind() {
            let _flags: usize = properties.map(|property| property.flags(elf.machine()).count()).sum();
        }
    }
    assert!(size <= 2 * bytes.len(), "{size} bytes of notes in {}", bytes.len());
    let findings = elf.findings();
    assert!(findings.list.len() <= ELF_FINDINGS + 1);
    assert!(findings.list.iter().all(|finding| !finding.to_string().is_empty()));
}
