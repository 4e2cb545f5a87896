//! One record.
//!
//! In: its JSON value. Out: its register, digests and content. Members that Lydian does not know are passed over, as the
//! specification asks; those that it knows have to be as they should.

use super::CelProblem;
use super::algorithm::RecordDigests;
use crate::digest::{Digest, HashAlg};
use crate::eventlog::EventType;
use crate::json::{Decoded, Kind, Text, Value};
use crate::pcr::PcrIndex;

/// A record.
#[derive(Clone, Copy, Debug)]
pub struct CelRecord<'a> {
    /// Position in the log, from 0.
    pub number: u64,
    /// Where it starts.
    pub offset: usize,
    /// The number that the record gives itself. Not measured.
    pub recnum: Option<u64>,
    /// What it extends.
    pub register: Register,
    /// What it says of what was measured.
    pub content: Content<'a>,
    value: Value<'a>,
    digests: Value<'a>,
}

/// What a record extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// A PCR, by the number that the record gives: there may be none such.
    Pcr(u32),
    /// An NV index that is extended like a PCR, by its handle.
    Nv(u32),
}

impl Register {
    /// The PCR, if there is such a one.
    pub fn pcr(self) -> Option<PcrIndex> {
        match self {
            Self::Pcr(number) => PcrIndex::new(number).ok(),
            Self::Nv(_) => None,
        }
    }
}

/// What a record says of what was measured.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Nothing.
    None,
    /// `pcclient_std`: a firmware event.
    Firmware {
        /// Its type.
        event_type: EventType,
        /// Its data.
        data: Hex<'a>,
    },
    /// `ima_template`: a record of an IMA list.
    Ima {
        /// The template's name.
        template: Text<'a>,
        /// Its data.
        data: Hex<'a>,
    },
    /// `systemd`: what systemd says of a measurement of its own.
    Systemd(Value<'a>),
    /// `cel`: about the log itself.
    Management(Value<'a>),
    /// Another type.
    Other {
        /// Its name or number.
        content_type: Value<'a>,
        /// What it says.
        content: Option<Value<'a>>,
    },
}

impl<'a> CelRecord<'a> {
    pub(super) fn read(value: Value<'a>, number: u64) -> Result<Self, CelProblem> {
        let mut members = Members::default();
        let all = value.members().ok_or(CelProblem::Field {
            offset: value.offset(),
            field: "a record",
            expected: "has to be an object",
        })?;
        for (key, member) in all {
            members.take_in(key, member);
        }
        let missing = |field, expected| CelProblem::Field { offset: value.offset(), field, expected };
        let register = members.register()?.ok_or_else(|| missing("pcr", "or nv_index is missing"))?;
        let digests = members.digests.ok_or_else(|| missing("digests", "is missing"))?;
        RecordDigests::read(digests)?;
        let recnum = members.recnum.map(|recnum| unsigned(recnum, "recnum")).transpose()?;
        let content = members.content()?;
        Ok(Self { number, offset: value.offset(), recnum, register, content, value, digests })
    }

    /// The record's own text.
    pub const fn raw(&self) -> &'a str {
        self.value.raw()
    }

    /// The digests, of the algorithms that Lydian knows.
    pub fn digests(&self) -> RecordDigests<'a> {
        RecordDigests::known(self.digests)
    }

    /// The digest of an algorithm.
    pub fn digest(&self, alg: HashAlg) -> Option<Digest> {
        self.digests().find(|digest| digest.alg() == alg)
    }

    /// Whether the record extended its register: firmware's `EV_NO_ACTION` did not.
    pub const fn is_measured(&self) -> bool {
        !matches!(self.content, Content::Firmware { event_type: EventType::NO_ACTION, .. })
    }

    /// The digests as they stand in the record.
    pub(super) const fn raw_digests(&self) -> Value<'a> {
        self.digests
    }
}

/// The members that mean something, as they are found.
#[derive(Default)]
struct Members<'a> {
    recnum: Option<Value<'a>>,
    pcr: Option<Value<'a>>,
    nv_index: Option<Value<'a>>,
    digests: Option<Value<'a>>,
    content_type: Option<Value<'a>>,
    content: Option<Value<'a>>,
}

impl<'a> Members<'a> {
    fn take_in(&mut self, key: Text<'a>, value: Value<'a>) {
        let place = match key.decode().as_ref() {
            "recnum" => &mut self.recnum,
            "pcr" => &mut self.pcr,
            "nv_index" => &mut self.nv_index,
            "digests" => &mut self.digests,
            "content_type" => &mut self.content_type,
            "content" => &mut self.content,
            _ => return,
        };
        *place = Some(value);
    }

    fn register(&self) -> Result<Option<Register>, CelProblem> {
        let narrow = |value: Value<'_>, field| {
            let wrong = CelProblem::Field { offset: value.offset(), field, expected: "has at most 32 bits" };
            unsigned(value, field).and_then(|number| u32::try_from(number).map_err(|_| wrong))
        };
        match (self.pcr, self.nv_index) {
            (Some(pcr), None) => narrow(pcr, "pcr").map(|pcr| Some(Register::Pcr(pcr))),
            (None, Some(index)) => narrow(index, "nv_index").map(|index| Some(Register::Nv(index))),
            (None, None) => Ok(None),
            (Some(_), Some(index)) => Err(CelProblem::Field {
                offset: index.offset(),
                field: "nv_index",
                expected: "cannot stand beside pcr: a record extends one register",
            }),
        }
    }

    //= TCG CEL 1.0 §5.3, table of content types: names, or numbers where the writer was told to use them
    fn content(&self) -> Result<Content<'a>, CelProblem> {
        let Some(content_type) = self.content_type else { return Ok(Content::None) };
        let name = match content_type.kind() {
            Kind::Text(name) => match name.raw() {
                "cel" => 4,
                "pcclient_std" => 5,
                "ima_template" => 7,
                "systemd" => SYSTEMD,
                _ => 0,
            },
            Kind::Number(number) => number.unsigned().filter(|number| *number < SYSTEMD).unwrap_or_default(),
            _ => 0,
        };
        let missing = |field| CelProblem::Field {
            offset: content_type.offset(),
            field,
            expected: "is missing beside content_type",
        };
        let content = || self.content.ok_or_else(|| missing("content"));
        match name {
            4 => Ok(Content::Management(content()?)),
            5 => firmware(content()?),
            7 => {
                let content = content()?;
                let name = field(content, "template_name")?;
                let wrong = CelProblem::Field {
                    offset: name.offset(),
                    field: "template_name",
                    expected: "has to be text",
                };
                let data = Hex::read(field(content, "template_data")?, "template_data")?;
                Ok(Content::Ima { template: name.text().ok_or(wrong)?, data })
            }
            SYSTEMD => Ok(Content::Systemd(content()?)),
            _ => Ok(Content::Other { content_type, content: self.content }),
        }
    }
}

/// Behind the numbers that the specification gives out; systemd's own type has a name alone.
const SYSTEMD: u64 = 256;

fn firmware(content: Value<'_>) -> Result<Content<'_>, CelProblem> {
    let named = field(content, "event_type")?;
    let wrong = || CelProblem::Field {
        offset: named.offset(),
        field: "event_type",
        expected: "has to be the number or name of a firmware event",
    };
    let event_type = match named.kind() {
        Kind::Text(name) => event_type(&name.decode()),
        Kind::Number(number) => {
            number.unsigned().and_then(|number| u32::try_from(number).ok()).map(EventType)
        }
        _ => None,
    };
    let data = Hex::read(field(content, "event_data")?, "event_data")?;
    Ok(Content::Firmware { event_type: event_type.ok_or_else(wrong)?, data })
}

/// Names as the profile has them, in either case, and numbers as text: systemd writes `"4"` for a type without a name.
fn event_type(name: &str) -> Option<EventType> {
    if let Some(digits) = name.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok().map(EventType);
    }
    if let Ok(number) = name.parse() {
        return Some(EventType(number));
    }
    let known = (0..=0xff).chain(0x8000_0000..=0x8000_00ff).map(EventType);
    let fits = |known: &EventType| {
        let full = known.name()?;
        let short = full.strip_prefix("EV_").unwrap_or(full);
        Some(full.eq_ignore_ascii_case(name) || short.replace('_', "-").eq_ignore_ascii_case(name))
    };
    known.into_iter().find(|known| fits(known) == Some(true))
}

/// A member that has to be there.
pub(super) fn field<'a>(object: Value<'a>, name: &'static str) -> Result<Value<'a>, CelProblem> {
    let missing = CelProblem::Field { offset: object.offset(), field: name, expected: "is missing" };
    object.member(name).ok_or(missing)
}

fn unsigned(value: Value<'_>, field: &'static str) -> Result<u64, CelProblem> {
    let wrong =
        CelProblem::Field { offset: value.offset(), field, expected: "has to be an integer from 0 on" };
    value.unsigned().ok_or(wrong)
}

/// Bytes as text of hexadecimal digits, which were checked.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(Text<'a>);

impl<'a> Hex<'a> {
    pub(super) fn read(value: Value<'a>, field: &'static str) -> Result<Self, CelProblem> {
        let wrong = CelProblem::Field {
            offset: value.offset(),
            field,
            expected: "has to be text of pairs of hexadecimal digits",
        };
        let text = value.text().ok_or(wrong)?;
        // Digits need no escapes, and nobody writes them so: an escape is refused with all else.
        let digits = text.raw().as_bytes();
        if digits.len() % 2 == 0 && digits.iter().all(u8::is_ascii_hexdigit) {
            Ok(Self(text))
        } else {
            Err(wrong)
        }
    }

    /// How many bytes.
    pub const fn len(self) -> usize {
        self.0.raw().len() / 2
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0.raw().is_empty()
    }

    /// Where the digits start in the input.
    pub const fn offset(self) -> usize {
        self.0.offset()
    }

    /// The bytes.
    pub fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut digits: Decoded<'a> = self.0.bytes();
        std::iter::from_fn(move || Some(digit(digits.next()?)? << 4 | digit(digits.next()?)?))
    }

    /// The bytes, copied.
    pub fn to_vec(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        bytes.extend(self.bytes());
        bytes
    }
}
