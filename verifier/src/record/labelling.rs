//! Recording what operators call hosts.

use evidence::time::UnixTime;
use inquiry::hosts::Label;
use inquiry::limits::LABELS;

use super::RecordError;
use crate::sql::{self, Connection};
use crate::store::action::{self, ActionKind, Who};
use crate::store::{StoreError, to_u64};

/// Labels that an operator gives a host, and takes from it.
#[derive(Clone, Debug)]
pub(crate) struct NewLabels {
    pub(crate) host_row: i64,
    pub(crate) who: Who,
    pub(crate) set: Vec<Label>,
    /// Keys.
    pub(crate) remove: Vec<String>,
}

impl NewLabels {
    /// Whether anything changed.
    pub(super) async fn apply(&self, tx: &mut Connection<'_>, now: UnixTime) -> Result<bool, RecordError> {
        let mut words = Vec::new();
        for label in &self.set {
            if self.put(tx, &label.key, Some(&label.value)).await? {
                words.push(label.to_string());
            }
        }
        for key in &self.remove {
            if self.put(tx, key, None).await? {
                words.push(format!("{key}-"));
            }
        }
        if words.is_empty() {
            return Ok(false);
        }
        let count: i64 =
            sql::query_scalar("SELECT count(*) FROM host_label WHERE host_id = ? AND value IS NOT NULL")
                .bind(self.host_row)
                .fetch_one(&mut *tx)
                .await?;
        if to_u64(count) > LABELS as u64 {
            return Err(RecordError::TooMany);
        }
        let (name, identity): (String, Vec<u8>) =
            sql::query_as("SELECT name, identity FROM host WHERE id = ?")
                .bind(self.host_row)
                .fetch_one(&mut *tx)
                .await?;
        let detail = format!("{name} ({}): {}", hex::encode(identity), words.join(" "));
        action::record(tx, ActionKind::HostLabelled, &self.who, &detail, now).await?;
        Ok(true)
    }

    async fn put(&self, tx: &mut Connection<'_>, key: &str, value: Option<&str>) -> Result<bool, StoreError> {
        let known: Option<Option<String>> =
            sql::query_scalar("SELECT value FROM host_label WHERE host_id = ? AND key = ?")
                .bind(self.host_row)
                .bind(key)
                .fetch_optional(&mut *tx)
                .await?;
        if known.flatten().as_deref() == value {
            return Ok(false);
        }
        sql::query(
            "INSERT INTO host_label (host_id, key, value, change)
             VALUES (?1, ?2, ?3, (SELECT coalesce(max(change), 0) + 1 FROM host_label))
             ON CONFLICT (host_id, key) DO UPDATE SET value = excluded.value, change = excluded.change",
        )
        .bind(self.host_row)
        .bind(key)
        .bind(value)
        .execute(tx)
        .await?;
        Ok(true)
    }
}
