//! Makes ELF files of any width and byte order, right and wrong.

use evidence::elf::{Class, Endianness};

pub(crate) const SECTION_OF_NOTES: u32 = 7;
const PROGBITS: u32 = 1;
const STRTAB: u32 = 3;

/// A file in the making: contents, and headers that point into them.
#[derive(Clone)]
pub(crate) struct Forge {
    class: Class,
    endianness: Endianness,
    /// From the end of the header on.
    body: Vec<u8>,
    /// Type, offset, size, alignment, address.
    segments: Vec<(u32, u64, u64, u64, u64)>,
    /// Name, type, offset, size, alignment.
    sections: Vec<(u32, u32, u64, u64, u64)>,
    names: Vec<u8>,
    header_changes: Vec<(usize, Vec<u8>)>,
    sections_wanted: bool,
    counts_in_first_section: bool,
}

pub(crate) fn word(endianness: Endianness, value: u32) -> Vec<u8> {
    match endianness {
        Endianness::Little => value.to_le_bytes().to_vec(),
        Endianness::Big => value.to_be_bytes().to_vec(),
    }
}

/// A note, padded.
pub(crate) fn note(
    endianness: Endianness,
    align: usize,
    name: &[u8],
    note_type: u32,
    desc: &[u8],
) -> Vec<u8> {
    let size = |bytes: &[u8]| word(endianness, u32::try_from(bytes.len()).unwrap());
    let mut out = [size(name), size(desc), word(endianness, note_type), name.to_vec()].concat();
    out.resize(out.len().next_multiple_of(align), 0);
    out.extend_from_slice(desc);
    out.resize(out.len().next_multiple_of(align), 0);
    out
}

/// A file of `count` sections whose names all start at one long text.
pub(crate) fn many_sections(count: u32) -> Vec<u8> {
    let mut forge = Forge::new(Class::Elf64, Endianness::Little);
    forge.names.extend(std::iter::repeat_n(b'x', usize::try_from(count).unwrap() * 32));
    for _ in 0..count {
        forge.sections.push((1, SECTION_OF_NOTES, 64, 0, 4));
    }
    forge.build()
}

impl Forge {
    pub(crate) fn new(class: Class, endianness: Endianness) -> Self {
        Self {
            class,
            endianness,
            body: Vec::new(),
            segments: Vec::new(),
            sections: vec![(0, 0, 0, 0, 0)],
            names: vec![0],
            header_changes: Vec::new(),
            sections_wanted: true,
            counts_in_first_section: false,
        }
    }

    fn header_size(&self) -> usize {
        if self.class == Class::Elf64 { 64 } else { 52 }
    }

    fn put(&mut self, bytes: &[u8]) -> (u64, u64) {
        self.body.resize(self.body.len().next_multiple_of(8), 0);
        let offset = self.header_size() + self.body.len();
        self.body.extend_from_slice(bytes);
        (u64::try_from(offset).unwrap(), u64::try_from(bytes.len()).unwrap())
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        let at = u32::try_from(self.names.len()).unwrap();
        self.names.extend_from_slice(name);
        self.names.push(0);
        at
    }

    pub(crate) fn section(&mut self, name: &[u8], section_type: u32, bytes: &[u8]) {
        let (name, (offset, size)) = (self.name(name), self.put(bytes));
        self.sections.push((name, section_type, offset, size, 1));
    }

    /// A note section, and a segment of the same bytes.
    pub(crate) fn notes(&mut self, name: &[u8], align: u64, bytes: &[u8], as_segment: bool) {
        let (name, (offset, size)) = (self.name(name), self.put(bytes));
        self.sections.push((name, SECTION_OF_NOTES, offset, size, align));
        if as_segment {
            self.segments.push((4, offset, size, align, 0));
        }
    }

    pub(crate) fn interpreter(&mut self, path: &[u8]) {
        let (offset, size) = self.put(path);
        self.segments.push((3, offset, size, 1, 0));
    }

    /// A dynamic segment that asks for these libraries, with its strings in a mapped segment.
    pub(crate) fn needed(&mut self, names: &[&[u8]]) {
        let mut strings = vec![0];
        let mut entries = Vec::new();
        for name in names {
            entries.push((1, u64::try_from(strings.len()).unwrap()));
            strings.extend_from_slice(name);
            strings.push(0);
        }
        let (offset, size) = self.put(&strings);
        self.segments.push((1, offset, size, 4096, 0x10_0000));
        entries.extend([(5, 0x10_0000), (0, 0)]);
        let bytes: Vec<u8> = entries
            .into_iter()
            .flat_map(|(tag, value)| [self.wide(tag), self.wide(value)].concat())
            .collect();
        let (offset, size) = self.put(&bytes);
        self.segments.push((2, offset, size, 8, 0));
    }

    /// A segment header that points anywhere.
    pub(crate) fn segment(&mut self, segment_type: u32, offset: u64, size: u64) {
        self.segments.push((segment_type, offset, size, 4, 0));
    }

    /// A section header that points anywhere.
    pub(crate) fn raw_section(&mut self, section_type: u32, offset: u64, size: u64) {
        self.sections.push((0, section_type, offset, size, 4));
    }

    /// Overwrites bytes of the header.
    pub(crate) fn header(&mut self, at: usize, bytes: &[u8]) {
        self.header_changes.push((at, bytes.to_vec()));
    }

    pub(crate) fn without_sections(&mut self) {
        self.sections_wanted = false;
    }

    pub(crate) fn counts_in_first_section(&mut self) {
        self.counts_in_first_section = true;
    }

    fn half(&self, value: usize) -> Vec<u8> {
        let value = u16::try_from(value).unwrap();
        match self.endianness {
            Endianness::Little => value.to_le_bytes().to_vec(),
            Endianness::Big => value.to_be_bytes().to_vec(),
        }
    }

    fn wide(&self, value: u64) -> Vec<u8> {
        match (self.class, self.endianness) {
            // Offsets that mean "anywhere" are cut to the class.
            (Class::Elf32, _) => word(self.endianness, u32::try_from(value & 0xffff_ffff).unwrap()),
            (Class::Elf64, Endianness::Little) => value.to_le_bytes().to_vec(),
            (Class::Elf64, Endianness::Big) => value.to_be_bytes().to_vec(),
        }
    }

    pub(crate) fn build(mut self) -> Vec<u8> {
        let names = self.name(b".shstrtab");
        let strings = self.names.clone();
        let (offset, size) = self.put(&strings);
        self.sections.push((names, STRTAB, offset, size, 1));
        if self.counts_in_first_section {
            self.sections[0].3 = u64::try_from(self.sections.len()).unwrap();
        }
        let word = |value| word(self.endianness, value);
        let mut segments = Vec::new();
        for (segment_type, offset, size, align, address) in &self.segments {
            let wide = |value: &u64| self.wide(*value);
            segments.extend(match self.class {
                Class::Elf32 => [
                    word(*segment_type),
                    wide(offset),
                    wide(address),
                    wide(address),
                    wide(size),
                    wide(size),
                    word(4),
                    wide(align),
                ],
                Class::Elf64 => [
                    word(*segment_type),
                    word(4),
                    wide(offset),
                    wide(address),
                    wide(address),
                    wide(size),
                    wide(size),
                    wide(align),
                ],
            });
        }
        let segments = segments.concat();
        let mut sections = Vec::new();
        for (number, (name, section_type, offset, size, align)) in self.sections.iter().enumerate() {
            let first = self.counts_in_first_section && number == 0;
            let link = if first { self.sections.len() - 1 } else { 0 };
            let info = if first { self.segments.len() } else { 0 };
            let number = |value: usize| word(u32::try_from(value).unwrap());
            sections.extend([word(*name), word(*section_type), self.wide(0), self.wide(0)]);
            sections.extend([self.wide(*offset), self.wide(*size), number(link), number(info)]);
            sections.extend([self.wide(*align), self.wide(0)]);
        }
        let sections = sections.concat();
        let (segments_at, _) = self.put(&segments);
        let sections_at = if self.sections_wanted { self.put(&sections).0 } else { 0 };
        let mut out = self.build_header(segments_at, sections_at);
        for (at, bytes) in &self.header_changes {
            out[*at..*at + bytes.len()].copy_from_slice(bytes);
        }
        out.extend_from_slice(&self.body);
        out
    }

    fn build_header(&self, segments_at: u64, sections_at: u64) -> Vec<u8> {
        let wide = self.class == Class::Elf64;
        let ident = [
            0x7f,
            b'E',
            b'L',
            b'F',
            if wide { 2 } else { 1 },
            if self.endianness == Endianness::Little { 1 } else { 2 },
            1,
        ];
        let mut out = ident.to_vec();
        out.resize(16, 0);
        let elsewhere = self.counts_in_first_section;
        let (segments, sections, names) = match (self.sections_wanted, elsewhere) {
            (false, _) => (self.segments.len(), 0, 0),
            (true, false) => (self.segments.len(), self.sections.len(), self.sections.len() - 1),
            (true, true) => (0xffff, 0, 0xffff),
        };
        out.extend([self.half(3), self.half(62), word(self.endianness, 1)].concat());
        out.extend([self.wide(0), self.wide(segments_at), self.wide(sections_at)].concat());
        out.extend([word(self.endianness, 0), self.half(self.header_size())].concat());
        out.extend([self.half(if wide { 56 } else { 32 }), self.half(segments)].concat());
        out.extend([self.half(if wide { 64 } else { 40 }), self.half(sections), self.half(names)].concat());
        out
    }
}

impl Forge {
    /// The type of a section with plain contents.
    pub(crate) const PROGBITS: u32 = PROGBITS;
}
