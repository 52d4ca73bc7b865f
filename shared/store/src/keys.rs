//! Every key of the table. No other file names a key attribute or a prefix.
//!
//! A partition key starts with the company's id, taken from a [`Company`] handle, so
//! that no query can reach another company. Three partitions stand before any company
//! is known: the directories of app ids and of unionids, and the platform operator's own
//! requests.
//! Parts are joined with `#`, which no id, code or day contains.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::aggregate::SegmentKey;
use domain::batch::BatchId;
use domain::company::Company;
use domain::counter::{Period, Scope};
use domain::day::Day;
use domain::id::{CardId, CompanyId, InvitationId, JoinRequestId, MemberId, PersonId};
use domain::live::Seq;
use domain::settings::PhraseBook;
use domain::text::{AppId, OpenId, ShareCode, UnionId};
use uuid::Uuid;

use crate::item::Item;

/// Name of the partition key attribute.
pub(crate) const PK: &str = "PK";
/// Name of the sort key attribute.
pub(crate) const SK: &str = "SK";

/// Names of partition and sort key, for whoever creates a table.
pub const KEY_ATTRIBUTES: [&str; 2] = [PK, SK];

/// The index in which items wait for their expiry.
pub const EXPIRY_INDEX: &str = "GSI1";
/// Its partition and sort key attributes.
pub const EXPIRY_ATTRIBUTES: [&str; 2] = ["GSI1PK", "GSI1SK"];
/// Its one partition. It is read by housekeeping only, for all companies; what is found
/// names its company in its primary key.
pub(crate) const EXPIRY: &str = "EXPIRY";

/// The partition of the same index in which companies wait until their boards are due.
pub(crate) const BOARDS_DUE: &str = "BOARDS";

/// Sort key of the lifetime counters: after every day.
const LIFETIME: &str = "LIFETIME";

/// The full primary key of one item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// As the two key attributes.
    pub(crate) fn attributes(&self) -> Item {
        Item::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    /// The key an item was stored under.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text(PK)?, sk: text(SK)? })
    }
}

/// The company's profile.
pub(crate) fn company(company: Company) -> Key {
    Key::new(company.id().to_string(), "COMPANY")
}

/// Which company a mini-program belongs to. Stands before any company is known.
pub(crate) fn app(appid: &AppId) -> Key {
    Key::new(format!("APP#{}", appid.as_str()), "APP")
}

/// In which companies a person has memberships. Stands before any company is known.
pub(crate) fn union(unionid: &UnionId) -> Key {
    Key::new(format!("UNION#{}", unionid.as_str()), "UNION")
}

/// A person, by his id inside the company's mini-program.
pub(crate) fn person(company: Company, openid: &OpenId) -> Key {
    Key::new(format!("{}#PERSON#{}", company.id(), openid.as_str()), "PERSON")
}

/// The partition of all members of a company.
pub(crate) fn members(company: Company) -> String {
    format!("{}#MEMBERS", company.id())
}

/// A member.
pub(crate) fn member(company: Company, member: MemberId) -> Key {
    Key::new(members(company), member.to_string())
}

/// The company's departments.
pub(crate) fn departments(company: Company) -> Key {
    Key::new(company.id().to_string(), "DEPARTMENTS")
}

/// The partition of the radar activations of a company's members.
pub(crate) fn activations(company: Company) -> String {
    format!("{}#ACTIVATIONS", company.id())
}

/// The activation of a member's radar.
pub(crate) fn activation(company: Company, member: MemberId) -> Key {
    Key::new(activations(company), member.to_string())
}

/// A claim code, by its hash.
pub(crate) fn claim(company: Company, hash: &str) -> Key {
    Key::new(format!("{}#CLAIM#{hash}", company.id()), "CLAIM")
}

/// The partition of a company's invitations.
pub(crate) fn invitations(company: Company) -> String {
    format!("{}#INVITATIONS", company.id())
}

/// An invitation.
pub(crate) fn invitation(company: Company, invitation: InvitationId) -> Key {
    Key::new(invitations(company), invitation.to_string())
}

/// The code of an invitation, by its hash.
pub(crate) fn invitation_code(company: Company, hash: &str) -> Key {
    Key::new(format!("{}#INVITATION#{hash}", company.id()), "INVITATION")
}

/// The partition of the requests to join a company.
pub(crate) fn join_requests(company: Company) -> String {
    format!("{}#JOIN_REQUESTS", company.id())
}

/// A request to join.
pub(crate) fn join_request(company: Company, request: JoinRequestId) -> Key {
    Key::new(join_requests(company), request.to_string())
}

/// A card.
pub(crate) fn card(company: Company, card: CardId) -> Key {
    Key::new(format!("{}#CARD#{card}", company.id()), "CARD")
}

/// The company's card template.
pub(crate) fn card_template(company: Company) -> Key {
    Key::new(company.id().to_string(), "CARD_TEMPLATE")
}

/// A share, by its code.
pub(crate) fn share(company: Company, code: &ShareCode) -> Key {
    Key::new(format!("{}#SHARE#{}", company.id(), code.as_str()), "SHARE")
}

/// The phrases of a book: a member's own, or the company's.
pub(crate) fn phrases(company: Company, member: Option<MemberId>, book: PhraseBook) -> Key {
    Key::new(settings(company, member), format!("PHRASES#{}", book.name()))
}

/// A greeting: a member's own, or the company's.
pub(crate) fn greeting(company: Company, member: Option<MemberId>) -> Key {
    Key::new(settings(company, member), "GREETING")
}

/// The partition of what a member, or the company for all, has set.
fn settings(company: Company, member: Option<MemberId>) -> String {
    match member {
        Some(member) => format!("{}#SETTINGS#{member}", company.id()),
        None => format!("{}#SETTINGS#ALL", company.id()),
    }
}

/// The card id in a card's key.
pub(crate) fn card_of(key: &Key) -> Option<CardId> {
    key.pk.rsplit('#').next()?.parse().ok()
}

/// The first result of a creating request inside a company.
pub(crate) fn idempotency(company: Company, digest: &str) -> Key {
    Key::new(format!("{}#REQUEST#{digest}", company.id()), "REQUEST")
}

/// The first result of a creating request of the platform operator.
pub(crate) fn operator_idempotency(digest: &str) -> Key {
    Key::new(format!("OPERATOR#REQUEST#{digest}"), "REQUEST")
}

/// The partition of a quota: the quota itself and its holds.
pub(crate) fn quota_partition(company: Company, quota: &str) -> String {
    format!("{}#QUOTA#{quota}", company.id())
}

/// A quota.
pub(crate) fn quota(company: Company, quota: &str) -> Key {
    Key::new(quota_partition(company, quota), "QUOTA")
}

/// A hold on a quota, by the id of what it is held for.
pub(crate) fn hold(company: Company, quota: &str, held_for: &str) -> Key {
    Key::new(quota_partition(company, quota), format!("HOLD#{held_for}"))
}

/// The place of an item in the expiry index: earlier expiries first.
pub(crate) fn expiry(expires_ms: i64, key: &Key) -> String {
    format!("{expires_ms:013}#{}#{}", key.pk, key.sk)
}

/// The last place of what has expired by `now_ms`.
pub(crate) fn expired_by(now_ms: i64) -> String {
    // `~` sorts after the `#` of every key.
    format!("{now_ms:013}~")
}

/// The company and the name of the quota in a hold's key.
pub(crate) fn quota_of(key: &Key) -> Option<(CompanyId, &str)> {
    let (company, quota) = key.pk.split_once("#QUOTA#")?;
    Some((company.parse().ok()?, quota))
}

/// What a hold is held for.
pub(crate) fn held_for(key: &Key) -> Option<&str> {
    key.sk.strip_prefix("HOLD#")
}

/// The partition of a company's audit log.
pub(crate) fn audit_log(company: Company) -> String {
    format!("{}#AUDIT", company.id())
}

/// An entry of the audit log.
pub(crate) fn audit_entry(company: Company, entry: Uuid) -> Key {
    Key::new(audit_log(company), entry.simple().to_string())
}

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
    match scope {
        Scope::Card(card) => format!("{}#COUNTERS#{card}", company.id()),
        Scope::Company => format!("{}#COUNTERS#ALL", company.id()),
    }
}

/// The counters of a scope and period.
pub(crate) fn counter(company: Company, scope: Scope, period: Period) -> Key {
    Key::new(counters(company, scope), period_key(period))
}

fn period_key(period: Period) -> String {
    match period {
        Period::Day(day) => format!("DAY#{day}"),
        Period::Lifetime => LIFETIME.to_owned(),
    }
}

/// First and last sort key of the days from `from` on and the lifetime.
pub(crate) fn counters_from(from: Day) -> (String, String) {
    (period_key(Period::Day(from)), period_key(Period::Lifetime))
}

/// A company's boards: how far they have been brought.
pub(crate) fn boards(company: Company) -> Key {
    Key::new(format!("{}#BOARDS", company.id()), "PROGRESS")
}

/// The ranking of a company's employees.
pub(crate) fn ranking(company: Company) -> Key {
    Key::new(format!("{}#BOARDS", company.id()), "RANKING")
}

/// The company in the key of its boards.
pub(crate) fn boards_of(key: &Key) -> Option<CompanyId> {
    key.pk.strip_suffix("#BOARDS")?.parse().ok()
}

/// The partition of a scope's breakdowns.
pub(crate) fn breakdowns(company: Company, scope: Scope) -> String {
    match scope {
        Scope::Card(card) => format!("{}#BREAKDOWN#{card}", company.id()),
        Scope::Company => format!("{}#BREAKDOWN#ALL", company.id()),
    }
}

/// The breakdown of a scope and day.
pub(crate) fn breakdown(company: Company, scope: Scope, day: Day) -> Key {
    Key::new(breakdowns(company, scope), period_key(Period::Day(day)))
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

/// Who watches a card, and how far its numbers are.
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

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
