//! The index of who trusted what: rows that follow from verified evidence, and can be made from it again.
//!
//! In: what a piece of evidence adds ([`Reading`]), its host and leaf. Out: rows of boots, profiles, executions and gaps, each opened by
//! the first evidence that shows it and closed by the first that does not. Nothing here decides anything: `query` asks.

use std::collections::{BTreeSet, HashSet};

use evidence::body::{Body, BootCounters};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use inquiry::issued::is_of_unknown_issuer;
use inquiry::limits::GAP_NOTICED_LATE;
use inquiry::profile::{Executed, Fact, KeySeen, Lasting, Profile, Ran, Reading, Trouble};
use inquiry::replay::{Begins, Ended};
use inquiry::role::Source;
use inquiry::root::{ChainFacts, Recorded};
use ledger::tree::LeafIndex;

use super::principal::Principals;
use super::{proved, root};
use crate::sql::{self, Batch, Connection, Row, Rows};
use crate::store::{StoreError, to_i64, to_u64};

/// What a piece of evidence adds to the index.
#[derive(Clone, Debug)]
pub(crate) struct IndexEntry {
    /// The size of the checkpoint that it names.
    pub(crate) named: u64,
    /// The agent's clock.
    pub(crate) agent_time: UnixTime,
    pub(crate) boot: BootCounters,
    pub(crate) begins: Begins,
    pub(crate) reading: Reading,
    /// The reading's digest.
    pub(crate) read: Sha256Digest,
}

/// How evidence came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) seq: u64,
    pub(crate) received_ms: u64,
    pub(crate) digest: Sha256Digest,
}

impl IndexEntry {
    /// What verified evidence adds, given the state that it was verified against.
    pub(crate) fn new(
        log: &appraisal::verify::VerifiedLog<'_>,
        before: &appraisal::state::HostState,
    ) -> Self {
        let body: &Body = log.body();
        let reading = inquiry::profile::read(log, before);
        Self {
            named: body.checkpoint.size,
            agent_time: body.agent_time,
            boot: body.boot,
            begins: Begins::of(body.seq, log.boot_change()),
            read: reading.digest(),
            reading,
        }
    }

    /// What writes it, and the facts of the chain with it. `place` is where the host's part of the index stands.
    pub(super) async fn write(
        &self,
        (tx, batch): (&mut Connection<'_>, &mut Batch),
        (host, place): (i64, Option<&Place>),
        index: LeafIndex,
        came: Came,
    ) -> Result<ChainFacts, StoreError> {
        let Came { seq, received_ms, digest } = came;
        let leaf = to_i64(index.get());
        let before = place.map(|place| place.last_leaf);
        let moment = [
            leaf.into(),
            to_i64(seq).into(),
            to_i64(received_ms).into(),
            leaf.saturating_sub(to_i64(self.named)).into(),
            before.map(|before| leaf.saturating_sub(before)).into(),
            to_i64(received_ms).saturating_sub(to_i64(self.agent_time.as_ms())).into(),
        ];
        batch.row(&MOMENTS, moment);
        let boot_leaf = self.write_boot(batch, host, leaf, place);
        let profile = self.write_profile((tx, batch), host, leaf, place).await?;
        if self.begins != Begins::Nothing {
            self.write_lists((tx, batch), host, leaf, place).await?;
        }
        let open = place.is_some_and(|place| place.has_gaps);
        let coverage = Coverage { host, leaf, before, new_boot: self.begins != Begins::Nothing };
        coverage.write((tx, batch), open, &self.reading.troubles).await?;
        write_executions(batch, host, leaf, boot_leaf, &self.reading.executions);
        write_runs(batch, (host, leaf, boot_leaf), &self.reading.ran);
        write_keys((tx, batch), (host, leaf, boot_leaf), &self.reading.keys).await?;
        let recorded = Recorded { leaf: index.get(), received_ms, evidence: digest, read: self.read };
        let earlier = place.filter(|_| self.begins != Begins::Chain);
        let facts = earlier.map_or_else(ChainFacts::default, |place| place.facts).and(&recorded);
        let named = to_i64(self.named);
        let stands = [
            host.into(),
            leaf.into(),
            named.into(),
            leaf.into(),
            named.into(),
            boot_leaf.into(),
            profile.map(|(id, _)| id).into(),
            profile.map(|(_, from)| from).into(),
            facts.digest().map(|facts| facts.as_bytes().to_vec()).into(),
            leaf.saturating_sub(named).into(),
        ];
        batch.row(&PLACES, stands);
        Ok(facts)
    }

    fn write_boot(&self, batch: &mut Batch, host: i64, leaf: i64, place: Option<&Place>) -> i64 {
        if let Some(place) = place.filter(|_| self.begins == Begins::Nothing) {
            let restarts = i64::from(self.boot.restart_count);
            batch.row(&BOOTS_ON, [host.into(), place.boot_leaf.into(), leaf.into(), restarts.into()]);
            return place.boot_leaf;
        }
        let begins = [
            host.into(),
            leaf.into(),
            i64::from(self.boot.reset_count).into(),
            i64::from(self.boot.restart_count).into(),
            leaf.into(),
            (self.begins == Begins::Chain && place.is_some()).into(),
        ];
        batch.row(&BOOTS, begins);
        leaf
    }

    /// Gives the profile that is open afterwards, and since when.
    async fn write_profile(
        &self,
        (tx, batch): (&mut Connection<'_>, &mut Batch),
        host: i64,
        leaf: i64,
        place: Option<&Place>,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        let new = match &self.reading.profile {
            Some(profile) => Some(profile_row(tx, profile).await?),
            None => None,
        };
        let open = place.and_then(|place| place.profile);
        if let (Some((id, from)), Some(new)) = (open, new)
            && id == new
            && self.is_unbroken()
        {
            return Ok(Some((id, from)));
        }
        if let Some((id, from)) = open {
            close_profile(batch, host, id, from, leaf);
        }
        let Some(new) = new else { return Ok(None) };
        batch.row(&PROFILES, [new.into(), leaf.into(), host.into()]);
        Ok(Some((new, leaf)))
    }

    /// What a boot was that nobody saw is not known, also where the ones around it are alike.
    fn is_unbroken(&self) -> bool {
        let missed = |trouble: &Trouble| trouble.source == Source::Boot && trouble.lasting == Lasting::Passed;
        !self.reading.troubles.iter().any(missed)
    }

    /// The lists of keys that a new boot is under; those that the one before was under as well go on.
    async fn write_lists(
        &self,
        (tx, batch): (&mut Connection<'_>, &mut Batch),
        host: i64,
        leaf: i64,
        place: Option<&Place>,
    ) -> Result<(), StoreError> {
        let mut new = BTreeSet::new();
        for list in &self.reading.lists {
            new.insert(proved::list_row(tx, list).await?);
        }
        let open = if place.is_some() { open_lists(tx, host).await? } else { Vec::new() };
        for (list, from) in open {
            let goes_on = self.is_unbroken() && new.remove(&list);
            if !goes_on {
                close_profile(batch, host, list, from, leaf);
            }
        }
        for list in new {
            batch.row(&PROFILES, [list.into(), leaf.into(), host.into()]);
        }
        Ok(())
    }
}

/// The lists of keys that a host's boot is under, and since when.
async fn open_lists(tx: &mut Connection<'_>, host: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    let open = sql::query_as(
        "SELECT h.profile_id, h.from_leaf FROM host_boot_profile h JOIN boot_profile p ON p.id = h.profile_id
         WHERE h.host_id = ? AND h.to_leaf IS NULL AND p.list IS NOT NULL ORDER BY 1",
    );
    Ok(open.bind(host).fetch_all(tx).await?)
}

/// The host's chain ended at this leaf: what was open is open no more, and until new evidence comes nothing is seen.
pub(super) async fn end_chain(
    tx: &mut Connection<'_>,
    host: i64,
    index: LeafIndex,
    why: Ended,
) -> Result<(), StoreError> {
    let Some(place) = Place::read(tx, host).await? else { return Ok(()) };
    let (leaf, mut batch) = (to_i64(index.get()), Batch::default());
    if let Some((id, from)) = place.profile {
        close_profile(&mut batch, host, id, from, leaf);
    }
    for (list, from) in open_lists(tx, host).await? {
        close_profile(&mut batch, host, list, from, leaf);
    }
    let facts = sql::query(
        "UPDATE enrolment SET facts = (SELECT facts FROM host_index WHERE host_id = ?)
         WHERE id = (SELECT enrolment_id FROM attestation WHERE leaf = ?)",
    );
    batch.push(facts.bind(host).bind(place.last_leaf));
    let none = sql::query("UPDATE host_index SET profile_id = NULL, profile_leaf = NULL WHERE host_id = ?");
    batch.push(none.bind(host));
    let coverage = Coverage { host, leaf, before: Some(place.last_leaf), new_boot: false };
    coverage.write((tx, &mut batch), place.has_gaps, &why.troubles()).await?;
    Ok(batch.run(tx).await?)
}

/// Where a host's part of the index stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    last_leaf: i64,
    boot_leaf: i64,
    profile: Option<(i64, i64)>,
    facts: ChainFacts,
    /// Whether something is not seen of it now.
    has_gaps: bool,
}

impl Place {
    pub(super) async fn read(tx: &mut Connection<'_>, host: i64) -> Result<Option<Self>, StoreError> {
        let row = sql::query(
            "SELECT last_leaf, boot_leaf, profile_id, profile_leaf, facts,
               (SELECT count(*) FROM coverage_gap g WHERE g.host_id = i.host_id AND g.to_leaf IS NULL) AS gaps
             FROM host_index i WHERE host_id = ?",
        )
        .bind(host)
        .fetch_optional(tx)
        .await?;
        row.map_or(Ok(None), |row| Self::of(&row))
    }

    /// From a row that may have none.
    pub(super) fn of(row: &Row) -> Result<Option<Self>, StoreError> {
        let Some(last_leaf) = row.try_get("last_leaf")? else { return Ok(None) };
        let profile: Option<i64> = row.try_get("profile_id")?;
        Ok(Some(Self {
            last_leaf,
            boot_leaf: row.try_get("boot_leaf")?,
            profile: profile.zip(row.try_get("profile_leaf")?),
            facts: root::facts(row)?,
            has_gaps: row.try_get::<i64>("gaps")? > 0,
        }))
    }
}

fn close_profile(batch: &mut Batch, host: i64, profile: i64, from: i64, leaf: i64) {
    batch.row(&PROFILES_CLOSED, [profile.into(), from.into(), host.into(), leaf.into()]);
}

/// The row of a profile; its facts are written with the first host that has it.
async fn profile_row(tx: &mut Connection<'_>, profile: &Profile) -> Result<i64, StoreError> {
    let digest = profile.digest();
    let known: Option<i64> = sql::query_scalar("SELECT id FROM boot_profile WHERE digest = ?")
        .bind(digest.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let id: i64 = sql::query_scalar("INSERT INTO boot_profile (digest) VALUES (?) RETURNING id")
        .bind(digest.as_bytes().as_slice())
        .fetch_one(&mut *tx)
        .await?;
    let (mut principals, mut unissued) = (Principals::default(), BTreeSet::new());
    for fact in profile.facts() {
        match fact {
            Fact::Key { names, role, class, store, label, place } => {
                principals.certificate(tx, names).await?;
                if is_of_unknown_issuer(names) {
                    unissued.insert(*role);
                }
                for name in names.iter().filter(|name| name.kind().is_of_one()) {
                    let principal = principals.row(tx, name).await?;
                    sql::query(
                        "INSERT INTO boot_principal (principal_id, profile_id, role, class, store, place, label)
                         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    )
                    .bind(principal)
                    .bind(id)
                    .bind(i64::from(role.code()))
                    .bind(i64::from(class.code()))
                    .bind(store)
                    .bind(place.to_string())
                    .bind(label)
                    .execute(&mut *tx)
                    .await?;
                }
            }
            Fact::Setting { setting, place } => {
                sql::query(
                    "INSERT INTO boot_setting (name, value, profile_id, place) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )
                .bind(setting.name())
                .bind(setting.value())
                .bind(id)
                .bind(place.to_string())
                .execute(&mut *tx)
                .await?;
            }
        }
    }
    for role in unissued {
        sql::query("INSERT INTO boot_unissued (profile_id, role) VALUES (?, ?)")
            .bind(id)
            .bind(i64::from(role.code()))
            .execute(&mut *tx)
            .await?;
    }
    Ok(id)
}

/// What is not seen of a host, as of a leaf.
struct Coverage {
    host: i64,
    leaf: i64,
    /// The leaf of the host's evidence before.
    before: Option<i64>,
    new_boot: bool,
}

impl Coverage {
    /// Closes gaps that are over, opens new ones, and writes those that came and went since the evidence before.
    async fn write(
        &self,
        (tx, batch): (&mut Connection<'_>, &mut Batch),
        has_gaps: bool,
        troubles: &[Trouble],
    ) -> Result<(), StoreError> {
        let open = if has_gaps { self.open(tx).await? } else { Vec::new() };
        let is = |trouble: &Trouble, source: i64, cause: &str, scope: &str| {
            i64::from(trouble.source.code()) == source && trouble.cause == cause && trouble.scope == scope
        };
        let stands = |source, cause: &str, scope: &str| {
            let mut lasting = troubles.iter().filter(|trouble| trouble.lasting != Lasting::Passed);
            lasting.any(|trouble| is(trouble, source, cause, scope))
        };
        for (id, source, cause, scope, of_boot) in &open {
            let over = !of_boot || self.new_boot;
            if over && !stands(*source, cause, scope) {
                batch.row(&GAPS_CLOSED, [id.into(), self.leaf.into()]);
            }
        }
        for trouble in troubles {
            let known = open.iter().any(|(_, source, cause, scope, _)| is(trouble, *source, cause, scope));
            // One that was open and is told to be closed was closed above.
            if known {
                continue;
            }
            let until = (trouble.lasting == Lasting::Passed).then_some(self.leaf);
            let gap = [
                self.host.into(),
                i64::from(trouble.source.code()).into(),
                (&trouble.cause).into(),
                (&trouble.scope).into(),
                self.begin(tx, trouble).await?.into(),
                until.into(),
                (trouble.lasting == Lasting::Boot).into(),
            ];
            batch.row(&GAPS, gap);
        }
        Ok(())
    }

    async fn open(
        &self,
        tx: &mut Connection<'_>,
    ) -> Result<Vec<(i64, i64, String, String, bool)>, StoreError> {
        let open = sql::query_as(
            "SELECT id, source, cause, scope, of_boot FROM coverage_gap WHERE host_id = ? AND to_leaf IS NULL",
        );
        Ok(open.bind(self.host).fetch_all(tx).await?)
    }

    /// The last evidence that was sealed before a trouble began: an agent may notice late that it was blind, with other evidence sealed
    /// meanwhile.
    async fn begin(&self, tx: &mut Connection<'_>, trouble: &Trouble) -> Result<Option<i64>, StoreError> {
        let (Some(since), mut before) = (trouble.since, self.before) else { return Ok(self.before) };
        for _ in 0..GAP_NOTICED_LATE {
            let Some(leaf) = before else { return Ok(None) };
            let row: Option<(i64, Option<i64>)> =
                sql::query_as("SELECT received_ms - lag_ms, leaf - back FROM moment WHERE leaf = ?")
                    .bind(leaf)
                    .fetch_optional(&mut *tx)
                    .await?;
            match row {
                Some((sealed, _)) if to_u64(sealed) <= since.as_ms() => return Ok(Some(leaf)),
                Some((_, earlier)) => before = earlier,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// What was run is told once a boot.
fn write_executions(batch: &mut Batch, host: i64, leaf: i64, boot_leaf: i64, executions: &[Executed]) {
    let mut known = HashSet::with_capacity(executions.len());
    for Executed { digest, path, class } in
        executions.iter().filter(|run| known.insert((run.digest, run.class.code())))
    {
        let run = [
            digest.as_bytes().as_slice().into(),
            i64::from(class.code()).into(),
            path.into(),
            host.into(),
            leaf.into(),
            boot_leaf.into(),
        ];
        batch.row(&EXECUTIONS, run);
    }
}

/// Programs of components that the agent saw start, once a boot.
fn write_runs(batch: &mut Batch, (host, leaf, boot_leaf): (i64, i64, i64), ran: &[Ran]) {
    for Ran { component, entry } in ran {
        let component = component.as_bytes().as_slice().into();
        batch.row(&RUNS, [component, i64::from(*entry).into(), host.into(), leaf.into(), boot_leaf.into()]);
    }
}

/// Keys that the kernel tells of, once a boot.
async fn write_keys(
    (tx, batch): (&mut Connection<'_>, &mut Batch),
    (host, leaf, boot_leaf): (i64, i64, i64),
    keys: &[KeySeen],
) -> Result<(), StoreError> {
    let (mut principals, mut known) = (Principals::default(), HashSet::new());
    for key in keys {
        principals.certificate(tx, &key.names).await?;
        for name in key.names.iter().filter(|name| name.kind().is_of_one()) {
            let principal = principals.row(tx, name).await?;
            if !known.insert((principal, key.role)) {
                continue;
            }
            let seen = [
                principal.into(),
                host.into(),
                leaf.into(),
                i64::from(key.role.code()).into(),
                i64::from(key.class.code()).into(),
                i64::from(is_of_unknown_issuer(&key.names)).into(),
                (&key.place).into(),
                (&key.label).into(),
                boot_leaf.into(),
            ];
            batch.row(&KEYS, seen);
        }
    }
    Ok(())
}

static MOMENTS: Rows = Rows::inserted("INSERT INTO moment (leaf, seq, received_ms, age, back, lag_ms) ");
static BOOTS: Rows = Rows::inserted(
    "INSERT INTO boot (host_id, first_leaf, reset_count, restart_count, last_leaf, continues) ",
);
static BOOTS_ON: Rows = Rows {
    before: "WITH seen (host, first_leaf, leaf, restarts) AS (",
    after: ") UPDATE boot SET last_leaf = seen.leaf, restart_count = seen.restarts FROM seen
       WHERE boot.host_id = seen.host AND boot.first_leaf = seen.first_leaf",
    changes_each: true,
};
static PROFILES: Rows = Rows::inserted("INSERT INTO host_boot_profile (profile_id, from_leaf, host_id) ");
static PROFILES_CLOSED: Rows = Rows {
    before: "WITH closed (profile, since, host, until) AS (",
    after: ") UPDATE host_boot_profile SET to_leaf = closed.until FROM closed
       WHERE profile_id = closed.profile AND from_leaf = closed.since AND host_id = closed.host",
    changes_each: true,
};
static GAPS: Rows =
    Rows::inserted("INSERT INTO coverage_gap (host_id, source, cause, scope, from_leaf, to_leaf, of_boot) ");
static GAPS_CLOSED: Rows = Rows {
    before: "WITH closed (gap, until) AS (",
    after: ") UPDATE coverage_gap SET to_leaf = closed.until FROM closed WHERE coverage_gap.id = closed.gap",
    changes_each: true,
};
static EXECUTIONS: Rows = Rows {
    before: "WITH run (digest, class, path, host, leaf, boot) AS (",
    after: ") INSERT INTO execution (digest, host_id, from_leaf, class, path)
       SELECT run.digest, run.host, run.leaf, run.class, run.path FROM run WHERE NOT EXISTS
         (SELECT 1 FROM execution e WHERE e.digest = run.digest AND e.host_id = run.host AND e.from_leaf >= run.boot AND e.class = run.class)",
    changes_each: false,
};
static RUNS: Rows = Rows {
    before: "WITH run (component, entry, host, leaf, boot) AS (",
    after: ") INSERT INTO component_run (component_id, entry, host_id, from_leaf)
       SELECT c.id, run.entry, run.host, run.leaf FROM run CROSS JOIN component c WHERE c.digest = run.component AND NOT EXISTS
         (SELECT 1 FROM component_run r WHERE r.component_id = c.id AND r.entry = run.entry AND r.host_id = run.host AND r.from_leaf >= run.boot)",
    changes_each: false,
};
static KEYS: Rows = Rows {
    before: "WITH seen (principal, host, leaf, role, class, unissued, path, label, boot) AS (",
    after: ") INSERT INTO host_key (principal_id, host_id, from_leaf, role, class, unissued, path, label)
       SELECT seen.principal, seen.host, seen.leaf, seen.role, seen.class, seen.unissued, seen.path, seen.label FROM seen WHERE NOT EXISTS
         (SELECT 1 FROM host_key k WHERE k.principal_id = seen.principal AND k.host_id = seen.host AND k.from_leaf >= seen.boot AND k.role = seen.role)",
    changes_each: false,
};
static PLACES: Rows = Rows {
    before: "INSERT INTO host_index (host_id, first_leaf, first_named, last_leaf, last_named, boot_leaf, profile_id, profile_leaf, facts, reach) ",
    after: " ON CONFLICT (host_id) DO UPDATE SET last_leaf = excluded.last_leaf, last_named = excluded.last_named,
       boot_leaf = excluded.boot_leaf, profile_id = excluded.profile_id, profile_leaf = excluded.profile_leaf, facts = excluded.facts,
       reach = max(host_index.reach, excluded.last_leaf - min(excluded.last_named, host_index.last_named))",
    changes_each: false,
};
