//! What one person can do: how often an action counts, by day and by minute, and how long they can
//! have stayed. What is beyond is kept with its reason and not counted.
//!
//! The limits are of a person, never of an address: three hundred people behind one address of a
//! trade fair have three hundred times as much. They are by the time of the event, so a phone that
//! was offline for days loses nothing.

use crate::kernel::timestamp::SECOND_MS;
use crate::tracking::event::EventKind;

/// How often an action of one kind counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The kind.
    pub kind: EventKind,
    /// Most of them on one card within a minute of the clock: less than a day's for what can be
    /// repeated without end.
    pub per_minute: u16,
    /// Most of them in a day, on all cards of the company together.
    pub per_day: u16,
}

const fn limit(kind: EventKind, per_minute: u16, per_day: u16) -> Limit {
    Limit { kind, per_minute, per_day }
}

/// The limits, in the order of [`EventKind::ALL`].
pub const LIMITS: [Limit; EventKind::ALL.len()] = [
    // A page is seen for three seconds at least: twenty a minute. Somebody who compares all cards
    // of a company opens each some times a day; a catalogue has some hundred products.
    limit(EventKind::ViewCard, 20, 100),
    limit(EventKind::ViewProduct, 20, 200),
    limit(EventKind::ViewArticle, 20, 100),
    limit(EventKind::ViewVideo, 20, 100),
    limit(EventKind::ViewWebsite, 20, 50),
    // WeChat asks for the receiver and for a confirmation: five seconds and more. Fifty a day are
    // one every ten minutes of a working day.
    limit(EventKind::Forward, 10, 50),
    // The phone shows its own page to save a number, and there are few cards to save.
    limit(EventKind::SavePhone, 20, 20),
    // Only the last of them counts; the others only make the day's list longer.
    limit(EventKind::Like, 50, 50),
    limit(EventKind::Unlike, 50, 50),
    limit(EventKind::CopyWechatId, 20, 20),
    // A call takes a minute even when nobody answers.
    limit(EventKind::Call, 20, 20),
    limit(EventKind::OpenChat, 50, 50),
    // A number is granted once; another phone, another number.
    limit(EventKind::GrantPhone, 5, 5),
    // One for each page that was left.
    limit(EventKind::Dwell, 550, 550),
];

/// Longest stay of a day that counts: three hours with one company's cards are a day's work.
pub const DWELL_MS_PER_DAY: i64 = 3 * 3_600 * SECOND_MS;

/// How much longer the stays of a day may be than the time they are in. Phones correct their
/// clocks, two phones of one person overlap, and late events move up to the same instant.
pub const DWELL_SLACK_MS: i64 = 300 * SECOND_MS;

impl Limit {
    /// Whether the minute has a limit of its own.
    pub fn has_minute(self) -> bool {
        self.per_minute < self.per_day
    }

    /// The limit of a kind.
    pub fn of(kind: EventKind) -> Self {
        // A test holds the table to the order of the kinds.
        LIMITS[kind as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_limit_and_a_day_takes_more_than_a_minute() {
        for kind in EventKind::ALL {
            let limit = Limit::of(*kind);
            assert_eq!(limit.kind, *kind);
            assert!(0 < limit.per_minute && limit.per_minute <= limit.per_day, "{kind}");
        }
    }

    #[test]
    fn a_stay_is_ended_by_a_page_that_was_viewed() {
        let views: u16 = LIMITS.iter().filter(|limit| limit.kind.is_view()).map(|limit| limit.per_day).sum();
        assert_eq!(Limit::of(EventKind::Dwell).per_day, views);
    }
}
