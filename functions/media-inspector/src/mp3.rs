//! MP3: its frames one after another, without the tags before and behind them.

use domain::media::upload::Refusal;

use crate::bytes::{be, length, part};
use crate::clean::Clean;

/// Kilobits per second of layer III, by version 1 and by versions 2 and 2.5.
const BITRATES: [[u64; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Samples per second of version 1; a half and a quarter of it for 2 and 2.5.
const RATES: [u64; 3] = [44_100, 48_000, 32_000];

/// A frame: its bytes, its samples, and its samples per second.
struct Mp3Frame {
    size: usize,
    samples: u64,
    rate: u64,
}

/// Only the sound.
pub(crate) fn clean(file: &[u8]) -> Result<Clean, Refusal> {
    let start = after_id3(file)?;
    let sound = file.get(start..).unwrap_or_default();
    if frame(sound, 0).is_none() {
        return Err(Refusal::WrongType);
    }
    let (mut at, mut microseconds) = (0, 0);
    while let Some(found) = frame(sound, at) {
        // A recorder that was stopped may leave a part of the last frame.
        if at + found.size > sound.len() {
            break;
        }
        at += found.size;
        microseconds += found.samples * 1_000_000 / found.rate;
    }
    let (frames, rest) = sound.split_at_checked(at).unwrap_or((sound, &[]));
    let is_tail =
        rest.is_empty() || rest.starts_with(b"TAG") || rest.starts_with(b"APETAGEX") || frame(rest, 0).is_some();
    if at == 0 || !is_tail {
        return Err(Refusal::Damaged);
    }
    Ok(Clean { bytes: frames.to_vec(), duration_ms: Some(microseconds / 1_000) })
}

/// The start of the sound: behind an ID3v2 tag, whose length has seven bits per byte.
pub(crate) fn after_id3(file: &[u8]) -> Result<usize, Refusal> {
    if !file.starts_with(b"ID3") {
        return Ok(0);
    }
    let size = part(file, 6, 4)?.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7F));
    Ok(10 + length(size)?)
}

fn frame(sound: &[u8], at: usize) -> Option<Mp3Frame> {
    let head = be(sound, at, 4).ok()?;
    let bits = |shift: u32, mask: u64| head >> shift & mask;
    // Eleven set bits, and layer III.
    if bits(21, 0x7FF) != 0x7FF || bits(17, 3) != 1 {
        return None;
    }
    let (table, part_of_rate, samples) = match bits(19, 3) {
        3 => (0, 1, 1_152),
        2 => (1, 2, 576),
        0 => (1, 4, 576),
        _ => return None,
    };
    let bitrate = BITRATES.get(table)?.get(length(bits(12, 15)).ok()?.checked_sub(1)?)?;
    let rate = RATES.get(length(bits(10, 3)).ok()?)? / part_of_rate;
    let size = samples / 8 * bitrate * 1_000 / rate + bits(9, 1);
    Some(Mp3Frame { size: length(size).ok()?, samples, rate })
}
