//! The filter of a feed.

use domain::kernel::day::Day;
use domain::kernel::id::PersonId;
use domain::kernel::timestamp::DAY_MS;
use domain::tracking::batch::{BatchId, EARLY_MS_MAX};
use domain::tracking::event::{Event, EventKind, LATE_MS_MAX};
use domain::tracking::filter_reason::FilterReason;
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
    /// Only events that happened on this day in Asia/Shanghai or later.
    #[param(inline)]
    from: Option<Day>,
    /// Only events that happened on this day in Asia/Shanghai or earlier.
    #[param(inline)]
    to: Option<Day>,
    /// Only events of this number. With `from` and `to` the list has as many lines as the number says.
    #[param(inline)]
    metric: Option<EventMetric>,
    /// Only events about the product, article or video with this id.
    object_id: Option<String>,
    /// Only events that are held back for this reason; `filtered` must be `include` or `only`, unless
    /// events of the reason count.
    #[param(inline)]
    reason: Option<FilterReason>,
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

/// A number that counts events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EventMetric {
    Views,
    Forwards,
}

impl EventMetric {
    fn counts(self, kind: EventKind) -> bool {
        match self {
            Self::Views => kind.is_view(),
            Self::Forwards => kind == EventKind::Forward,
        }
    }
}

impl FeedQuery {
    /// Whether the filter drops most lines, so that more batches must be read.
    pub(crate) fn is_narrow(&self) -> bool {
        let of_what = self.kind.is_some() || self.metric.is_some() || self.object_id.is_some() || self.reason.is_some();
        let of_days = self.first().is_some() || self.last().is_some();
        of_what || of_days || self.person_id.is_some() || matches!(self.filtered, Filtered::Only)
    }

    /// Whether a line passes the filter.
    pub(crate) fn wants(&self, person: PersonId, event: &Event) -> bool {
        self.kind.is_none_or(|kind| kind == event.kind)
            && self.person_id.is_none_or(|wanted| wanted == person)
            && self.metric.is_none_or(|metric| metric.counts(event.kind))
            && self.reason.is_none_or(|reason| event.filtered == Some(reason))
            && self.object_id.as_ref().is_none_or(|id| event.object.target.id().as_ref() == Some(id))
            && self.first().is_none_or(|first| first <= Day::of(event.at))
            && self.last().is_none_or(|last| Day::of(event.at) <= last)
            && match self.filtered {
                Filtered::Exclude => event.counts(),
                Filtered::Include => true,
                Filtered::Only => event.filtered.is_some(),
            }
    }

    fn first(&self) -> Option<Day> {
        self.day.max(self.from)
    }

    fn last(&self) -> Option<Day> {
        self.day.into_iter().chain(self.to).min()
    }

    /// The newest batch that can hold an event of the wanted days.
    pub(crate) fn newest_batch(&self) -> Option<BatchId> {
        self.last_uuid(LATE_MS_MAX + EARLY_MS_MAX).map(BatchId::from_uuid)
    }

    /// The newest page of the company's feed that can hold an event of the wanted days.
    pub(crate) fn newest_page(&self) -> Option<Uuid> {
        self.last_uuid(LATE_MS_MAX + QUEUED_MS_MAX)
    }

    /// Whether a batch received at `ms`, and all older ones in the feed, are too old for the wanted
    /// days.
    pub(crate) fn is_over(&self, ms: i64) -> bool {
        self.first().is_some_and(|first| ms < first.start().millis() - LATE_MS_MAX - QUEUED_MS_MAX)
    }

    fn last_uuid(&self, after_ms: i64) -> Option<Uuid> {
        let ms = self.last()?.plus(1).start().millis() + after_ms;
        Some(uuid::Builder::from_unix_timestamp_millis(u64::try_from(ms).ok()?, &[0xff; 10]).into_uuid())
    }
}
