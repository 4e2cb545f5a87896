//! Every limit of this crate, each with its reason.
//!
//! They bound what a stranger's bytes can make us allocate; each is checked before the allocation.

/// Hashes in one proof: a tree of 2^63 leaves needs 63 for inclusion and 64 for consistency.
pub const MAX_PROOF_HASHES: usize = 64;

/// Bytes of a signed note: sixteen ML-DSA-44 signature lines of 3.3 kB fit, and nothing honest is larger.
pub const MAX_NOTE_BYTES: usize = 64 * 1024;

/// Signature lines of a note: C2SP asks for at least sixteen; a log with its witnesses stays far below this.
pub const MAX_SIGNATURES: usize = 64;

/// Bytes of a key's name: they are URLs without their scheme, and stand in every signature line.
pub const MAX_KEY_NAME_BYTES: usize = 255;

/// Bytes of a log's origin: as long as a key's name, which it should be.
pub const MAX_ORIGIN_BYTES: usize = MAX_KEY_NAME_BYTES;

/// Bytes of a key in text form: a name, eight hexadecimal digits, base64 of 33 bytes, and the separators.
pub const MAX_KEY_TEXT_BYTES: usize = MAX_KEY_NAME_BYTES + 96;

/// Bytes of extra data in a proof file, before base64: meant for a salt or a VRF proof, not for evidence.
pub const MAX_EXTRA_BYTES: usize = 16 * 1024;

/// Bytes of a proof file: its header, base64 of the extra data, a full proof, and a note.
pub const MAX_PROOF_FILE_BYTES: usize =
    128 + MAX_EXTRA_BYTES * 4 / 3 + 4 + MAX_PROOF_HASHES * 45 + MAX_NOTE_BYTES;

/// Bytes of an entry: a bundle gives its length two bytes.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Bytes of the path of a log's file: `tile/entries/`, seven groups of digits and a width.
pub const MAX_PATH_BYTES: usize = 64;

/// Bytes of a full tile: 256 hashes.
pub const MAX_TILE_BYTES: usize = 256 * 32;

/// Bytes of a full bundle: 256 entries of the greatest length.
pub const MAX_BUNDLE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES);

/// Full tiles that a reader keeps in memory once they were verified, of 16 KiB each: enough for neighbouring
/// proofs to share their way to the root.
pub const READER_TILES: usize = 256;

/// Checkpoints that one audit compares on its way: one every ten minutes for sixty years.
pub const MAX_MARKS: usize = 1 << 22;

/// Bytes of a policy file: a line for each log, witness and group, with room for comments.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;

/// Logs of a policy: the specification asks for at least 32.
pub const MAX_POLICY_LOGS: usize = 64;

/// Witnesses of a policy: a fleet's own hosts may be among them, but a checkpoint has at most
/// [`MAX_SIGNATURES`] signatures.
pub const MAX_POLICY_WITNESSES: usize = 1_024;

/// Groups of a policy: the specification asks for at least 32.
pub const MAX_POLICY_GROUPS: usize = 256;

/// Hashes of the proof in a request to a witness.
pub const MAX_WITNESS_HASHES: usize = 63;

/// Bytes of a request to a witness: the old size, a full proof, and a note.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = 32 + MAX_WITNESS_HASHES * 45 + 1 + MAX_NOTE_BYTES;

/// Bytes of a witness's answer: some signature lines, or a size.
pub const MAX_WITNESS_ANSWER_BYTES: usize = 16 * 1024;
