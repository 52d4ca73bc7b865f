//! The parts of a workbook, unpacked within bounds and written again without compression.
//!
//! What reads the workbook afterwards sees these parts alone, each as long as it says: a small file cannot
//! unpack to gigabytes there, whatever its headers promise.

use std::collections::HashSet;

use domain::crm::table::TableError;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::parts;

/// Most bytes of all parts together: 10,000 rows of 60 columns have half of it.
const UNPACKED_MAX: usize = 48 * 1024 * 1024;
/// Most entries of an archive.
const ENTRIES_MAX: usize = 2_000;
/// What no cell needs, of which there can be much.
const NOT_NEEDED: &[&str] = &["/media/", "/drawings/", "/charts/", "/theme/", "/pivot", "/externallinks/", "/custom"];

const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_LEN: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LEN: usize = 30;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1;

/// A part of an archive.
struct Part {
    name: Vec<u8>,
    bytes: Vec<u8>,
}

/// An archive with the parts that cells are read from, without compression.
pub(crate) fn unpacked(archive: &[u8]) -> Result<Vec<u8>, TableError> {
    // Parts that overlap could be unpacked over and over: all of them are no longer than the archive.
    let (mut room, mut input) = (UNPACKED_MAX, archive.len());
    let (mut parts, mut names) = (Vec::new(), HashSet::new());
    let (mut at, entries) = directory(archive)?;
    for _ in 0..entries {
        let header = section(archive, at, ENTRY_LEN, ENTRY)?;
        let [name_len, extra_len, comment_len] = [28, 30, 32].map(|place| usize::from(u16_at(header, place)));
        let name = archive.get(at + ENTRY_LEN..at + ENTRY_LEN + name_len).ok_or(TableError::Unreadable)?;
        at += ENTRY_LEN + name_len + extra_len + comment_len;
        let Some(lower) = needed(name) else { continue };
        if u16_at(header, 8) & ENCRYPTED != 0 {
            return Err(TableError::OldFormat);
        }
        let packed = packed(archive, usize_at(header, 42)?, usize_at(header, 20)?)?;
        input = input.checked_sub(packed.len()).ok_or(TableError::Unreadable)?;
        let bytes = match u16_at(header, 10) {
            STORED if packed.len() <= room => packed.to_vec(),
            STORED => return Err(TableError::TooLarge),
            DEFLATED => inflated(packed, room)?,
            _ => return Err(TableError::Unreadable),
        };
        room -= bytes.len();
        parts.push(Part { name: name.to_vec(), bytes: parts::mended(&lower, bytes)? });
        if !names.insert(lower) {
            return Err(TableError::Unreadable);
        }
    }
    stored(parts)
}

fn inflated(packed: &[u8], room: usize) -> Result<Vec<u8>, TableError> {
    use miniz_oxide::inflate::TINFLStatus;
    decompress_to_vec_with_limit(packed, room).map_err(|error| {
        if error.status == TINFLStatus::HasMoreOutput { TableError::TooLarge } else { TableError::Unreadable }
    })
}

/// Where the directory begins, and how many entries it has.
fn directory(archive: &[u8]) -> Result<(usize, usize), TableError> {
    let last = archive.len().checked_sub(END_LEN).ok_or(TableError::Unreadable)?;
    // A comment can stand behind it, of at most as many bytes as two bytes count.
    let first = last.saturating_sub(usize::from(u16::MAX));
    let at = (first..=last).rev().find(|at| archive[*at..].starts_with(END)).ok_or(TableError::Unreadable)?;
    let end = section(archive, at, END_LEN, END)?;
    let entries = usize::from(u16_at(end, 10));
    if entries > ENTRIES_MAX { Err(TableError::TooLarge) } else { Ok((usize_at(end, 16)?, entries)) }
}

fn packed(archive: &[u8], at: usize, len: usize) -> Result<&[u8], TableError> {
    let local = section(archive, at, LOCAL_LEN, LOCAL)?;
    let begin = at + LOCAL_LEN + usize::from(u16_at(local, 26)) + usize::from(u16_at(local, 28));
    begin.checked_add(len).and_then(|end| archive.get(begin..end)).ok_or(TableError::Unreadable)
}

/// The name of a part that cells are read from, in the one way in which it is looked for.
fn needed(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase().replace('\\', "/");
    let is_read = name.ends_with(".xml") || name.ends_with(".rels");
    (is_read && !NOT_NEEDED.iter().any(|part| name.contains(part))).then_some(name)
}

fn section<'a>(archive: &'a [u8], at: usize, len: usize, begins: &[u8]) -> Result<&'a [u8], TableError> {
    let section = at.checked_add(len).and_then(|end| archive.get(at..end));
    section.filter(|section| section.starts_with(begins)).ok_or(TableError::Unreadable)
}

fn u16_at(section: &[u8], place: usize) -> u16 {
    u16::from_le_bytes([section[place], section[place + 1]])
}

/// A size or an offset. One that says that it stands elsewhere, in files of four gigabytes, is beyond every
/// file here.
fn usize_at(section: &[u8], place: usize) -> Result<usize, TableError> {
    let bytes = [0, 1, 2, 3].map(|byte| section[place + byte]);
    usize::try_from(u32::from_le_bytes(bytes)).map_err(|_| TableError::Unreadable)
}

fn stored(parts: Vec<Part>) -> Result<Vec<u8>, TableError> {
    let count = u16::try_from(parts.len()).map_err(|_| TableError::TooLarge)?.to_le_bytes();
    let len: usize = parts.iter().map(|part| LOCAL_LEN + ENTRY_LEN + 2 * part.name.len() + part.bytes.len()).sum();
    let (mut archive, mut directory) = (Vec::with_capacity(len + END_LEN), Vec::new());
    // Each part goes when it is written: nothing is held twice for longer.
    for Part { name, bytes } in parts {
        let at = u32_of(archive.len())?;
        let fields = fields(&name, &bytes)?;
        archive.extend([LOCAL, &[20, 0], &fields, &name].concat());
        archive.extend(bytes);
        directory.extend([ENTRY, &[20, 0, 20, 0], &fields, &[0; 10], &at.to_le_bytes(), &name].concat());
    }
    let (at, len) = (u32_of(archive.len())?, u32_of(directory.len())?);
    archive.extend(directory);
    archive.extend([END, &[0; 4], &count, &count, &len.to_le_bytes(), &at.to_le_bytes(), &[0; 2]].concat());
    Ok(archive)
}

/// What both headers of a part have: no flags, no compression, no time, sum, sizes, length of the name.
fn fields(name: &[u8], bytes: &[u8]) -> Result<Vec<u8>, TableError> {
    let len = u32_of(bytes.len())?.to_le_bytes();
    let name_len = u16::try_from(name.len()).map_err(|_| TableError::Unreadable)?.to_le_bytes();
    let sum = crc32fast::hash(bytes).to_le_bytes();
    // A day that exists: the first one of 1980.
    Ok([&[0, 0, 0, 0, 0, 0, 33, 0], &sum[..], &len, &len, &name_len, &[0, 0]].concat())
}

fn u32_of(len: usize) -> Result<u32, TableError> {
    u32::try_from(len).map_err(|_| TableError::TooLarge)
}
