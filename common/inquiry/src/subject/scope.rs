//! Whether what was not seen is of another tree than what is asked about.

use super::{Glob, Subject};
use crate::role::Source;

/// Whether a gap is of a tree that none of the subjects, which are all paths, can lie in.
pub fn lies_elsewhere(source: Source, scope: &str, subjects: &[Subject]) -> bool {
    let scope = scope.as_bytes();
    // What is escaped or may have been cut short is not compared: it could be any tree.
    let is_plain = scope.len() < SCOPE_COMPARED && !scope.contains(&b'\\');
    if source != Source::Files || !scope.starts_with(b"/") || scope == b"/" || !is_plain {
        return false;
    }
    let lies_elsewhere = |glob: &Glob| {
        let prefix = glob.prefix();
        // Up to where they could part: the scope is a whole path, the pattern's beginning may end within a name.
        let common = prefix.len().min(scope.len());
        let parts = prefix.get(..common) != scope.get(..common);
        let beside = prefix.len() > scope.len() && prefix.get(scope.len()) != Some(&b'/');
        parts || beside
    };
    subjects.iter().all(|subject| match subject {
        Subject::Path(glob) => lies_elsewhere(glob) && glob.in_usr().as_ref().is_none_or(lies_elsewhere),
        _ => false,
    })
}

/// Scopes of at least this many bytes may have been cut short.
const SCOPE_COMPARED: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_of_another_tree_does_not_bear_on_a_path() {
        let elsewhere = |scope: &str, subjects: &[&str]| {
            let subjects: Vec<Subject> = subjects.iter().map(|subject| subject.parse().unwrap()).collect();
            lies_elsewhere(Source::Files, scope, &subjects)
        };
        assert!(elsewhere("/srv", &["path:/usr/bin/ssh"]));
        assert!(elsewhere("/srv", &["path:/srv2/x", "path:/usr/*"]));
        assert!(!elsewhere("/srv", &["path:/srv/x"]) && !elsewhere("/srv", &["path:/srv"]));
        assert!(!elsewhere("/srv", &["path:/s*/x"]) && !elsewhere("/srv", &["path:**/x"]));
        assert!(!elsewhere("/srv/a", &["path:/srv/*"]));
        assert!(!elsewhere("/", &["path:/usr/bin/ssh"]) && !elsewhere("agent", &["path:/usr/bin/ssh"]));
        assert!(!elsewhere("/srv", &["path:/usr/bin/ssh", "package:xz"]));
        assert!(!elsewhere("/usr/bin", &["path:/bin/ssh"]), "it may be the same");
        assert!(!elsewhere("/a\\xff", &["path:/usr/bin/ssh"]), "what is escaped is not compared");
        assert!(!elsewhere(&format!("/{}", "a".repeat(250)), &["path:/usr/bin/ssh"]), "it may be cut");
    }
}
