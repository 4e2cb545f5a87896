//! Programs that hosts started, and that are no file of theirs.
//!
//! In: boots with the programs that they started, by their hashes. Out: times for which it is not known who signed what a host had started: a hash does not tell,
//! and what another host's agent says of a file with this hash is its word, which an intruder may be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use inquiry::role::Source;
use roaring::RoaringBitmap;

use super::doubts::{FoundGap, boots};
use crate::sql::{self, Connection};
use crate::store::StoreError;
use crate::store::directory::Directory;
use crate::store::host_sets::Held;

/// What of a program's file a host's agent must have told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needed {
    /// That it has it.
    File,
    /// All of its signatures.
    Signatures,
}

/// When hosts had booted by programs of whose files their agents did not tell so much, but for what was over before.
pub(super) async fn unresolved(
    reading: &mut Connection<'_>,
    directory: &Directory,
    needed: Needed,
    since: i64,
) -> Result<Vec<FoundGap>, StoreError> {
    let size = directory.log_size();
    let started: Vec<(i64, i64)> = sql::query_as(
        "SELECT DISTINCT profile_id, principal_id FROM boot_principal WHERE role = 3 ORDER BY 1, 2",
    )
    .fetch_all(&mut *reading)
    .await?;
    let owners = owners(reading, directory, &started, needed).await?;
    let mut profiles: Vec<i64> = started.iter().map(|(profile, _)| *profile).collect();
    profiles.dedup();
    let booted = directory.sets().each(reading, (Held::Profiles, &profiles), size).await?;
    let mut strangers: BTreeMap<i64, RoaringBitmap> = BTreeMap::new();
    for of_one in started.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((profile, _)) = of_one.first() else { continue };
        let Some(booted) = booted.get(profile) else { continue };
        let owned = of_one.iter().filter_map(|(_, image)| owners.get(image));
        let hosts = &**booted - owned.fold((**booted).clone(), |owned, owners| owned & owners);
        if !hosts.is_empty() {
            strangers.insert(*profile, hosts);
        }
    }
    let cause: Arc<str> = Arc::from("image-unresolved");
    let doubtful = strangers.keys().map(|profile| (*profile, Arc::clone(&cause))).collect();
    let is_stranger = |profile: i64, host: i64| {
        let hosts = strangers.get(&profile);
        hosts.zip(u32::try_from(host).ok()).is_some_and(|(hosts, host)| hosts.contains(host))
    };
    let found = boots(reading, &doubtful, since).await?;
    let gaps = found.into_iter().filter(|(profile, gap)| is_stranger(*profile, gap.host));
    Ok(gaps.map(|(_, gap)| FoundGap { source: Source::Boot, ..gap }).collect())
}

/// Of each program that was started the hosts whose own agents ever told so much of a file of it.
async fn owners(
    reading: &mut Connection<'_>,
    directory: &Directory,
    started: &[(i64, i64)],
    needed: Needed,
) -> Result<BTreeMap<i64, RoaringBitmap>, StoreError> {
    let mut files: BTreeMap<i64, Vec<i64>> = started.iter().map(|(_, image)| (*image, Vec::new())).collect();
    let known: Vec<(i64, i64, bool)> = sql::query_as(
        "SELECT DISTINCT principal_id, component_id, whole <> 0 FROM component_image ORDER BY 1, 2",
    )
    .fetch_all(&mut *reading)
    .await?;
    for (image, component, whole) in known {
        if let Some(components) = files.get_mut(&image).filter(|_| whole || needed == Needed::File) {
            components.push(component);
        }
    }
    let components: BTreeSet<i64> = files.values().flatten().copied().collect();
    let components: Vec<i64> = components.into_iter().collect();
    let had = directory.sets().each(reading, (Held::Components, &components), directory.log_size()).await?;
    let hosts = |components: Vec<i64>| {
        let had = components.iter().filter_map(|component| had.get(component));
        had.fold(RoaringBitmap::new(), |all, hosts| all | &**hosts)
    };
    Ok(files.into_iter().map(|(image, components)| (image, hosts(components))).collect())
}
