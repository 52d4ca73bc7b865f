//! Tests of inspection, on files made here byte by byte.

use proptest::prelude::*;

use super::*;

/// Metadata that must not be published.
const SECRET: &[u8] = b"31.2304N121.4737E";

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len() + 2).unwrap();
    [&[0xFF, marker], &size.to_be_bytes()[..], content].concat()
}

/// A JPEG of two scans, with any segments before its frame and any bytes behind its end.
fn jpeg_with(before: &[Vec<u8>], behind: &[u8]) -> Vec<u8> {
    let frame = segment(0xC2, &[8, 0, 3, 0, 5, 1, 1, 0x11, 0]);
    let scan = [segment(0xDA, &[1, 1, 0, 0, 63, 0]), vec![7, 0xFF, 0x00, 8, 0xFF, 0xD0, 9]].concat();
    let tables = segment(0xC4, &[0; 17]);
    let (start, jfif) = (vec![0xFF, 0xD8], segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"));
    [start, jfif, before.concat(), frame, scan.clone(), tables, scan, vec![0xFF, 0xD9], behind.to_vec()].concat()
}

fn jpeg() -> Vec<u8> {
    jpeg_with(&[], &[])
}

/// Exif as a camera writes it: the orientation, and a place.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    segment(0xE1, &[b"Exif\0\0II*\0\x08\0\0\0\x02\0", &[0; 12][..], &entry, SECRET].concat())
}

fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len()).unwrap().to_be_bytes(), kind, content, b"CRC!"].concat()
}

fn png_with(extra: &[u8]) -> Vec<u8> {
    let header = chunk(b"IHDR", &[0, 0, 0, 5, 0, 0, 0, 3, 8, 2, 0, 0, 0]);
    [b"\x89PNG\r\n\x1A\n", &header[..], extra, &chunk(b"IDAT", b"pixels"), &chunk(b"IEND", b"")].concat()
}

fn png() -> Vec<u8> {
    png_with(&[])
}

fn riff(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let pad = vec![0; content.len() % 2];
    [kind, &u32::try_from(content.len()).unwrap().to_le_bytes(), content, &pad].concat()
}

fn webp_with(flags: u8, extra: &[u8]) -> Vec<u8> {
    let picture = riff(b"VP8 ", &[0x30, 1, 0, 0x9D, 0x01, 0x2A, 5, 0, 3, 0, 1]);
    let head = riff(b"VP8X", &[flags, 0, 0, 0, 4, 0, 0, 2, 0, 0]);
    riff(b"RIFF", &[b"WEBP", &head[..], &picture, extra].concat())
}

fn webp() -> Vec<u8> {
    webp_with(0, &[])
}

fn boxed(kind: &[u8], content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len() + 8).unwrap().to_be_bytes(), kind, content].concat()
}

/// `mvhd` or `mdhd` of version 0, of milliseconds.
fn times(kind: &[u8], duration_ms: u32) -> Vec<u8> {
    boxed(kind, &[&[0; 12][..], &1_000_u32.to_be_bytes(), &duration_ms.to_be_bytes(), &[0; 8]].concat())
}

fn track(handler: &[u8], duration_ms: u32, extra: &[u8]) -> Vec<u8> {
    let named = boxed(b"hdlr", &[&[0; 8], handler, &[0; 12][..]].concat());
    boxed(b"trak", &[&boxed(b"mdia", &[times(b"mdhd", duration_ms), named].concat())[..], extra].concat())
}

fn movie(brand: &[u8], tracks: &[&[u8]], duration_ms: u32, extra: &[u8]) -> Vec<u8> {
    let tracks: Vec<_> = tracks.iter().flat_map(|handler| track(handler, duration_ms, extra)).collect();
    let moov = boxed(b"moov", &[&times(b"mvhd", duration_ms)[..], &tracks, extra].concat());
    [boxed(b"ftyp", &[brand, b"\0\0\0\0"].concat()), moov, extra.to_vec(), boxed(b"mdat", b"pictures and sound")]
        .concat()
}

fn mp4() -> Vec<u8> {
    movie(b"isom", &[b"vide", b"soun"], 1_500, &[])
}

/// Frames of 128 kbit/s at 44,100 Hz: 417 bytes, 26 ms.
fn mp3(frames: usize) -> Vec<u8> {
    [&[0xFF, 0xFB, 0x90, 0x00][..], &[0x55; 413]].concat().repeat(frames)
}

/// Frames of 100 bytes at 16,000 Hz: 64 ms.
fn aac(frames: usize) -> Vec<u8> {
    [&[0xFF, 0xF1, 0x60, 0x40, 0x0C, 0x9F, 0xFC][..], &[0x55; 93]].concat().repeat(frames)
}

fn good() -> Vec<(Purpose, Format, Vec<u8>)> {
    vec![
        (Purpose::Photo, Format::Jpeg, jpeg()),
        (Purpose::Avatar, Format::Png, png()),
        (Purpose::Photo, Format::Webp, webp()),
        (Purpose::CardVideo, Format::Mp4, mp4()),
        (Purpose::Voice, Format::M4a, movie(b"M4A ", &[b"soun"], 59_000, &[])),
        (Purpose::Voice, Format::Mp3, mp3(50)),
        (Purpose::Voice, Format::Aac, aac(50)),
    ]
}

fn contains(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_file_with_nothing_private_is_published_byte_for_byte() {
    for (purpose, format, file) in good() {
        assert_eq!(inspect(purpose, format, file.clone()).unwrap().bytes, file, "{format:?}");
    }
}

#[test]
fn a_file_is_what_its_bytes_say_and_nothing_else() {
    let others: Vec<_> = good().into_iter().map(|(.., file)| file).collect();
    let texts = [&b"<!DOCTYPE html><script>"[..], b"%PDF-1.7", b"GIF89a", b"PK\x03\x04", b"a text named .jpg", b""];
    for (purpose, format, file) in good() {
        for other in
            others.iter().filter(|other| **other != file).cloned().chain(texts.iter().map(|text| text.to_vec()))
        {
            assert_eq!(inspect(purpose, format, other).unwrap_err(), Refusal::WrongType, "{format:?}");
        }
    }
    for brand in [b"heic", b"avif", b"qt  "] {
        let file = movie(brand, &[b"vide"], 1, &[]);
        assert_eq!(inspect(Purpose::CardVideo, Format::Mp4, file).unwrap_err(), Refusal::WrongType);
    }
}

#[test]
fn a_file_that_is_cut_off_is_damaged() {
    // A stream of sound that ends in a frame is taken up to there.
    let streams = [Format::Mp3, Format::Aac];
    for (purpose, format, file) in good().into_iter().filter(|(_, format, _)| !streams.contains(format)) {
        for cut in 40..file.len() {
            let refusal = inspect(purpose, format, file[..cut].to_vec()).unwrap_err();
            assert_eq!(refusal, Refusal::Damaged, "{format:?} {cut}");
        }
    }
}

#[test]
fn a_photo_loses_place_device_and_comments_and_keeps_its_orientation() {
    let xmp = segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat());
    let icc = segment(0xE2, b"ICC_PROFILE\0\x01\x01profile");
    let private = [exif(6), xmp, segment(0xED, SECRET), segment(0xFE, b"<script>"), icc.clone()];
    let clean = inspect(Purpose::Photo, Format::Jpeg, jpeg_with(&private, b"PK\x03\x04<html>")).unwrap().bytes;
    for gone in [SECRET, b"<script>", b"<html>", b"adobe"] {
        assert!(!contains(&clean, gone), "{gone:?}");
    }
    let upright = segment(0xE1, b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    assert_eq!(clean, jpeg_with(&[upright, icc], &[]));
    assert_eq!(inspect(Purpose::Photo, Format::Jpeg, clean.clone()).unwrap().bytes, clean, "once is enough");
    let untouched = inspect(Purpose::Photo, Format::Jpeg, jpeg_with(&[exif(1)], &[])).unwrap().bytes;
    assert_eq!(untouched, jpeg());
}

#[test]
fn png_and_webp_lose_text_and_exif() {
    let extra = [chunk(b"tEXt", SECRET), chunk(b"eXIf", SECRET)].concat();
    let file = [png_with(&extra), b"<html>".to_vec()].concat();
    assert_eq!(inspect(Purpose::Photo, Format::Png, file).unwrap().bytes, png());
    let extra = [riff(b"EXIF", SECRET), riff(b"XMP ", SECRET)].concat();
    let file = [webp_with(0b0000_1100, &extra), b"<html>".to_vec()].concat();
    assert_eq!(inspect(Purpose::Photo, Format::Webp, file).unwrap().bytes, webp());
}

#[test]
fn a_video_loses_its_place_where_it_stands() {
    let udta = boxed(b"udta", &boxed(b"\xA9xyz", SECRET));
    let file = movie(b"mp42", &[b"vide"], 2_000, &udta);
    let clean = inspect(Purpose::CardVideo, Format::Mp4, file.clone()).unwrap();
    assert_eq!((clean.duration_ms, clean.bytes.len()), (Some(2_000), file.len()));
    assert!(contains(&file, SECRET) && !contains(&clean.bytes, SECRET) && !contains(&clean.bytes, b"udta"));
    assert!(clean.bytes.ends_with(&boxed(b"mdat", b"pictures and sound")));
}

#[test]
fn a_video_needs_pictures_a_length_and_data() {
    let refused = |file| inspect(Purpose::CardVideo, Format::Mp4, file).unwrap_err();
    assert_eq!(refused(movie(b"isom", &[b"soun"], 1_000, &[])), Refusal::WrongType);
    assert_eq!(refused(movie(b"isom", &[b"vide"], 0, &[])), Refusal::Damaged);
    assert_eq!(refused(movie(b"isom", &[b"vide"], u32::MAX, &[])), Refusal::Damaged);
    assert_eq!(refused(boxed(b"ftyp", b"isom\0\0\0\0")), Refusal::Damaged);
    assert_eq!(refused(movie(b"isom", &[b"vide"], 1, &boxed(b"free", b"").repeat(10_001))), Refusal::Damaged);
    let in_fragments = boxed(b"mvex", &boxed(b"mehd", &[0, 0, 0, 0, 0, 0, 0x0B, 0xB8]));
    let file = movie(b"isom", &[b"vide"], 0, &in_fragments);
    // The box of fragments also stands in the tracks and at the top, where it has no meaning.
    assert_eq!(inspect(Purpose::CardVideo, Format::Mp4, file).unwrap().duration_ms, Some(3_000));
}

#[test]
fn a_sound_plays_as_long_as_its_frames() {
    let duration = |format, file| inspect(Purpose::Voice, format, file).map(|clean| clean.duration_ms);
    assert_eq!(duration(Format::Mp3, mp3(100)), Ok(Some(2_612)));
    assert_eq!(duration(Format::Aac, aac(100)), Ok(Some(6_400)));
    assert_eq!(duration(Format::Aac, aac(953)), Ok(Some(60_992)));
    assert_eq!(duration(Format::Aac, aac(954)), Err(Refusal::TooLong));
    assert_eq!(duration(Format::Mp3, mp3(2_400)), Err(Refusal::TooLong));
    assert_eq!(duration(Format::M4a, movie(b"M4A ", &[b"soun"], 61_000, &[])), Err(Refusal::TooLong));
    assert_eq!(duration(Format::M4a, movie(b"M4A ", &[b"soun", b"vide"], 1, &[])), Err(Refusal::WrongType));
}

#[test]
fn a_sound_loses_its_tags_and_a_frame_that_is_cut_off() {
    let tag = [b"ID3\x04\0\0\0\0\0\x11", SECRET].concat();
    let file = [&tag[..], &mp3(3), b"TAG", SECRET].concat();
    assert_eq!(inspect(Purpose::Voice, Format::Mp3, file).unwrap().bytes, mp3(3));
    let cut = [aac(2), aac(1)[..40].to_vec()].concat();
    assert_eq!(inspect(Purpose::Voice, Format::Aac, cut).unwrap().bytes, aac(2));
    for (format, file) in [(Format::Mp3, mp3(3)), (Format::Aac, aac(3))] {
        let mixed = [&file[..], b"<html>"].concat();
        assert_eq!(inspect(Purpose::Voice, format, mixed).unwrap_err(), Refusal::Damaged);
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_although_the_ticket_let_it_in() {
    let file = [aac(1), vec![0; 2 * 1024 * 1024]].concat();
    assert_eq!(inspect(Purpose::Voice, Format::Aac, file).unwrap_err(), Refusal::TooLarge);
}

proptest! {
    #[test]
    fn any_bytes_are_inspected_without_panic(file: Vec<u8>, which in 0usize..7) {
        let (purpose, format, start) = good().swap_remove(which);
        for begun in [0, 2, 4, 12, 40] {
            let file = [&start[..begun], &file].concat();
            let _ = inspect(purpose, format, file);
        }
    }

    #[test]
    fn a_good_file_with_changed_bytes_is_inspected_without_panic(
        which in 0usize..7, changes in prop::collection::vec((0usize..2_000, any::<u8>()), 1..6),
    ) {
        let (purpose, format, mut file) = good().swap_remove(which);
        for (at, byte) in changes {
            let at = at % file.len();
            file[at] = byte;
        }
        let _ = inspect(purpose, format, file);
    }
}
