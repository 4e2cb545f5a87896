//! What IMA measured of device-mapper devices: tables that were loaded, devices that came and went.
//!
//! In: a measured buffer and its event's name. Out: the device, its targets, and for verity the root of its hash tree. All
//! slices are as the kernel wrote them, with `\` before its separators where they stand in a name.
//= Linux Documentation/admin-guide/device-mapper/dm-ima.rst

use super::buffer::Pairs;

/// A measured event of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmEvent<'a> {
    /// What happened.
    pub kind: DmEventKind,
    text: &'a [u8],
}

/// What happened to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmEventKind {
    /// A table was loaded; it is not active before the device is resumed.
    TableLoad,
    /// The loaded table became the active one.
    DeviceResume,
    /// The device was removed.
    DeviceRemove,
    /// The loaded table was thrown away.
    TableClear,
    /// The device was given another name or uuid.
    DeviceRename,
    /// A target changed its state: verity found a block that is not its hash's, for one.
    TargetUpdate,
}

impl DmEventKind {
    /// The kernel's name of the event, without `dm_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TableLoad => "table_load",
            Self::DeviceResume => "device_resume",
            Self::DeviceRemove => "device_remove",
            Self::TableClear => "table_clear",
            Self::DeviceRename => "device_rename",
            Self::TargetUpdate => "target_update",
        }
    }

    const ALL: [Self; 6] = [
        Self::TableLoad,
        Self::DeviceResume,
        Self::DeviceRemove,
        Self::TableClear,
        Self::DeviceRename,
        Self::TargetUpdate,
    ];
}

/// A target of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmTarget<'a> {
    text: &'a [u8],
}

/// What a verity target was set up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmVerity<'a> {
    /// The hash algorithm's name.
    pub algorithm: &'a [u8],
    /// The root of the hash tree, hexadecimal.
    pub root_digest: &'a [u8],
    /// The salt, hexadecimal.
    pub salt: &'a [u8],
    /// Whether a block was found that is not its hash's (`C`), or none was (`V`).
    pub hash_failed: &'a [u8],
}

impl<'a> DmEvent<'a> {
    pub(super) fn new(name: &[u8], text: &'a [u8]) -> Option<Self> {
        let name = name.strip_prefix(b"dm_").unwrap_or(name);
        let kind = DmEventKind::ALL.into_iter().find(|kind| kind.name().as_bytes() == name)?;
        Some(Self { kind, text })
    }

    /// The device's name.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.find(b"name")
    }

    /// The device's uuid; empty where it has none.
    pub fn uuid(&self) -> Option<&'a [u8]> {
        self.find(b"uuid")
    }

    /// The hash of the active table, as the algorithm's name, a colon and hexadecimal: the digest of the record that
    /// measured its loading.
    pub fn active_table_hash(&self) -> Option<&'a [u8]> {
        self.find(b"active_table_hash")
    }

    /// The first value with this key that is of the device, not of a target.
    pub fn find(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.groups().filter(|group| !is_target(group)).find_map(|group| {
            let prefix = METADATA.iter().find_map(|prefix| group.strip_prefix(*prefix));
            Pairs::new(prefix.unwrap_or(group), b',').find(key)
        })
    }

    /// The targets of the table.
    pub fn targets(&self) -> impl Iterator<Item = DmTarget<'a>> {
        self.groups().filter(|group| is_target(group)).map(|text| DmTarget { text })
    }

    /// What stands between semicolons. The kernel leaves zeros in a text that it cut short.
    fn groups(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut parts = Pairs::new(self.text, b';');
        std::iter::from_fn(move || parts.next_part()).map(|group| {
            let zeros = group.iter().take_while(|byte| **byte == 0).count();
            group.get(zeros..).unwrap_or_default()
        })
    }
}

fn is_target(group: &[u8]) -> bool {
    group.starts_with(b"target_index=")
}

/// What stands before a device's description in events that tell of both tables.
const METADATA: [&[u8]; 2] = [b"device_active_metadata=", b"device_inactive_metadata="];

impl<'a> DmTarget<'a> {
    /// The target's kind: `verity`, `crypt`, `linear`.
    pub fn kind(&self) -> Option<&'a [u8]> {
        self.find(b"target_name")
    }

    /// The first value with this key.
    pub fn find(&self, key: &[u8]) -> Option<&'a [u8]> {
        Pairs::new(self.text, b',').find(key)
    }

    /// What is verified by it, where it is a verity target.
    pub fn verity(&self) -> Option<DmVerity<'a>> {
        if self.kind()? != b"verity" {
            return None;
        }
        Some(DmVerity {
            algorithm: self.find(b"verity_algorithm")?,
            root_digest: self.find(b"root_digest")?,
            salt: self.find(b"salt")?,
            hash_failed: self.find(b"hash_failed")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event<'a>(name: &str, text: &'a str) -> DmEvent<'a> {
        DmEvent::new(name.as_bytes(), text.as_bytes()).unwrap()
    }

    #[test]
    fn a_verity_table_names_its_root() {
        let event = event(
            "dm_table_load",
            "dm_version=4.45.0;name=root\\,a,uuid=U-1,major=253,minor=0,minor_count=1,num_targets=2;\
             target_index=0,target_begin=0,target_len=8,target_name=linear,device_name=7:1,start=0;\
             target_index=1,target_begin=8,target_len=8,target_name=verity,hash_failed=V,\
             verity_algorithm=sha256,root_digest=0a,salt=0b,ignore_zero_blocks=n;",
        );
        assert_eq!((event.name(), event.uuid()), (Some(&b"root\\,a"[..]), Some(&b"U-1"[..])));
        let kinds: Vec<_> = event.targets().map(|target| target.kind().unwrap()).collect();
        assert_eq!(kinds, [&b"linear"[..], b"verity"]);
        let roots: Vec<_> = event.targets().filter_map(|target| Some(target.verity()?.root_digest)).collect();
        assert_eq!(roots, [b"0a"]);
        assert_eq!(event.find(b"target_name"), None, "a target's value is not the device's");
    }

    #[test]
    fn other_events_name_their_device() {
        let resumed = event("device_resume", "name=a,uuid=;active_table_hash=sha256:0a;");
        assert_eq!((resumed.name(), resumed.uuid()), (Some(&b"a"[..]), Some(&b""[..])));
        assert_eq!(resumed.active_table_hash(), Some(&b"sha256:0a"[..]));
        let removed = event("dm_device_remove", "dm_version=4;device_active_metadata=name=b,uuid=u;");
        assert_eq!(removed.name(), Some(&b"b"[..]));
        let cleared = event("dm_table_clear", "name=c;\0\0\0current_device_capacity=8;");
        assert_eq!(cleared.find(b"current_device_capacity"), Some(&b"8"[..]));
        assert_eq!(DmEvent::new(b"dm_other", b"name=a"), None);
        assert_eq!(event("dm_table_load", "").name(), None);
    }
}
