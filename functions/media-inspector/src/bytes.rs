//! Numbers at offsets of a file that may be shorter than its headers claim.

use domain::media::upload::Refusal;

/// `len` bytes at `at`.
pub(crate) fn part(file: &[u8], at: usize, len: usize) -> Result<&[u8], Refusal> {
    let end = at.checked_add(len).ok_or(Refusal::Damaged)?;
    file.get(at..end).ok_or(Refusal::Damaged)
}

/// The unsigned big-endian number in the `N` bytes at `at`.
pub(crate) fn be(file: &[u8], at: usize, len: usize) -> Result<u64, Refusal> {
    Ok(part(file, at, len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The unsigned little-endian number in the `N` bytes at `at`.
pub(crate) fn le(file: &[u8], at: usize, len: usize) -> Result<u64, Refusal> {
    Ok(part(file, at, len)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// A number of bytes as a length in memory.
pub(crate) fn length(number: u64) -> Result<usize, Refusal> {
    usize::try_from(number).map_err(|_| Refusal::Damaged)
}
