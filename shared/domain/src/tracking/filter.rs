//! Which events are kept but not counted, and why: bots, owners on their own cards, colleagues,
//! and bursts.
//!
//! The rules look only at one batch and its sender, so an event's reason never depends on the
//! order of delivery, and a recount finds the same one.

use std::collections::BTreeMap;

use crate::kernel::id::CardId;
use crate::kernel::timestamp::SECOND_MS;
use crate::tracking::event::{Event, EventKind, Target};
use crate::tracking::filter_reason::FilterReason;

/// The rules as data: what changes here gets a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Stored beside every event that was judged by them.
    pub version: u16,
    /// Parts of a crawler's `User-Agent`, in lower case.
    pub crawlers: &'static [&'static str],
    /// Most views or forwards of one object within [`Rules::burst_ms`]; later ones are a burst.
    pub burst_events: usize,
    /// Milliseconds.
    pub burst_ms: i64,
}

/// The rules in force.
pub const RULES: Rules = Rules {
    version: 1,
    // Not `bot` alone: the agents of Cubot phones contain it too.
    crawlers: &["crawler", "spider", "googlebot", "bingbot", "applebot", "headlesschrome", "phantomjs"],
    burst_events: 10,
    burst_ms: 10 * SECOND_MS,
};

/// The sender of a batch, as far as the rules need to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sender<'a> {
    /// The `User-Agent` header.
    pub agent: &'a str,
    /// Whether they are a member of the company.
    pub member: bool,
    /// Their own card, if they have one.
    pub card: Option<CardId>,
}

/// Gives each event of a batch its reason, if there is one.
///
/// A member's forward counts like anybody's: passing cards on is their work.
pub fn classify(rules: &Rules, sender: Sender<'_>, events: &mut [Event]) {
    let agent = sender.agent.to_lowercase();
    let crawler = rules.crawlers.iter().any(|part| agent.contains(part));
    for event in events.iter_mut() {
        event.filtered = match sender {
            _ if crawler => Some(FilterReason::Bot),
            Sender { member: true, .. } if event.kind == EventKind::Forward => None,
            Sender { card: Some(card), .. } if card == event.card => Some(FilterReason::Own),
            Sender { member: true, .. } => Some(FilterReason::Colleague),
            Sender { .. } => None,
        };
    }
    mark_bursts(rules, events);
}

/// Marks events of the same kind on the same object that come after [`Rules::burst_events`]
/// others within [`Rules::burst_ms`].
fn mark_bursts(rules: &Rules, events: &mut [Event]) {
    let mut by_thing: BTreeMap<(CardId, EventKind, Target), Vec<usize>> = BTreeMap::new();
    for (position, event) in events.iter().enumerate() {
        if event.filtered.is_none() && (event.kind.is_view() || event.kind == EventKind::Forward) {
            by_thing.entry((event.card, event.kind, event.object.target)).or_default().push(position);
        }
    }
    for mut positions in by_thing.into_values() {
        positions.sort_by_key(|position| events[*position].at);
        for (nth, position) in positions.iter().enumerate().skip(rules.burst_events) {
            let earlier = events[positions[nth - rules.burst_events]].at.millis();
            if events[*position].at.millis() - earlier < rules.burst_ms {
                events[*position].filtered = Some(FilterReason::Burst);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;
    use crate::kernel::timestamp::Timestamp;
    use crate::tracking::event::Object;

    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) MicroMessenger/8.0.54 MiniProgramEnv";

    fn card(n: u128) -> CardId {
        CardId::from_uuid(Uuid::from_u128(n))
    }

    fn event(kind: EventKind, on: u128, ms: i64) -> Event {
        let (card, object) = (card(on), Object { target: Target::Card, title: None });
        let at = Timestamp::from_millis(1_795_000_000_000 + ms);
        Event { kind, card, object, share_code: None, at, duration_ms: None, filtered: None }
    }

    fn reasons(sender: Sender<'_>, mut events: Vec<Event>) -> Vec<Option<FilterReason>> {
        classify(&RULES, sender, &mut events);
        events.iter().map(|event| event.filtered).collect()
    }

    #[test]
    fn visitors_count_and_crawlers_do_not() {
        for (agent, reason) in [
            (PHONE, None),
            ("", None),
            ("Mozilla/5.0 (Linux; Android 14; CUBOT X70) MicroMessenger/8.0.54", None),
            ("mpcrawler", Some(FilterReason::Bot)),
            ("Mozilla/5.0 (compatible; Baiduspider/2.0)", Some(FilterReason::Bot)),
            ("Mozilla/5.0 HeadlessChrome/126.0", Some(FilterReason::Bot)),
        ] {
            let sender = Sender { agent, ..Sender::default() };
            assert_eq!(reasons(sender, vec![event(EventKind::ViewCard, 1, 0)]), [reason], "{agent}");
        }
    }

    #[test]
    fn members_are_no_customers_but_their_forwards_count() {
        let sender = Sender { agent: PHONE, member: true, card: Some(card(1)) };
        let events = [(EventKind::ViewCard, 1), (EventKind::Like, 2), (EventKind::Forward, 1), (EventKind::Forward, 2)];
        let events = events.map(|(kind, on)| event(kind, on, 0)).to_vec();
        assert_eq!(reasons(sender, events), [Some(FilterReason::Own), Some(FilterReason::Colleague), None, None]);
    }

    #[test]
    fn the_eleventh_view_within_ten_seconds_is_a_burst_and_a_pause_ends_it() {
        let mut events: Vec<_> = (0..12).map(|n| event(EventKind::ViewCard, 1, n * 100)).collect();
        events.push(event(EventKind::ViewCard, 1, 60_000));
        events.push(event(EventKind::ViewCard, 2, 1_150));
        let mut expected = vec![None; 14];
        expected[10..12].fill(Some(FilterReason::Burst));
        assert_eq!(reasons(Sender::default(), events.clone()), expected);
        events.reverse();
        expected.reverse();
        assert_eq!(reasons(Sender::default(), events), expected);
    }

    #[test]
    fn a_hundred_likes_are_no_burst_since_only_the_last_counts() {
        let events: Vec<_> = (0..100).map(|n| event(EventKind::Like, 1, n)).collect();
        assert!(reasons(Sender::default(), events).iter().all(Option::is_none));
    }
}
