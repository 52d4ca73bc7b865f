//! Visitors over weeks: their visits, the requests they send, and the messages that ingest makes of
//! them. The same for the same seed.

use std::collections::BTreeMap;

use domain::kernel::day::Day;
use domain::kernel::id::{ArticleId, CardId, CompanyId, Id, PersonId, ProductId, VideoId};
use domain::kernel::text::{Line, ShareCode};
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::tracking::batch::{AcceptedBatch, BatchId, EARLY_MS_MAX, MESSAGE_VERSION};
use domain::tracking::client_time::server_times;
use domain::tracking::event::{Event, EventKind, LATE_MS_MAX, Object, Target};
use domain::tracking::filter::{RULES_VERSION, Sender, classify};
use serde_json::json;

use crate::day::body;
use crate::random::Random;
use crate::visits::{made, person};

const MINUTE_MS: i64 = 60 * SECOND_MS;
/// How long the queue may delay a message.
const SHUFFLED_MS: i64 = 60 * MINUTE_MS;
/// Most events of an ordinary batch.
const EVENTS_MAX: u64 = 40;
/// Requests arrive from seven in the morning until half past ten at night: the last message is
/// delivered before the day ends.
const OPENS_MS: i64 = 7 * 60 * MINUTE_MS;
const OPEN_MS: i64 = 15 * 60 * MINUTE_MS + 30 * MINUTE_MS;
/// Every so many visitors never log in.
const ANONYMOUS_EVERY: u64 = 5;
/// Longest stay: less than the events are apart, mostly.
const DWELL_MS: i64 = 20 * SECOND_MS;
/// `User-Agent` headers.
const PHONE: &str = "MicroMessenger/8.0.54 MiniProgramEnv";
const CRAWLER: &str = "mpcrawler";
/// The share of each kind of event, in percent.
const KINDS: [(EventKind, u64); 14] = [
    (EventKind::ViewCard, 22),
    (EventKind::ViewProduct, 20),
    (EventKind::ViewArticle, 9),
    (EventKind::ViewVideo, 5),
    (EventKind::ViewWebsite, 4),
    (EventKind::Dwell, 14),
    (EventKind::Forward, 6),
    (EventKind::Like, 4),
    (EventKind::Unlike, 2),
    (EventKind::SavePhone, 3),
    (EventKind::CopyWechatId, 2),
    (EventKind::Call, 2),
    (EventKind::OpenChat, 6),
    (EventKind::GrantPhone, 1),
];
const TITLES: [&str; 4] = ["新会陈皮普洱·十年陈", "武夷岩茶 大红袍礼盒", "智能门锁 S1 旗舰版", "云杉茶业品牌故事"];

/// A member who views cards too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrowdColleague {
    /// The member's person.
    pub(crate) person: PersonId,
    /// The member's card.
    pub(crate) card: CardId,
}

/// The crowd.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// The company of the mini-program.
    pub(crate) company: CompanyId,
    /// The cards that visitors open.
    pub(crate) cards: Vec<CardId>,
    /// Members; a few of the visits are theirs.
    pub(crate) colleagues: Vec<CrowdColleague>,
    /// The number of visitors.
    pub(crate) persons: u64,
    /// Percentage of batches that are sent twice.
    pub(crate) repeated: u64,
    /// The random numbers.
    pub(crate) random: Random,
}

/// The kind of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Ordinary,
    /// Sent hours or days after it happened.
    Late,
    /// From a phone whose clock is ahead.
    Ahead,
    /// More events than a person can make.
    Burst,
    Crawler,
    Colleague,
}

/// A request as a mini-program sends it, and its time of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    agent: &'static str,
    /// The sender's own card, if they are a member.
    member_card: Option<CardId>,
    /// With the times of the client, before any filter.
    batch: AcceptedBatch,
}

/// The requests of a day, and the messages that the queue delivers for it.
#[derive(Debug, Default)]
pub(crate) struct Visits {
    /// Requests, in any order.
    pub(crate) sent: Vec<Sent>,
    /// Messages, in the order in which they are delivered.
    pub(crate) messages: Vec<String>,
    /// The number of repeated messages.
    pub(crate) repeats: usize,
}

impl Crowd {
    /// A day with this many events, without those of repeats.
    pub(crate) fn day(&mut self, day: Day, events: u64) -> Visits {
        let (mut visits, mut placed, mut left) = (Visits::default(), Vec::new(), events);
        while left > 0 {
            let (style, size) = self.style();
            let size = size.min(left);
            left -= size;
            let sent = self.visit(day, style, size);
            let message = sent.message();
            placed.push((self.delivered(&sent), message.clone()));
            if self.random.below(100) < self.repeated {
                visits.repeats += 1;
                // If a batch was moved into the accepted range, a second request would be moved by
                // something else; the queue may repeat any message.
                if matches!(style, Style::Late | Style::Ahead) || self.random.below(2) == 0 {
                    placed.push((self.delivered(&sent), message));
                } else {
                    let again = sent.again(self.below(20 * MINUTE_MS));
                    placed.push((self.delivered(&again), again.message()));
                    visits.sent.push(again);
                }
            }
            visits.sent.push(sent);
        }
        placed.sort_by_key(|(place, _)| *place);
        visits.messages = placed.into_iter().map(|(_, message)| message).collect();
        visits
    }

    /// When the queue delivers a message: up to an hour after it was accepted.
    fn delivered(&mut self, sent: &Sent) -> i64 {
        sent.batch.received_at.millis() + self.below(SHUFFLED_MS)
    }

    fn below(&mut self, limit: i64) -> i64 {
        i64::try_from(self.random.below(u64::try_from(limit).unwrap_or_default())).unwrap_or_default()
    }

    fn style(&mut self) -> (Style, u64) {
        let style = match self.random.below(100) {
            0..4 => Style::Late,
            4..6 => Style::Ahead,
            6 => Style::Burst,
            7 => Style::Crawler,
            8..10 => Style::Colleague,
            _ => Style::Ordinary,
        };
        let size = if style == Style::Burst { 30 } else { 1 + self.random.below(EVENTS_MAX) };
        (style, size)
    }

    fn visit(&mut self, day: Day, style: Style, size: u64) -> Sent {
        let received_at = day.start().plus_millis(OPENS_MS + self.below(OPEN_MS));
        let made_at = received_at.plus_millis(match style {
            Style::Late if self.random.below(4) == 0 => self.below(5 * MINUTE_MS) - LATE_MS_MAX,
            Style::Late => -self.below(LATE_MS_MAX),
            Style::Ahead => self.below(EARLY_MS_MAX),
            Style::Ordinary | Style::Burst | Style::Crawler | Style::Colleague => -self.below(MINUTE_MS),
        });
        // Half of the visits are by a part of the crowd that returns often.
        let some = if self.random.below(2) == 0 { self.persons.div_ceil(8) } else { self.persons };
        let number = self.random.below(some);
        let nth = usize::try_from(self.random.below(self.colleagues.len() as u64)).unwrap_or_default();
        let colleague = self.colleagues.get(nth).copied().filter(|_| style == Style::Colleague);
        let events = self.events(made_at, style, size, number);
        let id = self.random.below(u64::MAX);
        let batch = AcceptedBatch {
            v: MESSAGE_VERSION,
            anonymous: colleague.is_none() && number.is_multiple_of(ANONYMOUS_EVERY),
            rules: RULES_VERSION,
            company: self.company,
            person: colleague.map_or_else(|| person(number), |colleague| colleague.person),
            events,
            batch: BatchId::from_uuid(made(made_at.millis(), u128::from(id))),
            fingerprint: format!("{id:016x}"),
            received_at,
            departments: BTreeMap::new(),
        };
        let agent = if style == Style::Crawler { CRAWLER } else { PHONE };
        Sent { agent, member_card: colleague.map(|colleague| colleague.card), batch }
    }

    /// On the card that the person mostly opens, sometimes on another one.
    fn events(&mut self, made_at: Timestamp, style: Style, size: u64, number: u64) -> Vec<Event> {
        let elsewhere = self.random.below(u64::MAX);
        let card = |number| self.cards[usize::try_from(number % self.cards.len() as u64).unwrap_or_default()];
        let (home, other) = (card(number), card(elsewhere));
        let away = [0, 0, 0, 20, 100][usize::try_from(self.random.below(5)).unwrap_or_default()];
        let mut share = self.random.below(4) == 0;
        let mut events = Vec::new();
        for left in (1..=i64::try_from(size).unwrap_or_default()).rev() {
            let card = if self.random.below(100) < away { other } else { home };
            let (step, kind) =
                if style == Style::Burst { (100, EventKind::ViewCard) } else { (10 * SECOND_MS, self.kind()) };
            let at = made_at.plus_millis(-left * step - self.below(step));
            let duration_ms =
                (kind == EventKind::Dwell).then(|| u32::try_from(self.below(DWELL_MS)).unwrap_or_default());
            let share_code = ShareCode::parse("s0123456789").ok().filter(|_| std::mem::take(&mut share));
            events.push(Event { kind, card, object: self.object(kind), share_code, at, duration_ms, filtered: None });
        }
        events
    }

    fn kind(&mut self) -> EventKind {
        let mut left = self.random.below(KINDS.iter().map(|(_, weight)| weight).sum());
        let kind = KINDS.iter().find(|(_, weight)| match left.checked_sub(*weight) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        kind.map_or(EventKind::ViewCard, |(kind, _)| *kind)
    }

    fn object(&mut self, kind: EventKind) -> Object {
        let nth = self.random.below(4);
        let id = made(1_780_000_000_000, u128::from(nth));
        let any = self.random.below(5);
        let target = match kind {
            EventKind::ViewProduct => Target::Product(ProductId::from_uuid(id)),
            EventKind::ViewArticle => Target::Article(ArticleId::from_uuid(id)),
            EventKind::ViewVideo => Target::Video(VideoId::from_uuid(id)),
            EventKind::ViewWebsite => Target::Website,
            EventKind::Forward | EventKind::Dwell => match any {
                0 => Target::Product(ProductId::from_uuid(id)),
                1 => Target::Article(ArticleId::from_uuid(id)),
                2 => Target::Video(VideoId::from_uuid(id)),
                3 => Target::Website,
                _ => Target::Card,
            },
            EventKind::ViewCard | EventKind::SavePhone | EventKind::Like | EventKind::Unlike => Target::Card,
            EventKind::CopyWechatId | EventKind::Call | EventKind::OpenChat | EventKind::GrantPhone => Target::Card,
        };
        let title = target.id().and_then(|_| TITLES.get(usize::try_from(nth).unwrap_or_default()));
        Object { target, title: title.and_then(|title| Line::parse(title).ok()) }
    }
}

impl Sent {
    /// The same request sent again, this much later.
    fn again(&self, millis: i64) -> Self {
        let received_at = self.batch.received_at.plus_millis(millis);
        Self { batch: AcceptedBatch { received_at, ..self.batch.clone() }, ..self.clone() }
    }

    /// The input of a recount.
    pub(crate) fn line(&self) -> String {
        let AcceptedBatch { person, received_at, anonymous, .. } = &self.batch;
        let (agent, member_card, batch) = (self.agent, self.member_card, body(&self.batch));
        let line = json!({
            "person": person, "received_at": received_at, "agent": agent, "member_card": member_card,
            "anonymous": anonymous, "batch": batch,
        });
        line.to_string()
    }

    /// The message that ingest makes of the request, by the same rules of the domain.
    pub(crate) fn message(&self) -> String {
        let mut batch = self.batch.clone();
        let (id, received_at) = (batch.batch.uuid().hyphenated().to_string(), batch.received_at);
        batch.batch = BatchId::parse(&id, received_at).expect("ingest accepts the batch id");
        let client: Vec<_> = batch.events.iter().map(|event| (event.kind, event.at.into())).collect();
        let times = server_times(&client, None, received_at);
        batch.events.iter_mut().zip(times).for_each(|(event, at)| event.at = at);
        let (card, anonymous) = (self.member_card, self.batch.anonymous);
        let sender = Sender { agent: self.agent, member: card.is_some(), card, anonymous };
        classify(sender, &mut batch.events);
        serde_json::to_string(&batch).expect("a batch is JSON")
    }
}
