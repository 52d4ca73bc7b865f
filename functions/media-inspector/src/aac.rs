//! AAC as a stream of ADTS frames.

use domain::media::upload::Refusal;

use crate::bytes::{be, length};
use crate::clean::Clean;
use crate::mp3::after_id3;

/// Samples per second, by index.
const RATES: [u64; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Samples per block.
const BLOCK: u64 = 1_024;

/// Only the sound.
pub(crate) fn clean(file: &[u8]) -> Result<Clean, Refusal> {
    let sound = file.get(after_id3(file)?..).unwrap_or_default();
    if frame(sound, 0).is_none() {
        return Err(Refusal::WrongType);
    }
    let (mut at, mut microseconds) = (0, 0);
    while let Some((size, duration)) = frame(sound, at) {
        // A recorder that was stopped may leave a part of the last frame.
        if at + size > sound.len() {
            break;
        }
        at += size;
        microseconds += duration;
    }
    let (frames, rest) = sound.split_at_checked(at).unwrap_or((sound, &[]));
    if at == 0 || !(rest.is_empty() || frame(rest, 0).is_some()) {
        return Err(Refusal::Damaged);
    }
    Ok(Clean { bytes: frames.to_vec(), duration_ms: Some(microseconds / 1_000) })
}

/// Length in bytes and duration in microseconds of the frame at an offset.
fn frame(sound: &[u8], at: usize) -> Option<(usize, u64)> {
    let head = be(sound, at, 7).ok()?;
    let bits = |shift: u32, mask: u64| head >> shift & mask;
    // Twelve set bits, and layer 0.
    if bits(44, 0xFFF) != 0xFFF || bits(41, 3) != 0 {
        return None;
    }
    let rate = RATES.get(length(bits(34, 15)).ok()?)?;
    let (size, blocks) = (bits(13, 0x1FFF), bits(0, 3) + 1);
    (size > 7).then_some((length(size).ok()?, blocks * BLOCK * 1_000_000 / rate))
}
