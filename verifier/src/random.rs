//! Randomness from the kernel.

/// Bytes that nobody can guess. Without the kernel's randomness nothing that Lydian does is safe, so the error
/// must end whatever asked.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
