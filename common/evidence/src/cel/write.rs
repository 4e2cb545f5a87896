//! Writes firmware events, IMA records and systemd's records as a canonical event log.
//!
//! In: parsed records. Out: CEL-JSON, numbered from 0 across all of them. A firmware event that extends nothing is written
//! too, with the register as logged: `StartupLocality` is one. An IMA record gets the digests that a kernel extends.

use super::record::{CelRecord, Content};
use crate::digest::{Digest, HashAlg};
use crate::eventlog::Event;
use crate::ima::ImaRecord;
use crate::json::Writer;

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// An array, one record a line.
    Array,
    /// A JSON text sequence, as systemd writes.
    Sequence,
}

/// A log that is being written.
#[derive(Clone, Debug)]
pub struct CelWriter {
    out: Writer,
    layout: Layout,
    recnum: u64,
    text: String,
}

impl CelWriter {
    /// A log without records.
    pub fn new(layout: Layout) -> Self {
        let text = match layout {
            Layout::Array => "[".to_owned(),
            Layout::Sequence => String::new(),
        };
        Self { out: Writer::new(), layout, recnum: 0, text }
    }

    /// A firmware event.
    pub fn firmware(&mut self, event: &Event<'_>) {
        self.record(|w| {
            w.key("pcr").unsigned(event.register.into());
            digests(w, event.digests());
            w.key("content_type").text("pcclient_std").key("content").object(|w| {
                w.key("event_type").unsigned(event.event_type.0.into());
                w.key("event_data").hex(event.data);
            });
        });
    }

    /// An IMA record, with its digests in these banks; one that cannot be computed is left out.
    pub fn ima(&mut self, record: &ImaRecord<'_>, banks: &[HashAlg]) {
        self.record(|w| {
            w.key("pcr").unsigned(record.pcr.get().into());
            digests(w, banks.iter().filter_map(|bank| record.template_hash(*bank)));
            w.key("content_type").text("ima_template").key("content").object(|w| {
                w.key("template_name").text(record.template);
                w.key("template_data").hex(record.data);
            });
        });
    }

    /// A record of another canonical log, systemd's own above all: everything but its number.
    pub fn canonical(&mut self, record: &CelRecord<'_>) {
        self.record(|w| {
            match record.register {
                super::Register::Pcr(pcr) => w.key("pcr").unsigned(pcr.into()),
                super::Register::Nv(index) => w.key("nv_index").unsigned(index.into()),
            };
            w.key("digests").value(record.raw_digests());
            match record.content {
                Content::None => {}
                Content::Firmware { event_type, data } => {
                    w.key("content_type").text("pcclient_std").key("content").object(|w| {
                        w.key("event_type").unsigned(event_type.0.into());
                        w.key("event_data").hex(&data.to_vec());
                    });
                }
                Content::Ima { template, data } => {
                    w.key("content_type").text("ima_template").key("content").object(|w| {
                        w.key("template_name").text(&template.decode());
                        w.key("template_data").hex(&data.to_vec());
                    });
                }
                Content::Systemd(content) => {
                    w.key("content_type").text("systemd").key("content").value(content);
                }
                Content::Management(content) => {
                    w.key("content_type").text("cel").key("content").value(content);
                }
                Content::Other { content_type, content } => {
                    w.key("content_type").value(content_type);
                    if let Some(content) = content {
                        w.key("content").value(content);
                    }
                }
            }
        });
    }

    /// What is written so far, which is taken out.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// What is left, and the log's end.
    pub fn finish(mut self) -> String {
        if self.layout == Layout::Array {
            self.text.push_str("\n]\n");
        }
        self.text
    }

    fn record(&mut self, fill: impl FnOnce(&mut Writer)) {
        let recnum = self.recnum;
        self.out.object(|w| {
            w.key("recnum").unsigned(recnum);
            fill(w);
        });
        let before = match (self.layout, recnum) {
            (Layout::Array, 0) => "\n",
            (Layout::Array, _) => ",\n",
            (Layout::Sequence, _) => "\u{1e}",
        };
        self.text.push_str(before);
        self.text.push_str(&self.out.take());
        if self.layout == Layout::Sequence {
            self.text.push('\n');
        }
        self.recnum = recnum.saturating_add(1);
    }
}

fn digests(w: &mut Writer, digests: impl Iterator<Item = Digest>) {
    w.key("digests").array(|w| {
        for digest in digests {
            w.object(|w| {
                w.key("hashAlg").text(digest.alg().name());
                w.key("digest").hex(digest.as_bytes());
            });
        }
    });
}
