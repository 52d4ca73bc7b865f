//! Keys of the radar: customers, counters, logs, feeds, leaderboards and sockets.

use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, PersonId};
use domain::radar::aggregate::SegmentKey;
use domain::radar::breakdown::{BreakdownKind, BreakdownPlace};
use domain::radar::counter::{Period, Scope};
use domain::radar::live::Seq;
use domain::tracking::batch::BatchId;
use uuid::Uuid;

use super::key::Key;

/// Sort key of the lifetime counters: after every day.
const LIFETIME: &str = "LIFETIME";

/// A customer's state.
pub(crate) fn customer(company: Company, person: PersonId) -> Key {
    Key::new(format!("{}#CUSTOMER#{person}", company.id()), "CUSTOMER")
}

/// The person in a customer's key.
pub(crate) fn customer_of(key: &Key) -> Option<PersonId> {
    key.pk.rsplit('#').next()?.parse().ok()
}

/// The partition of a scope's counters.
pub(crate) fn counters(company: Company, scope: Scope) -> String {
    format!("{}#COUNTERS#{}", company.id(), scope_key(scope))
}

fn scope_key(scope: Scope) -> String {
    match scope {
        Scope::Card(card) => card.to_string(),
        Scope::Company => "ALL".to_owned(),
        Scope::Department(department) => department.to_string(),
    }
}

/// The counters of a scope and period.
pub(crate) fn counter(company: Company, scope: Scope, period: Period) -> Key {
    Key::new(counters(company, scope), period_key(period))
}

pub(super) fn period_key(period: Period) -> String {
    match period {
        Period::Day(day) => format!("DAY#{day}"),
        Period::Lifetime => LIFETIME.to_owned(),
    }
}

/// First and last sort key of the days from `from` on and the lifetime.
pub(crate) fn counters_from(from: Day) -> (String, String) {
    (period_key(Period::Day(from)), period_key(Period::Lifetime))
}

/// A company's leaderboards: how far they are.
pub(crate) fn leaderboards(company: Company) -> Key {
    Key::new(format!("{}#BOARDS", company.id()), "PROGRESS")
}

/// The ranking of a company's employees.
pub(crate) fn ranking(company: Company) -> Key {
    Key::new(format!("{}#BOARDS", company.id()), "RANKING")
}

/// The persons who are members of a company, as far as their customers' states know.
pub(crate) fn staff(company: Company) -> Key {
    Key::new(format!("{}#BOARDS", company.id()), "STAFF")
}

/// The report of a company's last recount, and when the next one is due.
pub(crate) fn recount(company: Company) -> Key {
    Key::new(format!("{}#RECOUNT", company.id()), "REPORT")
}

/// A company's model of close rates, and when it is fitted next.
pub(crate) fn close_rate_model(company: Company) -> Key {
    Key::new(format!("{}#CLOSE_RATE", company.id()), "MODEL")
}

/// The partition of a scope's breakdowns of one kind.
pub(crate) fn breakdowns(company: Company, scope: Scope, kind: BreakdownKind) -> String {
    let kind = match kind {
        BreakdownKind::Products => "PRODUCTS",
        BreakdownKind::Articles => "ARTICLES",
        BreakdownKind::Videos => "VIDEOS",
        BreakdownKind::Sharers => "SHARERS",
    };
    format!("{}#{kind}", mixed_breakdowns(company, scope))
}

/// The breakdown of a scope, kind and day.
pub(crate) fn breakdown(company: Company, (scope, kind, day): BreakdownPlace) -> Key {
    Key::new(breakdowns(company, scope, kind), period_key(Period::Day(day)))
}

/// The partition of a scope's breakdowns of layout 1: all kinds of a day in one item.
pub(crate) fn mixed_breakdowns(company: Company, scope: Scope) -> String {
    format!("{}#BREAKDOWN#{}", company.id(), scope_key(scope))
}

/// The most likely customers of a scope. They may be twenty kilobytes: beside the leaderboards,
/// in no range that is read for something else.
pub(crate) fn shortlist(company: Company, scope: Scope) -> Key {
    Key::new(format!("{}#SHORTLIST#{}", company.id(), scope_key(scope)), "SHORTLIST")
}

/// The mark that a person's rank in the shortlists of a card and the company must be refreshed.
pub(crate) fn shortlist_refresh(company: Company, person: PersonId, card: CardId) -> Key {
    Key::new(format!("{}#STANDING#{person}", company.id()), card.to_string())
}

/// The person and the card in a mark's key.
pub(crate) fn shortlist_refresh_of(key: &Key) -> Option<(PersonId, CardId)> {
    let (_, person) = key.pk.split_once("#STANDING#")?;
    Some((person.parse().ok()?, key.sk.parse().ok()?))
}

/// First and last sort key of these days.
pub(crate) fn days(from: Day, to: Day) -> (String, String) {
    (period_key(Period::Day(from)), period_key(Period::Day(to)))
}

/// The period of a counter item's sort key.
pub(crate) fn period_of(key: &Key) -> Option<Period> {
    match key.sk.as_str() {
        LIFETIME => Some(Period::Lifetime),
        sk => sk.strip_prefix("DAY#")?.parse().ok().map(Period::Day),
    }
}

/// The partition of a card's event log.
pub(crate) fn log(company: Company, card: CardId) -> String {
    format!("{}#LOG#{card}", company.id())
}

/// A segment of the event log. The batch id leads: its time orders the log.
pub(crate) fn segment(company: Company, key: SegmentKey) -> Key {
    let SegmentKey { card, batch, person } = key;
    Key::new(log(company, card), format!("{}#{person}", batch.uuid().simple()))
}

/// The segment of a log item's key.
pub(crate) fn segment_of(key: &Key) -> Option<SegmentKey> {
    let (_, card) = key.pk.rsplit_once('#')?;
    let (batch, person) = key.sk.split_once('#')?;
    let batch = BatchId::from_uuid(Uuid::try_parse(batch).ok()?);
    Some(SegmentKey { card: card.parse().ok()?, batch, person: person.parse().ok()? })
}

/// The partition of a card's live radar: its state, the messages of the last hours by
/// number, and for each the mark that it has been numbered.
pub(crate) fn live(company: Company, card: CardId) -> String {
    format!("{}#LIVE#{card}", company.id())
}

/// The state of a card's live radar: its watchers, and how far its numbers are.
pub(crate) fn live_state(company: Company, card: CardId) -> Key {
    Key::new(live(company, card), "STATE")
}

/// A live message.
pub(crate) fn live_message(company: Company, card: CardId, seq: Seq) -> Key {
    Key::new(live(company, card), live_number(seq))
}

fn live_number(seq: Seq) -> String {
    format!("MESSAGE#{seq:020}")
}

/// First and last sort key of the messages after `last`.
pub(crate) fn live_after(last: Seq) -> (String, String) {
    // `~` sorts after every digit.
    (live_number(last.plus(1)), "MESSAGE#~".to_owned())
}

/// The number in a live message's key.
pub(crate) fn live_seq_of(key: &Key) -> Option<Seq> {
    key.sk.strip_prefix("MESSAGE#")?.parse().ok().map(Seq::new)
}

/// The mark that a segment has been numbered.
pub(crate) fn live_mark(company: Company, key: SegmentKey) -> Key {
    Key::new(live(company, key.card), format!("MARK#{}#{}", key.batch.uuid().simple(), key.person))
}

/// The partition of the company's feed.
pub(crate) fn feed(company: Company) -> String {
    format!("{}#FEED", company.id())
}

/// A page of the company's feed.
pub(crate) fn feed_page(company: Company, page: Uuid) -> Key {
    Key::new(feed(company), page.simple().to_string())
}
