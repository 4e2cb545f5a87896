//! What was run that no record of the kernel's tells: programs that the agent saw start, and what boot loaders read to run it.
//!
//! In: the body, and the firmware log. Out: programs of the state by their place in it; contents by their SHA-256, with names that nothing vouches for but where they
//! are sections of a unified kernel image.

use appraisal::verify::{PcrStanding, VerifiedFirmwareLog, VerifiedLog};
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::eventlog::{DigestCheck, IplKind, Payload};
use evidence::pcr::PcrIndex;

use super::Executed;
use crate::role::Class;

/// A program of the state that the agent saw opened to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ran {
    /// The component that it is of.
    pub component: Sha256Digest,
    /// Which of its entries.
    pub entry: u32,
}

/// Programs of the state that the agent saw start: the body names them by where they stand in it.
pub(super) fn ran(log: &VerifiedLog<'_>) -> Vec<Ran> {
    let components = log.next_state().components();
    let place = |execution: &evidence::body::Execution| {
        let component = components.get(usize::try_from(execution.component).ok()?)?;
        Some(Ran { component: *component, entry: execution.entry })
    };
    log.body().executions.iter().filter_map(place).collect()
}

/// Contents that boot loaders read to run them: what GRUB read, the initrd that the kernel's EFI stub was given, the parts of a unified kernel image. Neither
/// paths nor names of GRUB's are measured. In a bank other than SHA-256 they have no name that files have.
pub(super) fn loaded(firmware: &VerifiedFirmwareLog<'_>) -> Vec<Executed> {
    let bank = firmware.bank();
    if bank != HashAlg::Sha256 {
        return Vec::new();
    }
    let proves = |pcr: PcrIndex| firmware.standing(pcr).is_some_and(PcrStanding::proves_firmware);
    let (files, parts) = (proves(PcrIndex::LOADED), proves(PcrIndex::UNIFIED_IMAGE));
    let (mut found, mut section) = (Vec::new(), None);
    for event in firmware.log().events() {
        let pcr = event.pcr();
        let is_part = parts && pcr == Some(PcrIndex::UNIFIED_IMAGE);
        let is_file = files && pcr == Some(PcrIndex::LOADED);
        if !is_part && !is_file {
            continue;
        }
        let text = match event.payload() {
            Ok(Payload::Ipl(ipl)) => Some((ipl.kind, ipl.text.to_string())),
            Ok(Payload::Tagged(tagged)) => {
                let initrd = tagged.meaning().filter(|meaning| meaning.contains("initrd"));
                initrd.map(|meaning| (IplKind::Other, meaning.to_owned()))
            }
            _ => None,
        };
        if event.digest_check(bank) == DigestCheck::Verified {
            // The name of a section stands before its contents, and both are measured in this order.
            section = text.filter(|(kind, _)| *kind == IplKind::UkiSection).map(|(_, name)| name);
            continue;
        }
        let name = if is_part { section.take() } else { text.map(|(_, path)| path) };
        let digest = event.digest(bank).and_then(|digest| Sha256Digest::from_slice(digest.as_bytes()).ok());
        let is_run = name.as_deref().is_some_and(if is_part { is_code } else { is_no_data });
        if let (Some(digest), Some(name), true) = (digest, name, is_run) {
            found.push(Executed { digest, path: name.into_bytes(), class: Class::B });
        }
    }
    found
}

/// Sections that are run, or unpacked to be run from.
//= UAPI.5 Unified Kernel Image: .linux, .initrd, .ucode, .efifw
fn is_code(section: &str) -> bool {
    [".linux", ".initrd", ".ucode", ".efifw"].contains(&section)
}

/// Files of GRUB that are but shown or looked up are not run; its modules and scripts are.
fn is_no_data(path: &str) -> bool {
    const DATA: [&str; 8] = ["grubenv", ".pf2", ".lst", ".mo", ".png", ".tga", ".jpg", ".txt"];
    !DATA.iter().any(|end| path.trim_end_matches('\0').ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grub_shows_is_not_run() {
        assert!(is_no_data("/boot/vmlinuz-6.1") && is_no_data("/grub/grub.cfg"));
        assert!(!is_no_data("/grub/fonts/unicode.pf2\0") && !is_no_data("(hd0)/grubenv"));
        assert!(is_code(".linux") && !is_code(".osrel"));
    }
}
