//! Tests of uploads.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

fn card(n: u128) -> CardId {
    CardId::from_uuid(Uuid::from_u128(n))
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000).plus_millis(hours * 3_600_000)
}

fn upload(state: UploadState) -> Upload {
    Upload {
        id: UploadId::from_uuid(Uuid::from_u128(1)),
        purpose: Purpose::Photo,
        format: Format::Jpeg,
        bytes: 9,
        card: Some(card(1)),
        member: MemberId::from_uuid(Uuid::from_u128(2)),
        state,
        used: false,
        created_at: at(0),
    }
}

const READY: UploadState = UploadState::Ready { duration_ms: None };

#[test]
fn the_limit_itself_passes_and_a_byte_more_does_not() {
    for (purpose, format, max) in [
        (Purpose::Avatar, Format::Webp, 5 * 1024 * 1024),
        (Purpose::Photo, Format::Png, 20 * 1024 * 1024),
        (Purpose::CardVideo, Format::Mp4, 50 * 1024 * 1024),
        (Purpose::Voice, Format::Aac, 2 * 1024 * 1024),
    ] {
        assert_eq!(purpose.check(format, max), Ok(()));
        assert_eq!(purpose.check(format, 1), Ok(()));
        for bytes in [0, max + 1, u64::MAX] {
            let error = purpose.check(format, bytes).unwrap_err();
            assert_eq!((error.code, error.pointer), ("out_of_range", "/bytes"));
        }
    }
}

#[test]
fn a_purpose_takes_its_own_formats_only() {
    for purpose in Purpose::ALL {
        for format in Format::ALL {
            let taken = purpose.limits().formats.contains(format);
            assert_eq!(purpose.check(*format, 1).is_ok(), taken, "{purpose:?} {format:?}");
        }
    }
    assert_eq!(Purpose::Voice.check(Format::Mp4, 1).unwrap_err().pointer, "/content_type");
}

#[test]
fn sixty_seconds_and_a_part_of_one_are_not_too_long() {
    let limits = Purpose::Voice.limits();
    for (duration_ms, expected) in [(1, Ok(())), (60_999, Ok(())), (61_000, Err(Refusal::TooLong))] {
        assert_eq!(limits.check_duration(duration_ms), expected);
    }
    assert_eq!(Purpose::CardVideo.limits().check_duration(u64::MAX), Ok(()));
}

#[test]
fn only_a_fresh_and_ready_upload_of_the_card_and_purpose_can_be_used() {
    let code = |upload: &Upload, card, purpose, hours| upload.usable(card, purpose, at(hours)).err().map(|e| e.code);
    let ready = upload(READY);
    assert_eq!(code(&ready, card(1), Purpose::Photo, 23), None);
    assert_eq!(code(&ready, card(1), Purpose::Photo, 24), Some("unknown_upload"));
    assert_eq!(code(&ready, card(2), Purpose::Photo, 0), Some("unknown_upload"));
    assert_eq!(code(&ready, card(1), Purpose::Avatar, 0), Some("wrong_purpose"));
    let used = Upload { used: true, ..ready };
    assert_eq!(code(&used, card(1), Purpose::Photo, 0), Some("upload_used"));
    assert_eq!(code(&upload(UploadState::Waiting), card(1), Purpose::Photo, 0), Some("upload_not_ready"));
    let refused = upload(UploadState::Refused { reason: Refusal::Damaged });
    assert_eq!(code(&refused, card(1), Purpose::Photo, 0), Some("upload_refused"));
}

#[test]
fn a_state_reads_back() {
    for state in [UploadState::Waiting, READY, UploadState::Refused { reason: Refusal::TooLong }] {
        let json = serde_json::to_string(&upload(state)).unwrap();
        assert_eq!(serde_json::from_str::<Upload>(&json).unwrap(), upload(state));
    }
}

proptest! {
    #[test]
    fn a_quarantined_file_tells_its_company_and_upload(company: u128, id: u128) {
        let (company, id) = (CompanyId::from_uuid(Uuid::from_u128(company)), UploadId::from_uuid(Uuid::from_u128(id)));
        let key = quarantine_key(Company::granted(company), id);
        prop_assert_eq!(quarantined(&key), Some((company, id)));
        prop_assert_eq!(quarantined(&media_key(Company::granted(company), id)), None);
    }

    #[test]
    fn any_key_is_read_without_panic(key in "\\PC{0,80}") {
        prop_assert_eq!(quarantined(&key), None);
    }
}
