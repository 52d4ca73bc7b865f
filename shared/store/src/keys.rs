//! Every key of the table. No other file names a key attribute or a prefix.
//!
//! A partition key starts with the company's id, taken from a [`Company`] handle, so
//! that no query can reach another company. Four partitions stand before any company
//! is known: the directories of app ids and of unionids, the platform operator's own
//! requests, and the budgets of addresses and phone numbers.
//! Parts are joined with `#`, which no id, code or day contains.

mod crm;
mod handover;
mod job;
mod key;
mod list;
mod radar;
mod shop;

use domain::card::settings::PhraseBook;
use domain::company::Company;
use domain::company::budget_spend::BudgetSubject;
use domain::kernel::budget::BudgetName;
use domain::kernel::id::{
    CardId, CompanyId, InvitationId, JoinRequestId, MemberId, MergeId, PersonId, ProductId, UploadId,
};
use domain::kernel::mobile::Mobile;
use domain::kernel::text::{AppId, OpenId, ShareCode, UnionId};
use uuid::Uuid;

pub(crate) use self::crm::*;
pub(crate) use self::handover::*;
pub(crate) use self::job::*;
pub(crate) use self::key::{Key, PK, SK};
pub(crate) use self::list::*;
pub(crate) use self::radar::*;
pub(crate) use self::shop::*;

/// Names of partition and sort key, for code that creates a table.
pub const KEY_ATTRIBUTES: [&str; 2] = [PK, SK];

/// The index in which items wait for their expiry.
pub const EXPIRY_INDEX: &str = "GSI1";
/// Its partition and sort key attributes.
pub const EXPIRY_ATTRIBUTES: [&str; 2] = ["GSI1PK", "GSI1SK"];
/// The lists of what becomes due, in that index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DueList {
    /// Holds on a quota, until they expire.
    Holds,
    /// Changes of counters that wait to be counted.
    PendingDeltas,
    /// Uploads that nothing shows.
    Uploads,
    /// Marks that a person's rank in the shortlists must be refreshed.
    ShortlistRefreshes,
    /// Erasures that have begun.
    Erasures,
    /// Companies, until their leaderboards are due.
    Leaderboards,
    /// Companies, until they are recounted.
    Recounts,
    /// Companies, until a model is fitted to them.
    Retrainings,
    /// Companies with rules of recycling, until these are applied.
    Recycling,
    /// Companies with rules of automation, until these look at what has happened.
    Automation,
    /// Open jobs that nobody goes on with.
    Jobs,
}

impl DueList {
    /// Its name, and the partition of all its items before there were shards.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Holds => "EXPIRY",
            Self::PendingDeltas => "EXPIRY_TALLIES",
            Self::Uploads => "EXPIRY_UPLOADS",
            Self::ShortlistRefreshes => "EXPIRY_STANDINGS",
            Self::Erasures => "ERASURES",
            Self::Leaderboards => "BOARDS",
            Self::Recounts => "RECOUNT",
            Self::Retrainings => "REFIT",
            Self::Recycling => "RECYCLING",
            Self::Automation => "AUTOMATION",
            Self::Jobs => "JOBS",
        }
    }
}

/// The partition of one shard of a list.
pub(crate) fn due_shard(list: DueList, shard: u32) -> String {
    format!("{}#{shard}", list.name())
}

/// The company in a key: every partition inside a company begins with it.
pub(crate) fn company_of(key: &Key) -> Option<CompanyId> {
    key.pk.split('#').next()?.parse().ok()
}

/// The mark of an item that a job has put aside.
pub(crate) fn aside(company: Company, item: &Key) -> Key {
    let of_company = company.id().to_string();
    let place = item.pk.strip_prefix(&of_company).unwrap_or(&item.pk);
    Key::new(format!("{of_company}#ASIDE"), format!("{place}#{}", item.sk))
}

/// The company's profile.
pub(crate) fn company(company: Company) -> Key {
    Key::new(company.id().to_string(), "COMPANY")
}

/// The company that a mini-program belongs to. Read before any company is known.
pub(crate) fn app(appid: &AppId) -> Key {
    Key::new(format!("APP#{}", appid.as_str()), "APP")
}

/// The companies in which a person has memberships. Read before any company is known.
pub(crate) fn union(unionid: &UnionId) -> Key {
    Key::new(format!("UNION#{}", unionid.as_str()), "UNION")
}

/// A person, by their id inside the company's mini-program.
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

/// The sessions of a member, in a partition of their own: each refresh writes there.
pub(crate) fn sessions(company: Company, member: MemberId) -> Key {
    Key::new(format!("{}#SESSIONS#{member}", company.id()), "SESSIONS")
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

/// A voice introduction of a product, in its card's partition and after the card.
pub(crate) fn voice(company: Company, card: CardId, product: ProductId) -> Key {
    Key::new(self::card(company, card).pk, format!("VOICE#{product}"))
}

/// An upload.
pub(crate) fn upload(company: Company, upload: UploadId) -> Key {
    Key::new(format!("{}#UPLOAD#{upload}", company.id()), "UPLOAD")
}

/// The upload in an upload's key.
pub(crate) fn upload_of(key: &Key) -> Option<UploadId> {
    key.pk.split_once("#UPLOAD#")?.1.parse().ok()
}

/// A share, by its code.
pub(crate) fn share(company: Company, code: &ShareCode) -> Key {
    Key::new(format!("{}#SHARE#{}", company.id(), code.as_str()), "SHARE")
}

/// The code in a share's key.
pub(crate) fn share_of(key: &Key) -> Option<ShareCode> {
    ShareCode::parse(key.pk.split_once("#SHARE#")?.1).ok()
}

/// The phrases of a book: a member's own, or the company's.
pub(crate) fn phrases(company: Company, member: Option<MemberId>, book: PhraseBook) -> Key {
    Key::new(settings(company, member), format!("PHRASES#{}", book.name()))
}

/// A greeting: a member's own, or the company's.
pub(crate) fn greeting(company: Company, member: Option<MemberId>) -> Key {
    Key::new(settings(company, member), "GREETING")
}

/// The partition of the settings of a member, or of the company for all.
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

/// The bucket of a budget. What counts in all companies together stands before any company.
pub(crate) fn budget(budget: BudgetName, subject: &BudgetSubject) -> Key {
    let name = budget.name();
    let pk = match subject {
        BudgetSubject::Person(company, person) => format!("{}#BUDGET#{name}#{person}", company.id()),
        BudgetSubject::Member(company, member) => format!("{}#BUDGET#{name}#{member}", company.id()),
        BudgetSubject::Company(company) => format!("{0}#BUDGET#{name}#{0}", company.id()),
        BudgetSubject::Address(address) => format!("PLATFORM#BUDGET#{name}#{address}"),
        BudgetSubject::PhoneNumber(mobile) => format!("PLATFORM#BUDGET#{name}#{}", mobile.reveal()),
    };
    Key::new(pk, "BUDGET")
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

/// When the item that waits at a place expires, in Unix milliseconds.
pub(crate) fn expiry_of(place: &str) -> Option<i64> {
    place.split_once('#')?.0.parse().ok()
}

/// The name of the quota in a hold's key.
pub(crate) fn quota_of(key: &Key) -> Option<&str> {
    Some(key.pk.split_once("#QUOTA#")?.1)
}

/// The id that a hold is held for.
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

/// The partition of a company's merges.
pub(crate) fn merges(company: Company) -> String {
    format!("{}#MERGES", company.id())
}

/// A merge.
pub(crate) fn merge(company: Company, merge: MergeId) -> Key {
    Key::new(merges(company), merge.to_string())
}

/// The partition of a company's pending changes of counters.
pub(crate) fn pending_deltas_of_company(company: Company) -> String {
    format!("{}#PENDING", company.id())
}

/// One chunk of the pending changes of counters that one transaction has left.
pub(crate) fn pending_deltas(company: Company, left_by: Uuid, chunk: usize) -> Key {
    Key::new(pending_deltas_of_company(company), format!("{}#{chunk:03}", left_by.simple()))
}

/// The profile of an identity.
pub(crate) fn profile(company: Company, person: PersonId) -> Key {
    Key::new(format!("{}#PROFILE#{person}", company.id()), "PROFILE")
}

/// The identity that a phone number belongs to.
pub(crate) fn phone(company: Company, phone: &Mobile) -> Key {
    Key::new(format!("{}#PHONE#{}", company.id(), phone.reveal()), "PHONE")
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
