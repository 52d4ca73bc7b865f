//! The times of a batch: as a client's clock had them, which may be wrong, and by the server's.

use serde::{Deserialize, Deserializer, de};

use crate::kernel::field::FieldError;
use crate::kernel::timestamp::{Timestamp, millis_of};
use crate::tracking::event::{EventKind, LATE_MS_MAX};

/// Shortest distance of a like or its removal to what was done before, in milliseconds: which of
/// two was the last is told by their times.
const TOGGLE_GAP_MS: i64 = 1;

/// An instant by the clock of a client, of any year: in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientTime(i64);

impl ClientTime {
    /// Reads RFC 3339 with an offset.
    ///
    /// # Errors
    /// `invalid_time`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        millis_of(text).map(Self)
    }
}

/// The instant as a clock has it that is right.
impl From<Timestamp> for ClientTime {
    fn from(at: Timestamp) -> Self {
        Self(at.millis())
    }
}

impl<'de> Deserialize<'de> for ClientTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// When the events of a batch happened by the server's clock. `sent_at` is the client's clock when it
/// sent the batch; without it the clock is taken for right.
///
/// The events are in the order in which they were done, and keep it. All are moved by the same: by
/// the error of the clock, then until none is after `received`, then until the first is within
/// [`LATE_MS_MAX`] before it. So a clock that is wrong puts no event into tomorrow, rewrites no day
/// that was reported long ago, and makes no burst of what was done over an hour.
///
/// A distance below zero, and the longest ones of a batch that is longer than [`LATE_MS_MAX`], are no
/// distances: the clock was set in between. They become as short as may be.
pub fn server_times(
    events: &[(EventKind, ClientTime)],
    sent_at: Option<ClientTime>,
    received: Timestamp,
) -> Vec<Timestamp> {
    let (Some((_, last)), received) = (events.last(), received.millis()) else { return Vec::new() };
    let mut gaps: Vec<i64> = events.windows(2).map(gap).collect();
    while total(&gaps) > LATE_MS_MAX
        && let Some(longest) = gaps.iter_mut().max()
    {
        *longest = TOGGLE_GAP_MS;
    }
    let sent = sent_at.map_or(received, |sent| sent.0);
    let last = last.0.saturating_add(received.saturating_sub(sent));
    let mut at = last.clamp(received - LATE_MS_MAX + total(&gaps), received);
    let mut times = vec![Timestamp::from_millis(at)];
    for gap in gaps.iter().rev() {
        at -= gap;
        times.push(Timestamp::from_millis(at));
    }
    times.reverse();
    times
}

/// The milliseconds from an event to the next one.
fn gap(pair: &[(EventKind, ClientTime)]) -> i64 {
    let [(_, before), (kind, after)] = pair else { return 0 };
    let is_toggle = matches!(kind, EventKind::Like | EventKind::Unlike);
    after.0.saturating_sub(before.0).max(if is_toggle { TOGGLE_GAP_MS } else { 0 })
}

fn total(gaps: &[i64]) -> i64 {
    gaps.iter().fold(0, |sum, gap| sum.saturating_add(*gap))
}

#[cfg(test)]
#[path = "client_time_tests.rs"]
mod tests;
