//! Contents by their SHA-256: logs and manifests, compressed.
//!
//! A content that is read back is hashed again, so a damaged disk cannot pass other bytes off for it.

use evidence::digest::Sha256Digest;

use super::{Store, StoreError, to_i64};
use crate::sql::{self, Batch, Executor, Rows};

/// A content that is ready to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) digest: Sha256Digest,
    size: usize,
    zstd: Vec<u8>,
}

impl Blob {
    /// Compresses a content; the recorder should not have to.
    pub(crate) fn new(bytes: &[u8]) -> std::io::Result<Self> {
        let zstd = wire::submit::compress(bytes)?;
        Ok(Self { digest: Sha256Digest::of(&[bytes]), size: bytes.len(), zstd })
    }

    /// What it takes in the database.
    pub(crate) const fn stored_bytes(&self) -> usize {
        self.zstd.len()
    }

    /// Has it stored; the same content is stored once.
    pub(crate) fn add_to(&self, batch: &mut Batch) {
        static BLOBS: Rows = Rows {
            before: "INSERT INTO blob (digest, size, zstd) ",
            after: " ON CONFLICT (digest) DO NOTHING",
            changes_each: false,
        };
        let size = to_i64(self.size as u64);
        batch.row(&BLOBS, [self.digest.as_bytes().as_slice().into(), size.into(), (&self.zstd).into()]);
    }
}

impl Store {
    /// The content with this digest.
    pub(crate) async fn blob(&self, digest: &Sha256Digest) -> Result<Option<Vec<u8>>, StoreError> {
        read(self.readers(), digest).await
    }
}

/// The content with this digest.
pub(crate) async fn read(
    executor: impl Executor<'_>,
    digest: &Sha256Digest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<(i64, Vec<u8>)> = sql::query_as("SELECT size, zstd FROM blob WHERE digest = ?")
        .bind(digest.as_bytes().as_slice())
        .fetch_optional(executor)
        .await?;
    let Some((size, zstd)) = row else { return Ok(None) };
    let size = usize::try_from(size).map_err(|_| StoreError::Damaged { what: "a content's size" })?;
    let bytes = wire::submit::decompress(&zstd, size)
        .map_err(|_| StoreError::Damaged { what: "a content that does not decompress" })?;
    if Sha256Digest::of(&[&bytes]) == *digest {
        Ok(Some(bytes))
    } else {
        Err(StoreError::Damaged { what: "a content that is not what its digest says" })
    }
}
