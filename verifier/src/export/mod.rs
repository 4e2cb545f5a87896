//! Everything that the log's leaves commit to, in files for an auditor.
//!
//! In: the database, beside a running verifier or without one, and which hosts are wanted. Out: a directory with a file for each
//! chain of a host, the operators' actions, the roots of the index, and the manifests. A second export into the same directory adds what is new. The
//! log's own files are not part of it: `lydian log audit` compares the two.

mod files;
pub(crate) mod pages;
mod rows;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use evidence::export::{Committed, Item};
use evidence::time::UnixTime;
use wire::export::{ACTIONS, HOSTS, INDEX_ROOTS, MANIFESTS, SUMMARY, Summary};

use crate::query::hosts::{Found, find};
use crate::sql::Pool;
use crate::store::action::{self, ActionError, ActionKind, Who};
use crate::store::unpack::Unpacker;
use crate::store::{self, Database, OpenError, StoreError};
use files::ItemFile;
use rows::Records;

/// What is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Where to.
    pub(crate) dir: PathBuf,
    /// Names or identities of hosts; all where there is none.
    pub(crate) hosts: Vec<String>,
    /// Whether what components consist of is wanted, too.
    pub(crate) manifests: bool,
}

/// How much there is now, and how much of it is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exported {
    /// Leaves of the log up to which everything is exported.
    pub(crate) size: u64,
    pub(crate) chains: u64,
    pub(crate) new_evidence: u64,
    pub(crate) new_actions: u64,
    pub(crate) new_index_roots: u64,
    pub(crate) new_manifests: u64,
}

/// Exports; `progress` is told after each chain how many of how many are done.
pub(crate) async fn export(
    database: &Database,
    wanted: &Wanted,
    now: UnixTime,
    mut progress: impl FnMut(u64, u64),
) -> Result<Exported, ExportError> {
    database.must_be_there()?;
    let (readers, mut writer) = store::open(database).await?;
    let hosts = chosen(&readers, &wanted.hosts).await?;
    files::make_dir(&wanted.dir)?;
    // First what is done is written down, then it is done.
    let mut tx = writer.begin_write().await.map_err(StoreError::from)?;
    action::record(&mut tx, ActionKind::Exported, &Who::command_line(), &detail(wanted), now).await?;
    tx.commit().await.map_err(StoreError::from)?;

    let (size, head) = rows::head(&readers).await?;
    let mut exported = Exported { size, ..Exported::default() };
    let chains = rows::chains(&readers, size, hosts.as_deref()).await?;
    let of = chains.len() as u64;
    for chain in chains {
        exported.new_evidence += export_chain(&readers, &wanted.dir, size, &chain).await?;
        exported.chains += 1;
        progress(exported.chains, of);
    }
    if hosts.is_none() {
        let file = |name| wanted.dir.join(name);
        exported.new_actions = export_records(&readers, &file(ACTIONS), size, Records::Actions).await?;
        exported.new_index_roots =
            export_records(&readers, &file(INDEX_ROOTS), size, Records::IndexRoots).await?;
    }
    if wanted.manifests {
        exported.new_manifests = export_manifests(&readers, &wanted.dir, hosts.as_deref()).await?;
    }
    let summary = Summary {
        version: 1,
        head,
        hosts: hosts.is_some().then(|| wanted.hosts.clone()),
        program: concat!("lydian-verifier ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    // Last: what it says is there by then.
    let text = serde_json::to_vec_pretty(&summary).map_err(io::Error::other);
    files::replace(&wanted.dir.join(SUMMARY), &text.map_err(|error| file_error(&wanted.dir, error))?)?;
    readers.close().await;
    Ok(exported)
}

fn detail(wanted: &Wanted) -> String {
    if wanted.hosts.is_empty() {
        return "everything".to_owned();
    }
    let mut text = format!("{} hosts: {}", wanted.hosts.len(), wanted.hosts.join(", "));
    // It names what it can.
    text.truncate(text.floor_char_boundary(DETAIL_BYTES));
    text
}

/// The rows of the hosts that were named; `None` where all are wanted.
async fn chosen(readers: &Pool, names: &[String]) -> Result<Option<Vec<i64>>, ExportError> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(names.len());
    for name in names {
        match find(readers, name).await? {
            Found::One(row) => rows.push(row),
            Found::None => return Err(ExportError::NoHost { name: name.clone() }),
            Found::Several => return Err(ExportError::SeveralHosts { name: name.clone() }),
        }
    }
    rows.sort_unstable();
    rows.dedup();
    Ok(Some(rows))
}

async fn export_chain(
    readers: &Pool,
    dir: &Path,
    size: u64,
    chain: &rows::ChainRow,
) -> Result<u64, ExportError> {
    let dir = dir.join(HOSTS).join(chain.host.to_string());
    files::make_dir(&dir)?;
    let mut file = ItemFile::open(&dir.join(chain.chain.to_string()))?;
    // What the file ends with says where to go on.
    let (mut next, mut firmware_log) = (0, None);
    match file.take_last() {
        None => file.write(&Item::Enrolment(rows::enrolment(readers, chain).await?))?,
        Some(Item::Attestation(last)) => {
            let body = last.envelope.evidence.body();
            (next, firmware_log) = (body.seq.saturating_add(1), Some(body.firmware_log));
        }
        // It has its end.
        Some(Item::Retirement(_)) => return file.finish().map(|()| 0),
        Some(_) => {}
    }
    let (mut new, mut unpacker) = (0, Unpacker::default());
    loop {
        let page = rows::evidence(readers, chain, next, size).await?;
        let Some(last) = page.last() else { break };
        next = rows::seq(last)?.saturating_add(1);
        for row in page {
            let item = rows::attestation(readers, &row, &mut unpacker, &mut firmware_log).await?;
            file.write(&Item::Attestation(Box::new(item)))?;
            new += 1;
        }
    }
    if let Some(end) = rows::retirement(readers, chain, size).await? {
        file.write(&Item::Retirement(end))?;
    }
    file.finish()?;
    Ok(new)
}

async fn export_records(readers: &Pool, path: &Path, size: u64, which: Records) -> Result<u64, ExportError> {
    let mut file = ItemFile::open(path)?;
    let mut next = file.take_last().map_or(0, |last| last.leaf().saturating_add(1));
    let mut new = 0;
    loop {
        let page: Vec<Committed> = rows::records(readers, which, next, size).await?;
        let Some(last) = page.last() else { break };
        next = last.leaf.saturating_add(1);
        for record in page {
            file.write(&match which {
                Records::Actions => Item::Action(record),
                Records::IndexRoots => Item::IndexRoot(record),
            })?;
            new += 1;
        }
    }
    file.finish()?;
    Ok(new)
}

async fn export_manifests(readers: &Pool, dir: &Path, hosts: Option<&[i64]>) -> Result<u64, ExportError> {
    let (mut after, mut new) = (0, 0);
    loop {
        let page = rows::manifests(readers, after, hosts).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for manifest in page {
            let component = manifest.component.to_string();
            let place = dir.join(MANIFESTS).join(component.get(..2).unwrap_or_default());
            let path = place.join(&component);
            if !path.exists() {
                files::make_dir(&place)?;
                files::replace(&path, &manifest.zstd)?;
                new += 1;
            }
        }
    }
    Ok(new)
}

/// Why an export did not come to its end; what was written until then is whole, and the next one goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// That it is done could not be written down.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// A host that is not enrolled.
    #[error("no host has the name or identity {name}")]
    NoHost {
        /// As it was given.
        name: String,
    },
    /// Several hosts that it may be.
    #[error("several hosts have the name {name}, or an identity that begins so")]
    SeveralHosts {
        /// As it was given.
        name: String,
    },
    /// A file cannot be written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file of an earlier export cannot be gone on with.
    #[error("{}: {cause}", path.display())]
    Earlier {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: wire::export::ExportError,
    },
}

fn file_error(path: &Path, cause: io::Error) -> ExportError {
    ExportError::File { path: path.to_owned(), cause }
}

/// A record's text is limited; this leaves room.
const DETAIL_BYTES: usize = 4_096;
