//! A batch of events, from the request to the queue message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::company::department::DepartmentPath;
use crate::kernel::field::FieldError;
use crate::kernel::id::{CardId, CompanyId, PersonId, uuid_v7_millis};
use crate::kernel::timestamp::{SECOND_MS, Timestamp};
use crate::tracking::event::{Event, LATE_MS_MAX};

/// Most events in one batch.
pub const EVENTS_MAX: usize = 100;
/// Most distinct cards in one batch.
pub const CARDS_MAX: usize = 10;
/// How far ahead of the server the clock of a batch id may run.
pub const EARLY_MS_MAX: i64 = 300 * SECOND_MS;
/// The layout of [`AcceptedBatch`] that this code writes and reads.
pub const MESSAGE_VERSION: u8 = 1;

/// The id of a batch: a UUIDv7 that the client makes once and keeps on every retry.
///
/// It is the key under which the batch's events are logged, so its own time orders the feed. That
/// is why a time far from the server's is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(Uuid);

impl BatchId {
    /// Reads the hyphenated text of a UUIDv7 whose time is near `received`.
    ///
    /// # Errors
    /// `invalid_batch_id`, or `batch_id_out_of_range` when its time is more than
    /// seven days before or five minutes after `received`.
    pub fn parse(text: &str, received: Timestamp) -> Result<Self, FieldError> {
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.hyphenated().to_string() == text);
        let Some((uuid, millis)) = uuid.and_then(|uuid| Some((uuid, uuid_v7_millis(uuid)?))) else {
            return Err(FieldError::new("invalid_batch_id", "批次编号应为小写、带短横线的 UUIDv7"));
        };
        let earliest = received.millis() - LATE_MS_MAX;
        let latest = received.millis() + EARLY_MS_MAX;
        if !(earliest..=latest).contains(&millis) {
            return Err(FieldError::new(
                "batch_id_out_of_range",
                "批次编号的时间与服务器相差过大，请按响应头 Date 校准后重新生成",
            ));
        }
        Ok(Self(uuid))
    }

    /// The id of this UUID, for stored data.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID inside.
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// The id that other events under this id are logged by: of the same time, the same for the
    /// same events.
    #[must_use]
    pub fn for_other_content(self, fingerprint: &str) -> Self {
        // 64 bits of the content beside those of the id; the first 64 are time and version.
        let content = fingerprint
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut bytes = self.0.into_bytes();
        for (byte, mixed) in bytes[8..].iter_mut().zip(content.to_be_bytes()) {
            *byte ^= mixed;
        }
        Self(uuid::Builder::from_bytes(bytes).with_variant(uuid::Variant::RFC4122).into_uuid())
    }
}

/// What ingest puts into the queue: one message, the unit that is counted once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedBatch {
    /// [`MESSAGE_VERSION`].
    pub v: u8,
    /// The company whose mini-program sent it.
    pub company: CompanyId,
    /// The person who did it.
    pub person: PersonId,
    /// The client's batch id.
    pub batch: BatchId,
    /// Digest of what the client sent: a batch id stands for one content only.
    pub fingerprint: String,
    /// When ingest accepted it.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub received_at: Timestamp,
    /// Whether the person had not logged in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anonymous: bool,
    /// Version of the filter rules the events were judged by; 0 before there were any.
    #[serde(default)]
    pub rules: u16,
    /// Where each card was when the batch was accepted; one in no department is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub departments: BTreeMap<CardId, DepartmentPath>,
    /// 1 to [`EVENTS_MAX`] events, their times by the server's clock.
    pub events: Vec<Event>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::timestamp::DAY_MS;

    fn id_at(millis: i64) -> String {
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap(), &[7; 10]).into_uuid().to_string()
    }

    #[test]
    fn the_time_of_a_batch_id_must_be_near_the_servers() {
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let parse = |millis| BatchId::parse(&id_at(millis), now).map_err(|error| error.code);
        assert!(parse(now.millis()).is_ok());
        assert!(parse(now.millis() - 7 * DAY_MS).is_ok());
        assert!(parse(now.millis() + EARLY_MS_MAX).is_ok());
        assert_eq!(parse(now.millis() - 7 * DAY_MS - 1), Err("batch_id_out_of_range"));
        assert_eq!(parse(now.millis() + EARLY_MS_MAX + 1), Err("batch_id_out_of_range"));
    }

    #[test]
    fn other_events_under_an_id_have_an_id_of_the_same_time() {
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let id = BatchId::parse(&id_at(now.millis()), now).unwrap();
        let others = ["0123456789abcdef", "0123456789abcdee"].map(|content| id.for_other_content(content));
        assert_eq!(others[0], id.for_other_content("0123456789abcdef"));
        assert!(others[0] != others[1] && others[0] != id);
        for other in others {
            let text = other.uuid().hyphenated().to_string();
            assert_eq!(BatchId::parse(&text, now), Ok(other));
            assert_eq!(uuid_v7_millis(other.uuid()), Some(now.millis()));
        }
    }

    #[test]
    fn a_batch_id_has_one_spelling() {
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let good = id_at(now.millis());
        for bad in
            [good.to_uppercase(), good.replace('-', ""), format!("{{{good}}}"), String::new(), Uuid::nil().to_string()]
        {
            assert_eq!(BatchId::parse(&bad, now).unwrap_err().code, "invalid_batch_id", "{bad}");
        }
    }
}
