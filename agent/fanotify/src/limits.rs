//! Every maximum of this crate, each with its reason.

/// Longest file handle: `MAX_HANDLE_SZ` of the kernel.
pub const HANDLE_BYTES: usize = 128;
/// Events are read in pieces of this size: some 600 with names of usual length. The longest event, with a name of
/// 255 bytes and two handles, has less than 700 bytes; the kernel refuses a buffer that is too small for one.
pub const BUFFER_BYTES: usize = 64 << 10;
