//! Statements of what happened in a boot: files that were run, keys that kernels tell of.
//!
//! Each gives the host and the first leaf that tells of it, what it is, `since` (the first leaf of its boot, which may have begun in a chain before)
//! and `until` (the first leaf of the next boot).

macro_rules! happened {
    ($what:literal, $of:literal) => {
        concat!(
            "SELECT e.host_id, e.from_leaf, ",
            $what,
            ",
  CASE WHEN EXISTS (SELECT 1 FROM boot b WHERE b.host_id = e.host_id AND b.first_leaf = e.from_leaf AND b.continues <> 0)
    THEN (SELECT max(b.first_leaf) FROM boot b WHERE b.host_id = e.host_id AND b.first_leaf < e.from_leaf AND b.continues = 0)
    ELSE e.from_leaf END AS since,
  (SELECT min(b.first_leaf) FROM boot b WHERE b.host_id = e.host_id AND b.first_leaf > e.from_leaf AND b.continues = 0) AS until
  FROM ",
            $of
        )
    };
}

/// Contents that were run, by quoted logs or the agent's word.
pub(super) const EXECUTIONS: &str = happened!("e.class, e.path", "execution e");

/// Files of components that the agent saw start: of class D, which is 4.
pub(super) const RUNS: &str = happened!(
    "4 AS class, a.path",
    "component_artefact a CROSS JOIN component_run e WHERE e.component_id = a.component_id AND e.entry = a.entry"
);

/// Keys that kernels tell of.
pub(super) const KEYS: &str = happened!("e.class, e.path, e.role, e.label", "host_key e");
/// Those of which nobody knows who issued them, in a role.
pub(super) const UNISSUED: &str =
    happened!("e.class, e.path, e.role, e.label", "host_key e WHERE e.unissued <> 0 AND e.role = ?");
/// Those of one name of which that is known.
pub(super) const ISSUED: &str =
    happened!("e.class, e.path, e.role, e.label", "host_key e WHERE e.unissued = 0 AND e.principal_id = ?");
