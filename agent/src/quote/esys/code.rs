//! The TPM library's errors, sorted by what can be done about them.
//!
//! In: an error of `tss-esapi`. Out: a [`TpmError`], and whether the same command may simply be sent again or needs
//! room in the TPM first. The code's layer tells who speaks: the TPM, a resource manager, or the way to them.

use tss_esapi::constants::response_code::Tss2ResponseCode;

use crate::quote::TpmError;

/// What may help against a refused command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Send it again in a moment.
    Again,
    /// Send it again when objects and sessions have been flushed.
    Room,
    /// Connect anew.
    Reconnect,
    /// Nothing.
    None,
}

/// The error of a command, for `map_err`.
pub(super) fn of(command: &'static str) -> impl Fn(tss_esapi::Error) -> TpmError {
    move |error| match error {
        tss_esapi::Error::Tss2Error(response) => of_code(command, raw(response), &response.to_string()),
        tss_esapi::Error::WrapperError(_) => {
            TpmError::Inconsistent { what: "a value of the TPM's is not one that its library knows" }
        }
    }
}

fn of_code(command: &'static str, code: u32, words: &str) -> TpmError {
    match layer(code) {
        LAYER_TCTI => TpmError::NotReachable { reason: format!("{command}: {}", tcti_words(code)) },
        LAYER_ESYS | LAYER_SYS if code & 0xffff == BASE_IO => {
            TpmError::NotReachable { reason: format!("{command}: input or output failed") }
        }
        _ => TpmError::Refused { command, code, reason: words.to_owned() },
    }
}

/// What may help against an error.
pub(super) fn remedy(error: &TpmError) -> Remedy {
    match error {
        TpmError::NotReachable { .. } => Remedy::Reconnect,
        TpmError::Refused { code, .. } if from_tpm(*code) => match code & 0xffff {
            //= TPM 2.0 Library Part 2 §6.6.3: TPM_RC_YIELDED, TPM_RC_TESTING, TPM_RC_NV_RATE, TPM_RC_RETRY
            0x908 | 0x90a | 0x920 | 0x922 => Remedy::Again,
            //= TPM 2.0 Library Part 2 §6.6.3: TPM_RC_CONTEXT_GAP, _OBJECT_MEMORY, _SESSION_MEMORY, _MEMORY,
            //= _SESSION_HANDLES, _OBJECT_HANDLES
            0x901..=0x906 => Remedy::Room,
            _ => Remedy::None,
        },
        _ => Remedy::None,
    }
}

/// Whether the TPM said that there is nothing at a handle.
pub(super) fn is_absent(error: &TpmError) -> bool {
    //= TPM 2.0 Library Part 2 §6.6.3: TPM_RC_HANDLE, with the number of the handle in bits 8 to 11
    matches!(error, TpmError::Refused { code, .. } if from_tpm(*code) && code & 0xc0ff == FORMAT_ONE_HANDLE)
}

/// The TPM's own codes come with its layer, or through a resource manager.
const fn from_tpm(code: u32) -> bool {
    matches!(layer(code), LAYER_TPM | LAYER_RESMGR | LAYER_TPM_RM)
}

const fn layer(code: u32) -> u32 {
    (code >> 16) & 0xff
}

/// The number of a response code, which the library shows in its text form alone.
fn raw(response: Tss2ResponseCode) -> u32 {
    let text = match response {
        Tss2ResponseCode::Success => return 0,
        Tss2ResponseCode::FormatZero(code) => code.to_string(),
        Tss2ResponseCode::FormatOne(code) => code.to_string(),
    };
    text.rsplit_once("0x").and_then(|(_, hex)| u32::from_str_radix(hex, 16).ok()).unwrap_or(0)
}

fn tcti_words(code: u32) -> String {
    match code & 0xffff {
        BASE_IO => "input or output failed".to_owned(),
        0xd => "no such address, or no permission to use it".to_owned(),
        other => format!("TCTI error {other:#x}"),
    }
}

const LAYER_TPM: u32 = 0;
const LAYER_ESYS: u32 = 7;
const LAYER_SYS: u32 = 8;
const LAYER_TCTI: u32 = 10;
const LAYER_RESMGR: u32 = 11;
const LAYER_TPM_RM: u32 = 12;
const BASE_IO: u32 = 0xa;
const FORMAT_ONE_HANDLE: u32 = 0x8b;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u32, expected: Remedy) {
        let error = of("TPM2_Test")(tss_esapi::Error::Tss2Error(code.into()));
        assert_eq!(remedy(&error), expected, "{code:#x}: {error}");
    }

    #[test]
    fn codes_are_sorted_by_remedy() {
        check(0x922, Remedy::Again);
        check(0x908, Remedy::Again);
        check(0x90a, Remedy::Again);
        check(0xc_0922, Remedy::Again);
        check(0x902, Remedy::Room);
        check(0x903, Remedy::Room);
        check(0xb_0902, Remedy::Room);
        check(0xa_000a, Remedy::Reconnect);
        check(0x7_000a, Remedy::Reconnect);
        check(0x7_0001, Remedy::None);
        check(0x18b, Remedy::None);
    }

    #[test]
    fn an_empty_handle_is_told_from_other_errors() {
        let error = |code: u32| of("TPM2_ReadPublic")(tss_esapi::Error::Tss2Error(code.into()));
        assert!(is_absent(&error(0x18b)), "TPM_RC_HANDLE, first handle");
        assert!(is_absent(&error(0x28b)), "TPM_RC_HANDLE, second handle");
        assert!(!is_absent(&error(0x184)), "TPM_RC_VALUE");
        assert!(!is_absent(&error(0x922)), "TPM_RC_RETRY");
    }
}
