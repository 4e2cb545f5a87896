//! What authorities and the certificates below them are found in.
//!
//! In: an authority. Out: carriers of it and of every certificate that it issued, with how far below it each is; and what has certificates
//! of which nobody knows whose they are.

use std::collections::{BTreeSet, HashSet};

use evidence::principal::Principal;
use inquiry::issued::{Below, below};
use inquiry::role::Role;
use inquiry::subject::IssuerSubject;

use super::carriers::{Carrier, Carriers, GatherError, role};
use super::happened::{ISSUED, UNISSUED};
use super::keys::principal;
use crate::record;
use crate::sql::{self, Connection, Row};

impl Carriers {
    /// An authority, and what it issued.
    pub(super) async fn issuer(
        &mut self,
        reading: &mut Connection<'_>,
        issuer: &IssuerSubject,
        roles: &[Role],
    ) -> Result<(), GatherError> {
        let certificates = record::certificates(reading).await?;
        // Several names of one certificate find the same places: the first that does tells how far below it is.
        let Below { found, open } = below(issuer, &certificates)?;
        let mut levels: Vec<(u32, Principal)> =
            found.into_iter().map(|(name, level)| (level, name)).collect();
        levels.sort_unstable();
        let mut known = HashSet::new();
        for (level, name) in levels {
            let Some(principal) = principal(reading, &name).await? else { continue };
            let before = self.all.len();
            self.principal(reading, principal).await?;
            let found = self.all.split_off(before.min(self.all.len()));
            let is_new = |found: &Carrier| {
                known.insert((found.of, found.role, found.path.clone(), found.place.clone()))
            };
            let found = found.into_iter().filter(is_new).map(|found| Carrier { level: Some(level), ..found });
            self.all.extend(found.collect::<Vec<_>>());
        }
        for role in roles {
            let rows: Vec<i64> =
                sql::query_scalar("SELECT profile_id FROM boot_unissued WHERE role = ? ORDER BY 1")
                    .bind(i64::from(role.code()))
                    .fetch_all(&mut *reading)
                    .await?;
            self.doubtful.extend(rows.into_iter().map(|profile| (profile, ISSUER_UNKNOWN)));
            self.doubt_keys(reading, (UNISSUED, i64::from(role.code())), roles, ISSUER_UNKNOWN).await?;
        }
        self.doubts_of_chains(reading, roles, &open).await?;
        self.doubts_of_keys(reading, roles, false).await
    }

    /// What has a certificate whose chain ends with a stranger.
    async fn doubts_of_chains(
        &mut self,
        reading: &mut Connection<'_>,
        roles: &[Role],
        open: &BTreeSet<Principal>,
    ) -> Result<(), GatherError> {
        let asked = |row: &Row| role(row).map(|role| roles.contains(&role));
        for name in open {
            let Some(principal) = principal(reading, name).await? else { continue };
            let of_components =
                sql::query("SELECT component_id AS id, role FROM component_principal WHERE principal_id = ?");
            for row in of_components.bind(principal).fetch_all(&mut *reading).await? {
                if asked(&row)? {
                    self.doubtful_components.insert(row.try_get("id")?, CHAIN_OPEN);
                }
            }
            let of_boots =
                sql::query("SELECT profile_id AS id, role FROM boot_principal WHERE principal_id = ?");
            for row in of_boots.bind(principal).fetch_all(&mut *reading).await? {
                if asked(&row)? {
                    self.doubtful.push((row.try_get("id")?, CHAIN_OPEN));
                }
            }
            self.doubt_keys(reading, (ISSUED, principal), roles, CHAIN_OPEN).await?;
        }
        Ok(())
    }

    /// Hosts whose kernels tell of such keys.
    async fn doubt_keys(
        &mut self,
        reading: &mut Connection<'_>,
        (statement, number): (&'static str, i64),
        roles: &[Role],
        why: &'static str,
    ) -> Result<(), GatherError> {
        let before = "SELECT k.host_id, k.role, k.until, (SELECT leaf - back FROM moment WHERE leaf = coalesce(k.since, k.from_leaf)) AS before FROM (";
        let query = sql::assembled(format!("{before}{statement}) k")).bind(number);
        for row in query.fetch_all(reading).await? {
            if roles.contains(&role(&row)?) {
                let (host, until) = (row.try_get("host_id")?, row.try_get("until")?);
                self.doubtful_keys.push((host, row.try_get("before")?, until, why));
            }
        }
        Ok(())
    }
}

/// Nobody knows who issued a certificate, or a key of one.
const ISSUER_UNKNOWN: &str = "issuer-unknown";
/// The chain of a certificate ends with somebody whose certificate no host has.
const CHAIN_OPEN: &str = "chain-open";
