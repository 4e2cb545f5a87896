//! What was opened to be executed, as a body tells it.
//!
//! In: counts by file from the measuring thread, and the components that are sealed. Out: executions by position, and
//! strays: files that are not of the sealed state, with their digest where the agent had measured them. All of it is the
//! agent's word.

use std::collections::BTreeMap;

use evidence::body::{Execution, Stray};
use evidence::digest::Sha256Digest;
use evidence::limits::{BODY_EXECUTIONS, BODY_STRAYS, PATH_BYTES};

use crate::measure::Executed;

/// Executions and strays, each sorted. `components` rise.
pub(super) fn of(executed: &[Executed], components: &[Sha256Digest]) -> (Vec<Execution>, Vec<Stray>) {
    // One file can have been started under several paths, and one path have led to several files.
    let (mut executions, mut strays) = (BTreeMap::<_, u64>::new(), BTreeMap::<_, u64>::new());
    for file in executed {
        let count = if let Some(place) = position(file, components) {
            executions.entry(place).or_default()
        } else {
            let digest = file.artefact.map(|artefact| artefact.digest);
            strays.entry((file.path.clone(), digest)).or_default()
        };
        *count = count.saturating_add(file.count);
    }
    let execution = |((component, entry), count)| Execution { component, entry, count };
    let stray = |((path, digest), count)| Stray { path, digest, count };
    (executions.into_iter().map(execution).collect(), strays.into_iter().map(stray).collect())
}

/// Keeps as many as a body has room for.
pub(super) fn fit(executed: &mut Vec<Executed>, components: &[Sha256Digest]) {
    let (mut executions, mut strays, mut bytes) = (0, 0, 0);
    executed.retain(|file| {
        if position(file, components).is_some() {
            executions += 1;
            return executions <= BODY_EXECUTIONS;
        }
        (strays, bytes) = (strays + 1, bytes + file.path.len());
        strays <= BODY_STRAYS && bytes <= STRAY_PATHS_BYTES && file.path.len() <= PATH_BYTES
    });
}

fn position(file: &Executed, components: &[Sha256Digest]) -> Option<(u32, u32)> {
    let artefact = file.artefact?;
    let component = components.binary_search(&artefact.component).ok()?;
    Some((u32::try_from(component).ok()?, artefact.entry))
}

/// All paths of strays in one body: a body of 4 MiB has other things to say too.
const STRAY_PATHS_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::measure::Located;

    fn file(path: &str, component: Option<u8>, count: u64) -> Executed {
        let digest = Sha256Digest::of(&[path.as_bytes()]);
        let place = |n: u8| Located { component: Sha256Digest::new([n; 32]), entry: 7, digest };
        Executed {
            path: path.into(),
            artefact: component.map(place),
            count,
            file: Arc::from(path.as_bytes()),
        }
    }

    #[test]
    fn what_is_not_of_the_sealed_state_is_a_stray() {
        let components = [1, 3].map(|n| Sha256Digest::new([n; 32]));
        let executed =
            [file("/b", Some(3), 2), file("/a", None, 4), file("/new", Some(2), 1), file("/a", None, 3)];
        let (executions, strays) = of(&executed, &components);
        assert_eq!(executions, [Execution { component: 1, entry: 7, count: 2 }]);
        let new = Stray { path: b"/new".to_vec(), digest: Some(Sha256Digest::of(&[b"/new"])), count: 1 };
        assert_eq!(strays, [Stray { path: b"/a".to_vec(), digest: None, count: 7 }, new]);
    }

    #[test]
    fn strays_that_have_no_room_are_left_for_the_next() {
        let mut executed: Vec<_> = (0..BODY_STRAYS + 5).map(|n| file(&format!("/{n}"), None, 1)).collect();
        executed.push(file("/b", Some(1), 1));
        fit(&mut executed, &[Sha256Digest::new([1; 32])]);
        assert_eq!(executed.len(), BODY_STRAYS + 1);
    }
}
