//! Parts of an export for an operator who asks for them: a chain page by page, and manifests by their components.

use evidence::body::FirmwareLog;
use evidence::digest::{ChainId, Sha256Digest};
use evidence::export::Item;
use wire::export::ItemWriter;
use wire::proof::{ChainView, HostChains, Manifests, StoredManifest};

use super::rows;
use crate::limits::{PAGE_BYTES, PAGE_PIECES};
use crate::sql::{self, Pool};
use crate::store::unpack::Unpacker;
use crate::store::{StoreError, to_u64};

/// A host's chains.
pub(crate) async fn chains(readers: &Pool, host: i64) -> Result<HostChains, StoreError> {
    let identity: Vec<u8> =
        sql::query_scalar("SELECT identity FROM host WHERE id = ?").bind(host).fetch_one(readers).await?;
    let rows: Vec<(Vec<u8>, i64)> =
        sql::query_as("SELECT chain, leaf FROM enrolment WHERE host_id = ? ORDER BY leaf")
            .bind(host)
            .fetch_all(readers)
            .await?;
    let view = |(chain, leaf): (Vec<u8>, i64)| ChainView { chain: hex::encode(chain), leaf: to_u64(leaf) };
    Ok(HostChains { host: hex::encode(identity), chains: rows.into_iter().map(view).collect() })
}

/// A page of a chain, as a file of an export would have it, of what the log has at a size: without `next` from its enrolment on, else
/// from that piece of evidence on. One without any evidence is the last, and has the retirement where there is one; `None` where the host
/// has no such chain.
pub(crate) async fn page(
    readers: &Pool,
    (host, chain): (i64, ChainId),
    next: Option<u64>,
    size: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let own = rows::chains(readers, size, Some(&[host])).await?;
    let Some(chain) = own.into_iter().find(|own| own.chain == chain) else { return Ok(None) };
    let mut page = ItemWriter::begin(Vec::new()).map_err(damaged)?;
    if next.is_none() {
        page.write(&Item::Enrolment(rows::enrolment(readers, &chain).await?)).map_err(damaged)?;
    }
    let (mut next, mut pieces, mut bytes) = (next.unwrap_or_default(), 0, 0);
    let (mut unpacker, mut firmware_log) = (Unpacker::default(), None::<FirmwareLog>);
    while pieces < PAGE_PIECES && bytes < PAGE_BYTES {
        let rows = rows::evidence(readers, &chain, next, size).await?;
        let Some(last) = rows.last() else { break };
        next = rows::seq(last)?.saturating_add(1);
        for row in rows {
            let item = rows::attestation(readers, &row, &mut unpacker, &mut firmware_log).await?;
            bytes += item.envelope.attachments.iter().map(|attached| attached.bytes.len()).sum::<usize>();
            page.write(&Item::Attestation(Box::new(item))).map_err(damaged)?;
            pieces += 1;
        }
    }
    if pieces == 0
        && let Some(end) = rows::retirement(readers, &chain, size).await?
    {
        page.write(&Item::Retirement(end)).map_err(damaged)?;
    }
    Ok(Some(page.into_inner()))
}

/// The newest root of the index in front of a size of the log, as a file of an export has it; a file of none where there is none.
pub(crate) async fn newest_root(readers: &Pool, size: u64) -> Result<Vec<u8>, StoreError> {
    let mut page = ItemWriter::begin(Vec::new()).map_err(damaged)?;
    if let Some(root) = rows::newest_root(readers, size).await? {
        page.write(&Item::IndexRoot(root)).map_err(damaged)?;
    }
    Ok(page.into_inner())
}

fn damaged(_: std::io::Error) -> StoreError {
    StoreError::Damaged { what: "an item that is too long for an export" }
}

/// What components consist of, as far as that is known and fits one answer.
pub(crate) async fn manifests(readers: &Pool, components: &[Sha256Digest]) -> Result<Manifests, StoreError> {
    let (mut found, mut bytes) = (Manifests::default(), 0);
    for component in components {
        if bytes >= PAGE_BYTES {
            break;
        }
        found.looked_at += 1;
        let zstd: Option<Vec<u8>> = sql::query_scalar(
            "SELECT b.zstd FROM component c JOIN blob b ON b.digest = c.manifest WHERE c.digest = ?",
        )
        .bind(component.as_bytes().as_slice())
        .fetch_optional(readers)
        .await?;
        if let Some(zstd) = zstd {
            bytes += zstd.len();
            let component = component.to_string();
            found.manifests.push(StoredManifest { component, zstd: zstd.into() });
        }
    }
    Ok(found)
}

/// Components that carry a list of keys with this hash, or signatures that hold of the image with it.
pub(crate) async fn that_carry(readers: &Pool, hash: &[u8]) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Vec<u8>> = sql::query_scalar(
        "SELECT c.digest FROM key_list k JOIN component c ON c.id = k.component_id WHERE k.digest = ?1
         UNION SELECT c.digest FROM image_signer s JOIN component c ON c.id = s.component_id
           JOIN principal p ON p.id = s.image_id WHERE p.name = ?1 AND p.kind = 'image' ORDER BY 1 LIMIT 1000",
    )
    .bind(hash)
    .fetch_all(readers)
    .await?;
    Ok(rows.into_iter().map(hex::encode).collect())
}

/// Components that have a boot image as a file, the ones with all of its signatures first.
pub(crate) async fn of_image(readers: &Pool, image: &[u8]) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Vec<u8>> = sql::query_scalar(
        "SELECT c.digest FROM component_image i JOIN component c ON c.id = i.component_id
         JOIN principal p ON p.id = i.principal_id WHERE p.name = ? AND p.kind = 'image'
         GROUP BY c.digest ORDER BY max(i.whole) DESC, c.digest LIMIT 1000",
    )
    .bind(image)
    .fetch_all(readers)
    .await?;
    Ok(rows.into_iter().map(hex::encode).collect())
}
