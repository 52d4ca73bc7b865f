//! WebP: keeps only the chunks that make the picture, and no bytes behind its end.

use domain::media::upload::Refusal;

use crate::bytes::{le, length, part};

/// Size of the file's header, and of the part that its length does not count.
const HEADER: usize = 12;
const UNCOUNTED: usize = 8;
/// The bits of `VP8X` that announce Exif and XMP.
const METADATA: u8 = 0b0000_1100;

/// Only the picture.
pub(crate) fn clean(file: &[u8]) -> Result<Vec<u8>, Refusal> {
    if !file.starts_with(b"RIFF") || file.get(8..HEADER) != Some(b"WEBP") {
        return Err(Refusal::WrongType);
    }
    let end = length(le(file, 4, 4)?)?.checked_add(UNCOUNTED).ok_or(Refusal::Damaged)?;
    let file = part(file, 0, end)?;
    let (mut out, mut at, mut data) = (file.get(..HEADER).unwrap_or_default().to_vec(), HEADER, false);
    while at < file.len() {
        let size = length(le(file, at + 4, 4)?)?;
        // Chunks begin at even offsets.
        let chunk = part(file, at, size.checked_add(8 + size % 2).ok_or(Refusal::Damaged)?)?;
        let (kind, content) = (part(chunk, 0, 4)?, part(chunk, 8, size)?);
        at += chunk.len();
        let from = out.len();
        match kind {
            b"VP8 " if content.get(3..6) == Some(&[0x9D, 0x01, 0x2A]) => data = true,
            b"VP8L" if content.first() == Some(&0x2F) => data = true,
            b"ANMF" => data = true,
            b"VP8 " | b"VP8L" => return Err(Refusal::Damaged),
            b"VP8X" | b"ALPH" | b"ANIM" | b"ICCP" => {}
            _ => continue,
        }
        out.extend(chunk);
        if let (b"VP8X", Some(flags)) = (kind, out.get_mut(from + 8)) {
            *flags &= !METADATA;
        }
    }
    if !data {
        return Err(Refusal::Damaged);
    }
    let counted = u32::try_from(out.len() - UNCOUNTED).map_err(|_| Refusal::Damaged)?;
    out.splice(4..8, counted.to_le_bytes());
    Ok(out)
}
