//! Which artefacts came, went or changed when components did.
//!
//! In: components that went and that came. Out: changes by path, where the manifests are known. A component that went
//! and one that came with the same kind and name are one component before and after. Derived when asked for, so
//! that a manifest which came later counts.

use std::collections::BTreeMap;

use evidence::body::Body;
use evidence::digest::Sha256Digest;
use evidence::manifest::{Entry, Manifest};
use wire::operator::{Change, StrayView};

use crate::limits::{CHANGES_SHOWN, COMPONENTS_DIFFED};
use crate::sql;
use crate::store::{Store, StoreError};

/// The changes between components that went and components that came; capped.
pub(crate) async fn between(
    store: &Store,
    removed: &[Sha256Digest],
    added: &[Sha256Digest],
) -> Result<Vec<Change>, StoreError> {
    if removed.len() + added.len() > COMPONENTS_DIFFED {
        return Ok(Vec::new());
    }
    let (before, after) = (manifests(store, removed).await?, manifests(store, added).await?);
    let mut changes = diff(&before, &after);
    changes.truncate(CHANGES_SHOWN);
    Ok(changes)
}

async fn manifests(store: &Store, digests: &[Sha256Digest]) -> Result<Vec<Manifest>, StoreError> {
    let mut known = Vec::new();
    for digest in digests {
        let blob: Option<Option<Vec<u8>>> =
            sql::query_scalar("SELECT manifest FROM component WHERE digest = ?")
                .bind(digest.as_bytes().as_slice())
                .fetch_optional(store.readers())
                .await?;
        let Some(blob) = blob.flatten() else { continue };
        let blob = Sha256Digest::from_slice(&blob)
            .map_err(|_| StoreError::Damaged { what: "a manifest's digest" })?;
        let bytes = store.blob(&blob).await?.ok_or(StoreError::Damaged { what: "a manifest is missing" })?;
        known.push(Manifest::decode(&bytes).map_err(|_| StoreError::Damaged { what: "a manifest" })?);
    }
    Ok(known)
}

fn diff(before: &[Manifest], after: &[Manifest]) -> Vec<Change> {
    let key = |manifest: &Manifest| {
        (manifest.kind(), manifest.name().to_owned(), manifest.architecture().to_owned())
    };
    let mut pairs: BTreeMap<_, (Option<&Manifest>, Option<&Manifest>)> = BTreeMap::new();
    for manifest in before {
        pairs.entry(key(manifest)).or_default().0 = Some(manifest);
    }
    for manifest in after {
        pairs.entry(key(manifest)).or_default().1 = Some(manifest);
    }
    pairs.into_values().flat_map(|(before, after)| diff_component(before, after)).collect()
}

fn diff_component(before: Option<&Manifest>, after: Option<&Manifest>) -> Vec<Change> {
    let entries = |manifest: Option<&Manifest>| -> BTreeMap<Vec<u8>, Entry> {
        let entries = manifest.map(Manifest::entries).unwrap_or_default();
        entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect()
    };
    let component = label(before, after);
    let (old, mut new) = (entries(before), entries(after));
    let mut changes = Vec::new();
    for (path, before) in old {
        match new.remove(&path) {
            None => changes.push(change("removed", &path, &component, Some(&before), None)),
            // Same content with another mode or another flag is a change as well: set-user-id, for one.
            Some(after) if after != before => {
                changes.push(change("changed", &path, &component, Some(&before), Some(&after)));
            }
            Some(_) => {}
        }
    }
    changes.extend(new.iter().map(|(path, after)| change("added", path, &component, None, Some(after))));
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// Name and version, and both versions where the version changed.
fn label(before: Option<&Manifest>, after: Option<&Manifest>) -> String {
    let name = after.or(before).map(Manifest::name).unwrap_or_default();
    let versions = (before.map_or("", Manifest::version), after.map_or("", Manifest::version));
    match versions {
        ("", "") => name.to_owned(),
        (version, "") | ("", version) => format!("{name} {version}"),
        (old, new) if old == new => format!("{name} {new}"),
        (old, new) => format!("{name} {old} → {new}"),
    }
}

fn change(
    action: &str,
    path: &[u8],
    component: &str,
    before: Option<&Entry>,
    after: Option<&Entry>,
) -> Change {
    let digest = |entry: Option<&Entry>| entry.map(|entry| entry.digest.to_string());
    Change {
        action: action.to_owned(),
        path: printable(path),
        component: component.to_owned(),
        before: digest(before),
        after: digest(after),
    }
}

/// Programs outside the state that a body tells of; capped.
pub(crate) fn strays(body: &Body) -> Vec<StrayView> {
    let views = body.strays.iter().take(CHANGES_SHOWN).map(|stray| StrayView {
        path: printable(&stray.path),
        digest: stray.digest.as_ref().map(ToString::to_string),
        count: stray.count,
    });
    views.collect()
}

/// A path as text: what is not UTF-8 or not printable is escaped, so that it can neither deceive nor disturb.
fn printable(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '\\' {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        text.extend(
            chunk.invalid().iter().flat_map(|byte| format!("\\x{byte:02x}").into_bytes()).map(char::from),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use evidence::manifest::{ComponentKind, EntryFlags};

    use super::*;

    fn manifest(name: &str, version: &str, entries: &[(&str, u8, u32)]) -> Manifest {
        let entries = entries
            .iter()
            .map(|(path, content, mode)| Entry {
                path: path.as_bytes().to_vec(),
                digest: Sha256Digest::new([*content; 32]),
                size: 1,
                mode: *mode,
                flags: EntryFlags::ELF,
                edges: Vec::new(),
                facts: Vec::new(),
            })
            .collect();
        Manifest::new(ComponentKind::Package, name.into(), version.into(), "amd64".into(), entries).unwrap()
    }

    fn check(before: &[Manifest], after: &[Manifest], expected: &[&str]) {
        let found: Vec<String> = diff(before, after)
            .iter()
            .map(|change| format!("{} {} [{}]", change.action, change.path, change.component))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_component_before_and_after_is_compared_by_path() {
        let old = manifest(
            "bash",
            "5.1",
            &[("/bin/bash", 1, 0o755), ("/bin/old", 2, 0o755), ("/bin/same", 3, 0o755)],
        );
        let new = manifest(
            "bash",
            "5.2",
            &[("/bin/bash", 9, 0o755), ("/bin/new", 4, 0o755), ("/bin/same", 3, 0o755)],
        );
        let label = "[bash 5.1 → 5.2]";
        check(
            &[old],
            &[new],
            &[
                &format!("changed /bin/bash {label}"),
                &format!("added /bin/new {label}"),
                &format!("removed /bin/old {label}"),
            ],
        );
    }

    #[test]
    fn a_mode_alone_is_a_change() {
        let old = manifest("su", "1", &[("/bin/su", 1, 0o755)]);
        let new = manifest("su", "1", &[("/bin/su", 1, 0o4755)]);
        check(&[old], &[new], &["changed /bin/su [su 1]"]);
    }

    #[test]
    fn a_component_alone_came_or_went_whole() {
        check(&[], &[manifest("a", "1", &[("/a", 1, 0)])], &["added /a [a 1]"]);
        check(&[manifest("a", "1", &[("/a", 1, 0)])], &[], &["removed /a [a 1]"]);
    }

    #[test]
    fn a_path_cannot_disturb_a_terminal() {
        assert_eq!(printable(b"/a\x1b[0m\\\xff\n"), "/a\\u{1b}[0m\\\\\\xff\\n");
        assert_eq!(printable("/ä".as_bytes()), "/ä");
    }
}
