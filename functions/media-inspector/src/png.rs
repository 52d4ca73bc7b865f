//! PNG: keeps only the chunks that make the picture, and no bytes behind its end.

use domain::media::upload::Refusal;

use crate::bytes::{be, length, part};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
/// The picture, its transparency, colours and resolution, and the frames of an animation.
const KEPT: [&[u8]; 15] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs",
    b"acTL", b"fcTL", b"fdAT",
];

/// Only the picture.
pub(crate) fn clean(file: &[u8]) -> Result<Vec<u8>, Refusal> {
    if !file.starts_with(SIGNATURE) {
        return Err(Refusal::WrongType);
    }
    let (mut out, mut at, mut data) = (SIGNATURE.to_vec(), SIGNATURE.len(), false);
    loop {
        // Length, kind, content, checksum.
        let size = length(be(file, at, 4)?)?;
        let chunk = part(file, at, size.checked_add(12).ok_or(Refusal::Damaged)?)?;
        let kind = part(chunk, 4, 4)?;
        let is_first = at == SIGNATURE.len();
        if is_first != (kind == b"IHDR") || (is_first && (be(chunk, 8, 4)? == 0 || be(chunk, 12, 4)? == 0)) {
            return Err(Refusal::Damaged);
        }
        at += chunk.len();
        data |= kind == b"IDAT";
        if KEPT.contains(&kind) {
            out.extend(chunk);
        }
        if kind == b"IEND" {
            return if data { Ok(out) } else { Err(Refusal::Damaged) };
        }
    }
}
