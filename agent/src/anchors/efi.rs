//! What firmware and shim trust: `PK`, `KEK`, `db`, `dbx` and shim's lists of its machine's owner.
//!
//! In: variables as the kernel shows them. Out: a component for each list, and one for the switches. Variables that only
//! boot loaders can read are not there: `MokListRT` is shim's copy of its own. What firmware used at this boot is in its
//! log, not here.
//= Linux Documentation/filesystems/efivarfs.rst: four bytes of attributes, then the contents

use evidence::digest::Sha256Digest;
use evidence::efi::{Guid, SignatureLists};
use evidence::manifest::LIST_BYTES;
use evidence::principal::{Edge, Relation};
use rustix::io::Errno;

use super::draft::{Draft, Yield, text};
use super::look::Look;
use super::root::UnreadCause;

const VARIABLES: &str = "/sys/firmware/efi/efivars";

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let present = look.note("/sys/firmware/efi".as_ref()).is_some();
    if !present {
        return Vec::new();
    }
    if look.note(variable("SecureBoot", Guid::GLOBAL_VARIABLE).as_ref()).is_none() {
        // UEFI, but its variables are not to be had: no mount, or a kernel that was told so.
        look.unread(VARIABLES.as_ref(), UnreadCause::Refused(Errno::NOENT));
    }
    let mut drafts: Vec<Draft> = LISTS.iter().filter_map(|list| list.draft(look)).collect();
    drafts.push(switches(look));
    drafts
}

struct List {
    name: &'static str,
    owner: Guid,
    relation: Relation,
}

const fn list(name: &'static str, owner: Guid, relation: Relation) -> List {
    List { name, owner, relation }
}

const LISTS: [List; 9] = [
    list("PK", Guid::GLOBAL_VARIABLE, Relation::Trusts),
    list("KEK", Guid::GLOBAL_VARIABLE, Relation::Trusts),
    list("db", Guid::IMAGE_SECURITY, Relation::Trusts),
    list("dbx", Guid::IMAGE_SECURITY, Relation::Revokes),
    list("MokList", Guid::SHIM_LOCK, Relation::Trusts),
    list("MokListRT", Guid::SHIM_LOCK, Relation::Trusts),
    list("MokListX", Guid::SHIM_LOCK, Relation::Revokes),
    list("MokListXRT", Guid::SHIM_LOCK, Relation::Revokes),
    list("dbt", Guid::IMAGE_SECURITY, Relation::Trusts),
];

impl List {
    fn draft(&self, look: &mut Look<'_>) -> Option<Draft> {
        let found = look.read(variable(self.name, self.owner))?;
        let mut draft = Draft::store(format!("efi:{}", self.name));
        draft.add(found, |bytes| contents(bytes).map_or_else(no_attributes, |bytes| self.yielded(bytes)));
        Some(draft)
    }

    fn yielded(&self, bytes: &[u8]) -> Yield {
        let mut yielded = signature_lists(SignatureLists::new(bytes), self.relation);
        // What the firmware's log has a digest of.
        yielded.fact("contents", Sha256Digest::of(&[bytes]));
        // Firmware's own lists are in its log. Of shim's the log has the hash alone.
        if self.owner == Guid::SHIM_LOCK {
            yielded.carry(LIST_BYTES, bytes);
        }
        yielded
    }
}

/// The entries of signature lists. What has no name that edges know is counted.
pub(crate) fn signature_lists(lists: SignatureLists<'_>, relation: Relation) -> Yield {
    let (mut yielded, mut others) = (Yield::default(), 0_usize);
    for list in lists {
        let list = match list {
            Ok(list) => list,
            Err(error) => {
                yielded.fact("unparsed", error);
                break;
            }
        };
        for entry in list.entries() {
            match Edge::signature_entry(relation, &entry) {
                Some(edge) => yielded.edges.push(edge),
                None => others = others.saturating_add(1),
            }
        }
    }
    if others > 0 {
        yielded.fact("entries-of-other-kinds", others);
    }
    yielded
}

/// Switches, and shim's level of revocations.
fn switches(look: &mut Look<'_>) -> Draft {
    let mut draft = Draft::store("efi:switches");
    let names = [
        ("SecureBoot", Guid::GLOBAL_VARIABLE),
        ("SetupMode", Guid::GLOBAL_VARIABLE),
        ("AuditMode", Guid::GLOBAL_VARIABLE),
        ("DeployedMode", Guid::GLOBAL_VARIABLE),
        ("MokSBState", Guid::SHIM_LOCK),
        ("MokSBStateRT", Guid::SHIM_LOCK),
        ("MokListTrusted", Guid::SHIM_LOCK),
        ("MokListTrustedRT", Guid::SHIM_LOCK),
        ("SbatLevelRT", Guid::SHIM_LOCK),
    ];
    for (name, owner) in names {
        let Some(found) = look.read(variable(name, owner)) else { continue };
        draft.add(found, |bytes| {
            let Some(bytes) = contents(bytes) else { return no_attributes() };
            let mut yielded = Yield::default();
            match bytes {
                [byte] => yielded.fact("value", byte),
                _ => yielded.fact("value", text(bytes.trim_ascii_end())),
            }
            yielded
        });
    }
    draft
}

fn variable(name: &str, owner: Guid) -> String {
    format!("{VARIABLES}/{name}-{owner}")
}

fn contents(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(4..)
}

fn no_attributes() -> Yield {
    Yield::unparsed("shorter than its attributes")
}
