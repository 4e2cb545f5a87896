//! Templates: which fields each has, and how the kernel writes a field in a text list.
//!
//! In: a template's name or format. Out: its fields in order. A name that is not here may still be a template of another
//! kernel: its data replays, its fields stay raw.
//= Linux Documentation/security/IMA-templates.rst

/// The template of the first kernels with IMA, which has no lengths in its data.
pub(super) const LEGACY: &str = "ima";

/// The format of a template; custom ones have theirs for a name.
pub(super) fn format_of(template: &str) -> Option<&str> {
    let named = match template {
        LEGACY => Some("d|n"),
        "ima-ng" => Some("d-ng|n-ng"),
        "ima-sig" => Some("d-ng|n-ng|sig"),
        "ima-ngv2" => Some("d-ngv2|n-ng"),
        "ima-sigv2" => Some("d-ngv2|n-ng|sig"),
        "ima-buf" => Some("d-ng|n-ng|buf"),
        "ima-modsig" => Some("d-ng|n-ng|sig|d-modsig|modsig"),
        "evm-sig" => Some("d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"),
        _ => None,
    };
    named.or_else(|| template.split('|').all(|id| text_form(id).is_some()).then_some(template))
}

/// How a text list shows a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// Hexadecimal.
    Hex,
    /// `sha256:` and hexadecimal, for the algorithm, a colon, NUL and the hash.
    Digest,
    /// Characters as they are, which are followed by NUL in the data; where `or_nothing`, no data has no NUL.
    Text {
        /// Whether the field may be without data.
        or_nothing: bool,
    },
    /// A decimal number of this many bytes.
    Number(usize),
}

//= Linux security/integrity/ima/ima_template.c: supported_fields
//= Linux security/integrity/ima/ima_template_lib.c: ima_show_template_data_ascii
pub(super) fn text_form(id: &str) -> Option<TextForm> {
    Some(match id {
        "d" | "sig" | "buf" | "modsig" | "evmsig" | "xattrlengths" | "xattrvalues" => TextForm::Hex,
        "d-ng" | "d-ngv2" | "d-modsig" => TextForm::Digest,
        "n" | "n-ng" => TextForm::Text { or_nothing: false },
        "xattrnames" => TextForm::Text { or_nothing: true },
        "iuid" | "igid" => TextForm::Number(4),
        "imode" => TextForm::Number(2),
        _ => return None,
    })
}
