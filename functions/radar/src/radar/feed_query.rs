//! The filter of a feed.

use domain::kernel::day::Day;
use domain::kernel::id::PersonId;
use domain::kernel::timestamp::DAY_MS;
use domain::tracking::batch::{BatchId, EARLY_MS_MAX};
use domain::tracking::event::{Event, EventKind, LATE_MS_MAX};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// How long a batch may wait in the queue before it is counted: its retention.
const QUEUED_MS_MAX: i64 = 14 * DAY_MS;

/// The filter of a feed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedQuery {
    /// Only events of this kind.
    #[param(inline)]
    kind: Option<EventKind>,
    /// Only events of this person.
    #[param(inline)]
    person_id: Option<PersonId>,
    /// Only events that happened on this day in Asia/Shanghai.
    #[param(inline)]
    day: Option<Day>,
    /// Whether to show events that are not counted. `exclude` if absent; `only` shows every event
    /// with a reason, also one that counts.
    #[param(inline)]
    #[serde(default)]
    filtered: Filtered,
}

/// What becomes of events that are not counted.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Filtered {
    #[default]
    Exclude,
    Include,
    Only,
}

impl FeedQuery {
    /// Whether the filter drops most lines, so that more batches must be read.
    pub(crate) fn is_narrow(&self) -> bool {
        self.kind.is_some() || self.person_id.is_some() || self.day.is_some() || matches!(self.filtered, Filtered::Only)
    }

    /// Whether a line passes the filter.
    pub(crate) fn wants(&self, person: PersonId, event: &Event) -> bool {
        self.kind.is_none_or(|kind| kind == event.kind)
            && self.person_id.is_none_or(|wanted| wanted == person)
            && self.day.is_none_or(|day| day == Day::of(event.at))
            && match self.filtered {
                Filtered::Exclude => event.counts(),
                Filtered::Include => true,
                Filtered::Only => event.filtered.is_some(),
            }
    }

    /// The newest batch that can hold an event of the wanted day.
    pub(crate) fn newest_batch(&self) -> Option<BatchId> {
        self.last_uuid(LATE_MS_MAX + EARLY_MS_MAX).map(BatchId::from_uuid)
    }

    /// The newest page of the company's feed that can hold an event of the wanted day.
    pub(crate) fn newest_page(&self) -> Option<Uuid> {
        self.last_uuid(LATE_MS_MAX + QUEUED_MS_MAX)
    }

    /// Whether a batch received at `ms`, and all older ones in the feed, are too old for the wanted
    /// day.
    pub(crate) fn is_over(&self, ms: i64) -> bool {
        self.day.is_some_and(|day| ms < day.start().millis() - LATE_MS_MAX - QUEUED_MS_MAX)
    }

    fn last_uuid(&self, after_ms: i64) -> Option<Uuid> {
        let ms = self.day?.plus(1).start().millis() + after_ms;
        Some(uuid::Builder::from_unix_timestamp_millis(u64::try_from(ms).ok()?, &[0xff; 10]).into_uuid())
    }
}
