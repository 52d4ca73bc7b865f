//! Which events are held back for who has sent them, and why: bots, owners on their own cards,
//! colleagues, and what people claim who have not logged in.
//!
//! These rules look only at the event and its sender, so ingest judges by them. The limits of what
//! one person can do ([`crate::tracking::limits`]) ask what the person has done before: the
//! aggregator judges by them.

use std::collections::BTreeSet;

use crate::kernel::id::CardId;
use crate::kernel::text::ShareCode;
use crate::tracking::crawler::is_crawler;
use crate::tracking::event::{Event, EventKind};
use crate::tracking::filter_reason::FilterReason;

/// The version of the rules, of the limits and of the list of crawlers. It is stored beside every event
/// that was judged by them: what changes there gets a new one.
pub const RULES_VERSION: u16 = 3;

/// The sender of a batch, as far as the rules need to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sender<'a> {
    /// The `User-Agent` header.
    pub agent: &'a str,
    /// Whether they are a member of the company.
    pub member: bool,
    /// Their own card, if they have one.
    pub card: Option<CardId>,
    /// Whether they have not logged in.
    pub anonymous: bool,
}

/// Takes away the share codes that are none of the company's; the events count without them.
pub fn believe_codes(known: &BTreeSet<ShareCode>, events: &mut [Event]) {
    for event in events {
        if event.share_code.as_ref().is_some_and(|code| !known.contains(code)) {
            event.share_code = None;
            event.filtered = Some(FilterReason::UnknownShare);
        }
    }
}

/// Gives each event of a batch its reason, if there is one.
///
/// A member's forward counts like anybody's: passing cards on is their work.
pub fn classify(sender: Sender<'_>, events: &mut [Event]) {
    let crawler = is_crawler(sender.agent);
    for event in events.iter_mut() {
        event.filtered = match sender {
            _ if crawler => Some(FilterReason::Bot),
            Sender { member: true, .. } if event.kind == EventKind::Forward => None,
            Sender { card: Some(card), .. } if card == event.card => Some(FilterReason::Own),
            Sender { member: true, .. } => Some(FilterReason::Colleague),
            Sender { anonymous: true, .. } if event.kind.is_strong_intent() => Some(FilterReason::Anonymous),
            // What is said of its share code stands.
            Sender { .. } => event.filtered,
        };
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;
    use crate::kernel::timestamp::Timestamp;
    use crate::tracking::event::{Object, Target};

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
        classify(sender, &mut events);
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
            ("python-requests/2.32", Some(FilterReason::Bot)),
        ] {
            let sender = Sender { agent, ..Sender::default() };
            assert_eq!(reasons(sender, vec![event(EventKind::ViewCard, 1, 0)]), [reason], "{agent}");
        }
    }

    #[test]
    fn members_are_no_customers_but_their_forwards_count() {
        let sender = Sender { agent: PHONE, member: true, card: Some(card(1)), ..Sender::default() };
        let events = [(EventKind::ViewCard, 1), (EventKind::Like, 2), (EventKind::Forward, 1), (EventKind::Forward, 2)];
        let events = events.map(|(kind, on)| event(kind, on, 0)).to_vec();
        assert_eq!(reasons(sender, events), [Some(FilterReason::Own), Some(FilterReason::Colleague), None, None]);
    }

    #[test]
    fn what_claims_an_intent_before_the_login_has_its_reason_and_counts() {
        let sender = Sender { agent: PHONE, anonymous: true, ..Sender::default() };
        let events: Vec<_> = EventKind::ALL.iter().map(|kind| event(*kind, 1, 0)).collect();
        for (kind, reason) in EventKind::ALL.iter().zip(reasons(sender, events.clone())) {
            assert_eq!(reason, kind.is_strong_intent().then_some(FilterReason::Anonymous), "{kind}");
            assert!(reason.is_none_or(FilterReason::counts));
        }
        let known = Sender { anonymous: false, ..sender };
        assert!(reasons(known, events).iter().all(Option::is_none));
    }

    #[test]
    fn a_share_code_that_is_not_known_is_left_out_and_its_event_counts() {
        let [ours, theirs] = ["ours", "theirs"].map(|code| ShareCode::parse(code).unwrap());
        let with = |code| Event { share_code: code, ..event(EventKind::ViewCard, 1, 0) };
        let mut events = vec![with(None), with(Some(ours.clone())), with(Some(theirs))];
        believe_codes(&BTreeSet::from([ours.clone()]), &mut events);
        let codes: Vec<_> = events.iter().map(|event| event.share_code.clone()).collect();
        assert_eq!(codes, [None, Some(ours), None]);
        assert!(events.iter().all(Event::counts));
        let unknown = Some(FilterReason::UnknownShare);
        assert_eq!(reasons(Sender::default(), events.clone()), [None, None, unknown]);
        let crawler = Sender { agent: "mpcrawler", ..Sender::default() };
        assert_eq!(reasons(crawler, events), [Some(FilterReason::Bot); 3], "the other reason counts more");
    }
}
