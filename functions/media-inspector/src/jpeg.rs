//! JPEG: keeps only the segments that make the picture, so that no place, device or text remains,
//! and no bytes behind its end.

use domain::media::upload::Refusal;

use crate::bytes::{be, length, part};

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;
const COMMENT: u8 = 0xFE;
const EXIF: &[u8] = b"Exif\0\0";
/// Exif's tag of the orientation.
const ORIENTATION: u64 = 0x0112;

/// Only the picture.
pub(crate) fn clean(file: &[u8]) -> Result<Vec<u8>, Refusal> {
    if !file.starts_with(&[0xFF, SOI, 0xFF]) {
        return Err(Refusal::WrongType);
    }
    let mut out = Vec::with_capacity(file.len());
    out.extend([0xFF, SOI]);
    let (mut at, mut framed, mut scanned) = (2, false, false);
    loop {
        let (marker, after) = marker(file, at)?;
        at = after;
        match marker {
            EOI if framed && scanned => break,
            0x01 | 0xD0..=0xD7 => out.extend([0xFF, marker]),
            0x00 | SOI | EOI => return Err(Refusal::Damaged),
            _ => {
                let size = length(be(file, at, 2)?)?;
                let segment = part(file, at, size.max(2))?;
                let content = segment.get(2..).unwrap_or_default();
                at += segment.len();
                if is_kept(marker, content) {
                    out.extend([0xFF, marker]);
                    out.extend(segment);
                } else if marker == APP1 {
                    out.extend(turned(content).unwrap_or_default());
                }
                framed |= is_frame(marker) && has_size(content)?;
                if marker == SOS {
                    scanned = true;
                    let end = end_of_scan(file, at)?;
                    out.extend(file.get(at..end).unwrap_or_default());
                    at = end;
                }
            }
        }
    }
    out.extend([0xFF, EOI]);
    Ok(out)
}

/// The marker at an offset, and where it ends. Any number of fill bytes may come before it.
fn marker(file: &[u8], at: usize) -> Result<(u8, usize), Refusal> {
    let rest = file.get(at..).unwrap_or_default();
    let fill = rest.iter().take_while(|byte| **byte == 0xFF).count();
    let marker = rest.get(fill).filter(|_| fill > 0).ok_or(Refusal::Damaged)?;
    Ok((*marker, at + fill + 1))
}

fn is_kept(marker: u8, content: &[u8]) -> bool {
    match marker {
        APP0 => content.starts_with(b"JFIF\0"),
        APP2 => content.starts_with(b"ICC_PROFILE\0"),
        APP14 => content.starts_with(b"Adobe"),
        APP0..=0xEF | COMMENT => false,
        _ => true,
    }
}

/// Whether a segment begins a frame; 0xC4, 0xC8 and 0xCC are tables of the same range.
fn is_frame(marker: u8) -> bool {
    (0xC0..=0xCF).contains(&marker) && ![0xC4, 0xC8, 0xCC].contains(&marker)
}

fn has_size(frame: &[u8]) -> Result<bool, Refusal> {
    let (height, width) = (be(frame, 1, 2)?, be(frame, 3, 2)?);
    if height > 0 && width > 0 { Ok(true) } else { Err(Refusal::Damaged) }
}

/// The end of the data of a scan: the next marker that is no restart.
fn end_of_scan(file: &[u8], at: usize) -> Result<usize, Refusal> {
    let data = file.get(at..).unwrap_or_default();
    let is_end = |pair: &[u8]| matches!(pair, [0xFF, next] if !matches!(next, 0x00 | 0xD0..=0xD7));
    data.windows(2).position(is_end).map(|length| at + length).ok_or(Refusal::Damaged)
}

/// Exif with the orientation only. An upright picture does not need it.
fn turned(content: &[u8]) -> Option<Vec<u8>> {
    let value = orientation(content.strip_prefix(EXIF)?).filter(|value| (2..=8).contains(value))?;
    let mut segment = vec![0xFF, APP1, 0, 34];
    segment.extend(EXIF);
    segment.extend(b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    segment.extend([value, 0, 0, 0, 0, 0, 0]);
    Some(segment)
}

fn orientation(tiff: &[u8]) -> Option<u8> {
    let number: fn(&[u8], usize, usize) -> Result<u64, Refusal> = match tiff.get(..2)? {
        b"II" => crate::bytes::le,
        b"MM" => be,
        _ => return None,
    };
    let directory = length(number(tiff, 4, 4).ok()?).ok()?;
    let entries = length(number(tiff, directory, 2).ok()?).ok()?;
    let entry = (0..entries).map(|n| directory + 2 + 12 * n).find(|at| number(tiff, *at, 2) == Ok(ORIENTATION))?;
    u8::try_from(number(tiff, entry + 8, 2).ok()?).ok()
}
