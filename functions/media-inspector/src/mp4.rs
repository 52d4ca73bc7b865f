//! MP4: a walk through its boxes. All content other than picture and sound, above all the place of
//! the recording, is overwritten in place: offsets into the file stay right.

use std::ops::Range;

use domain::media::upload::Refusal;

use crate::bytes::{be, length, part};
use crate::clean::Clean;

/// The tracks that a file must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    /// Moving pictures.
    Video,
    /// Sound, and no moving pictures.
    Sound,
}

/// Brands of still pictures and of QuickTime, which use the same container.
const OTHER_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"mif1", b"msf1", b"avif", b"qt  "];
/// Boxes that hold neither picture nor sound.
const PRIVATE: [&[u8]; 5] = [b"udta", b"meta", b"uuid", b"free", b"skip"];
/// Most boxes on one level: far above the number in a fragmented film, far below the number that
/// would fill the memory.
const BOXES_MAX: usize = 10_000;
/// The value of an unknown duration.
const UNKNOWN: [u64; 2] = [0xFFFF_FFFF, u64::MAX];

/// A box: its kind, and the ranges of its head and content.
struct Mp4Box {
    kind: [u8; 4],
    head: usize,
    content: Range<usize>,
}

/// The findings of the walk.
#[derive(Default)]
struct Movie {
    /// Units of time per second, from `mvhd`.
    scale: u64,
    duration_ms: u64,
    video: bool,
    sound: bool,
    private: Vec<Mp4Box>,
}

/// Only the film or the sound.
pub(crate) fn clean(mut file: Vec<u8>, wanted: Track) -> Result<Clean, Refusal> {
    if file.get(4..8) != Some(b"ftyp") || file.get(8..12).is_none_or(|brand| OTHER_BRANDS.contains(&brand)) {
        return Err(Refusal::WrongType);
    }
    let movie = walk(&file)?;
    match wanted {
        Track::Video if !movie.video => return Err(Refusal::WrongType),
        Track::Sound if movie.video || !movie.sound => return Err(Refusal::WrongType),
        Track::Video | Track::Sound => {}
    }
    if movie.duration_ms == 0 {
        return Err(Refusal::Damaged);
    }
    for Mp4Box { head, content, .. } in movie.private {
        file.get_mut(head + 4..head + 8).unwrap_or_default().copy_from_slice(b"free");
        file.get_mut(content).unwrap_or_default().fill(0);
    }
    Ok(Clean { bytes: file, duration_ms: Some(movie.duration_ms) })
}

fn walk(file: &[u8]) -> Result<Movie, Refusal> {
    let (mut movie, mut data, mut described) = (Movie::default(), false, false);
    for found in boxes(file, 0..file.len())? {
        match &found.kind {
            b"mdat" => data |= !found.content.is_empty(),
            b"moov" => {
                described = true;
                describe(file, found.content, &mut movie)?;
            }
            kind if is_private(kind) => movie.private.push(found),
            _ => {}
        }
    }
    if data && described { Ok(movie) } else { Err(Refusal::Damaged) }
}

fn describe(file: &[u8], moov: Range<usize>, movie: &mut Movie) -> Result<(), Refusal> {
    for found in boxes(file, moov)? {
        match &found.kind {
            b"mvhd" => {
                let (scale, duration) = times(file, &found.content)?;
                movie.scale = scale;
                movie.lasts(scale, duration);
            }
            b"trak" => describe_track(file, found.content, movie)?,
            // A fragmented film has its length here.
            b"mvex" => describe_fragments(file, found.content, movie)?,
            kind if is_private(kind) => movie.private.push(found),
            _ => {}
        }
    }
    Ok(())
}

fn describe_track(file: &[u8], trak: Range<usize>, movie: &mut Movie) -> Result<(), Refusal> {
    for found in boxes(file, trak)? {
        match &found.kind {
            b"mdia" => {
                for inner in boxes(file, found.content)? {
                    match &inner.kind {
                        b"mdhd" => {
                            let (scale, duration) = times(file, &inner.content)?;
                            movie.lasts(scale, duration);
                        }
                        b"hdlr" => match part(file, inner.content.start.saturating_add(8), 4)? {
                            b"vide" => movie.video = true,
                            b"soun" => movie.sound = true,
                            _ => {}
                        },
                        _ => {}
                    }
                }
            }
            kind if is_private(kind) => movie.private.push(found),
            _ => {}
        }
    }
    Ok(())
}

/// A fragmented film counts its length in the time scale of `mvhd`, which comes first.
fn describe_fragments(file: &[u8], mvex: Range<usize>, movie: &mut Movie) -> Result<(), Refusal> {
    for found in boxes(file, mvex)? {
        if &found.kind == b"mehd" {
            let content = file.get(found.content).ok_or(Refusal::Damaged)?;
            let long = content.first() == Some(&1);
            let units = be(content, 4, if long { 8 } else { 4 })?;
            movie.lasts(movie.scale, units);
        }
    }
    Ok(())
}

fn is_private(kind: &[u8; 4]) -> bool {
    PRIVATE.contains(&kind.as_slice())
}

/// Units per second, and their number, in a header of the film (`mvhd`) or of a track's media
/// (`mdhd`).
fn times(file: &[u8], content: &Range<usize>) -> Result<(u64, u64), Refusal> {
    let header = file.get(content.clone()).ok_or(Refusal::Damaged)?;
    // Version 1 has times and duration in 8 bytes.
    match header.first() {
        Some(1) => Ok((be(header, 20, 4)?, be(header, 24, 8)?)),
        _ => Ok((be(header, 12, 4)?, be(header, 16, 4)?)),
    }
}

impl Movie {
    /// The longest known duration counts.
    fn lasts(&mut self, scale: u64, units: u64) {
        if scale > 0 && !UNKNOWN.contains(&units) {
            let ms = u64::try_from(u128::from(units) * 1_000 / u128::from(scale)).unwrap_or(u64::MAX);
            self.duration_ms = self.duration_ms.max(ms);
        }
    }
}

/// The boxes of a part of the file, which they must fill.
fn boxes(file: &[u8], place: Range<usize>) -> Result<Vec<Mp4Box>, Refusal> {
    let mut found = Vec::new();
    let mut at = place.start;
    while at < place.end {
        let kind = part(file, at + 4, 4)?.try_into().map_err(|_| Refusal::Damaged)?;
        let (header, size) = match be(file, at, 4)? {
            // Size 0: to the end. Size 1: the size is in 8 bytes.
            0 => (8, place.end - at),
            1 => (16, length(be(file, at + 8, 8)?)?),
            size => (8, length(size)?),
        };
        let end = at.checked_add(size).filter(|end| size >= header && *end <= place.end).ok_or(Refusal::Damaged)?;
        if found.len() >= BOXES_MAX {
            return Err(Refusal::Damaged);
        }
        found.push(Mp4Box { kind, head: at, content: at + header..end });
        at = end;
    }
    Ok(found)
}
