//! Members: adding, claiming, listing.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::card::Card;
use domain::company::audit::AuditEntry;
use domain::company::quota::Move;
use domain::company::{Company, CompanyProfile, Link, Person};
use domain::kernel::id::{DepartmentId, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::{OpenId, UnionId};
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::people::authority::MemberAct;
use domain::people::member::{Member, MemberStatus, Role};
use serde::{Deserialize, Serialize};

use crate::card::create_card_item;
use crate::company::audit::add_entry;
use crate::company::quota::{QuotaName, QuotaRef};
use crate::people::login::note_link;
use crate::people::rights::{Backed, check_backer};
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::item::{Kind, expire, number, text};
use crate::table::kinds::{CLAIM, COMPANY, MEMBER};
use crate::table::read::{Order, Search};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};
use domain::kernel::failure::{Failure, Thing};

/// How long a used or expired claim is kept to explain itself.
const CLAIM_KEPT_MS: i64 = 30 * DAY_MS;

/// A member about to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMember {
    /// The member.
    pub member: Member,
    /// Their card, unless they get one later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Hash of the code with which they claim the membership.
    pub claim_hash: String,
    /// Until when they can.
    #[serde(with = "domain::kernel::timestamp::as_millis")]
    pub claim_expires_at: Timestamp,
}

/// A stored claim.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    member: MemberId,
    /// The number of the member's code.
    #[serde(default)]
    number: u32,
    /// The member who issued it; `None` for the operator, and in claims of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_by: Option<MemberId>,
    /// The member's role when it was issued; `None` in claims of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// When it was issued, in Unix milliseconds; 0 in claims of before.
    #[serde(default)]
    issued_ms: i64,
    /// Unix milliseconds.
    expires_ms: i64,
}

/// A person claiming a membership.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest<'a> {
    /// The person.
    pub person: Person,
    /// Their id inside the mini-program.
    pub openid: &'a OpenId,
    /// Their id across mini-programs, if WeChat returns it.
    pub unionid: Option<&'a UnionId>,
    /// Hash of the code they entered.
    pub hash: &'a str,
    /// When they claim.
    pub now: Timestamp,
}

/// Which members to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only members of this status.
    pub status: Option<MemberStatus>,
    /// Only members whose name contains this.
    pub name: Option<String>,
    /// Only members whose name or position contains this.
    pub words: Option<String>,
    /// Only members whose department is one of these.
    pub departments: Option<BTreeSet<DepartmentId>>,
}

impl MemberFilter {
    fn passes(&self, member: &Member) -> bool {
        self.status.is_none_or(|status| member.status() == status)
            && self.name.as_ref().is_none_or(|part| member.name.as_str().contains(part.as_str()))
            && self.words.as_ref().is_none_or(|part| {
                member.name.as_str().contains(part.as_str()) || member.position.as_str().contains(part.as_str())
            })
            && self
                .departments
                .as_ref()
                .is_none_or(|among| member.department.is_some_and(|department| among.contains(&department)))
    }
}

/// A change of a member as they were read, with its audit entry.
#[derive(Debug, Clone, Copy)]
pub struct MemberChange<'a> {
    /// The member before the change.
    pub read: &'a Member,
    /// The entry of the audit log.
    pub audit: &'a AuditEntry,
}

/// The outcome of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// They are this member now, or have been before.
    Member(MemberId),
    /// No such code, expired, or used by somebody else.
    Refused,
    /// They are another member of this company already.
    OtherMember,
}

/// Adds a member's items to a transaction: member, claim, hold of their seat, and card if there
/// is one. The caller moves the seat in the quota.
pub(crate) fn create_member(
    transaction: &mut Transaction,
    seats: QuotaRef<'_>,
    new: &NewMember,
) -> Result<(), Failure> {
    let QuotaRef { table, company, .. } = seats;
    create_member_item(transaction, table, company, &new.member)?;
    let expires = new.claim_expires_at;
    create_claim(transaction, seats, &new.member, &new.claim_hash, (new.member.created_at, expires))?;
    if let Some(card) = &new.card {
        create_card_item(transaction, table, company, card)?;
    }
    seats.hold(transaction, &new.member.id.to_string(), 1, expires)
}

/// Adds a new member to a transaction.
pub(crate) fn create_member_item(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    member: &Member,
) -> Result<(), Failure> {
    let item = MEMBER.encode(&keys::member(company, member.id), member)?;
    transaction.create(table, item, Failure::Exists(Thing::Member));
    Ok(())
}

/// Adds the claim of a member's code that counts, issued by the member who acts.
pub(crate) fn create_claim(
    transaction: &mut Transaction,
    QuotaRef { table, company, .. }: QuotaRef<'_>,
    member: &Member,
    hash: &str,
    (issued, expires): (Timestamp, Timestamp),
) -> Result<(), Failure> {
    let issued_by = company.actor().map(|by| by.member);
    let (issued_ms, expires_ms) = (issued.millis(), expires.millis());
    let (number, role) = (member.claim_number, Some(member.role));
    let claim = Claim { member: member.id, number, issued_by, role, issued_ms, expires_ms };
    let mut claim = CLAIM.encode(&keys::claim(company, hash), &claim)?;
    expire(&mut claim, expires.plus_millis(CLAIM_KEPT_MS));
    transaction.create(table, claim, Failure::Exists(Thing::Claim));
    Ok(())
}

/// Makes a person a member, if they are none.
pub(crate) fn bind_person(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    openid: &OpenId,
    member: MemberId,
) {
    let bound = Update::builder()
        .update_expression("SET #member = :member")
        .condition_expression("attribute_exists(id) AND attribute_not_exists(#member)")
        .expression_attribute_names("#member", "member")
        .expression_attribute_values(":member", text(member.to_string()));
    transaction.update(table, &keys::person(company, openid), bound, Failure::Exists(Thing::Membership));
}

/// An update of a member on condition that they stand as they were read, with the card they had and
/// the role, which decided who may do this.
pub(crate) fn as_read(update: UpdateBuilder, read: &Member) -> UpdateBuilder {
    let (stands, update) = match (read.ended, read.person) {
        (Some(was), _) => ("ended = :was", update.expression_attribute_values(":was", text(was.name()))),
        (None, Some(_)) => ("attribute_exists(person) AND attribute_not_exists(ended)", update),
        (None, None) => {
            ("attribute_exists(id) AND attribute_not_exists(person) AND attribute_not_exists(ended)", update)
        }
    };
    let update =
        update.expression_attribute_names("#role", "role").expression_attribute_values(":role", text(read.role.name()));
    match read.card {
        Some(card) => update
            .condition_expression(format!("{stands} AND #role = :role AND card = :card"))
            .expression_attribute_values(":card", text(card.to_string())),
        None => update.condition_expression(format!("{stands} AND #role = :role AND attribute_not_exists(card)")),
    }
}

impl Store {
    /// Adds a member, with their card, their claim code and the seat held for them.
    ///
    /// # Errors
    /// [`Failure::Exhausted`] `seats`; [`Failure::KeyReused`] when the request's key stands for
    /// another request.
    pub async fn add_member(
        &self,
        company: Company,
        new: NewMember,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<NewMember, Failure> {
        let key = keys::idempotency(company, &request.key);
        let items = new.clone();
        let seats = self.quota_ref(company, QuotaName::Seats);
        self.create_once(company, &key, request, audit.at, new, |transaction| {
            create_member(transaction, seats, &items)?;
            seats.shift(transaction, Move::Reserve(1));
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }

    /// Makes a person the member whose code they entered.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else claims at the same moment.
    pub async fn claim_membership(&self, company: Company, claiming: ClaimRequest<'_>) -> Result<Claimed, Failure> {
        let Some(claim) = self.get_latest::<Claim>(company, &keys::claim(company, claiming.hash), CLAIM).await? else {
            return Ok(Claimed::Refused);
        };
        match claiming.person.member {
            Some(member) if member == claim.member => return Ok(Claimed::Member(member)),
            Some(_) => return Ok(Claimed::OtherMember),
            None if claim.expires_ms <= claiming.now.millis() => return Ok(Claimed::Refused),
            None => {}
        }
        let transaction = self.claim(company, &claiming, &claim);
        match self.commit(company, transaction).await.map_err(Cancelled::into_failure) {
            Ok(()) => Ok(Claimed::Member(claim.member)),
            // The code was used, withdrawn or swept a moment ago, or its issuer may no longer issue it.
            Err(Failure::NotFound) => Ok(Claimed::Refused),
            Err(Failure::Exists(Thing::Membership)) => Ok(Claimed::OtherMember),
            Err(failure) => Err(failure),
        }
    }

    fn claim(&self, company: Company, claiming: &ClaimRequest<'_>, claim: &Claim) -> Transaction {
        let mut transaction = Transaction::default();
        let used = Update::builder()
            .update_expression("SET used_at = :now")
            .condition_expression("attribute_exists(expires_ms) AND attribute_not_exists(used_at)")
            .expression_attribute_values(":now", number(claiming.now.millis()));
        transaction.update(&self.table, &keys::claim(company, claiming.hash), used, Failure::NotFound);
        // A code that was replaced does not count. Members of old have no number.
        let counts = match claim.number {
            0 => "(attribute_not_exists(claim_number) OR claim_number = :number)",
            _ => "claim_number = :number",
        };
        let unclaimed = "attribute_exists(id) AND attribute_not_exists(person) AND attribute_not_exists(ended)";
        let joined = Update::builder()
            .update_expression("SET person = :person")
            .expression_attribute_values(":person", text(claiming.person.id.to_string()))
            .expression_attribute_values(":number", number(claim.number));
        // Nor does one that was issued for another role: who issued it may not let this one in.
        let joined = match claim.role {
            None => joined.condition_expression(format!("{unclaimed} AND {counts}")),
            Some(role) => joined
                .condition_expression(format!("{unclaimed} AND {counts} AND #role = :role"))
                .expression_attribute_names("#role", "role")
                .expression_attribute_values(":role", text(role.name())),
        };
        transaction.update(&self.table, &keys::member(company, claim.member), joined, Failure::NotFound);
        bind_person(&mut transaction, &self.table, company, claiming.openid, claim.member);
        let seats = self.quota_ref(company, QuotaName::Seats);
        seats.confirm(&mut transaction, &claim.member.to_string(), 1, claiming.now);
        if let Some(unionid) = claiming.unionid {
            let link = Link { person: claiming.person.id, member: claim.member };
            note_link(&mut transaction, &self.table, unionid, company, link);
        }
        if let (Some(by), Some(to)) = (claim.issued_by, claim.role) {
            let made_at = Timestamp::from_millis(claim.issued_ms);
            let backed = Backed { by, act: MemberAct::IssueClaimCode, to, made_at };
            check_backer(&mut transaction, &self.table, company, backed, Failure::NotFound);
        }
        transaction
    }

    /// A company's profile and, if asked for, one of its members.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when either is missing.
    pub async fn company_and_member(
        &self,
        company: Company,
        member: Option<MemberId>,
    ) -> Result<(CompanyProfile, Option<Member>), Failure> {
        let mut wanted = vec![keys::company(company)];
        wanted.extend(member.map(|member| keys::member(company, member)));
        let mut items = self.batch_get(company, &wanted, ReadMode::Eventual).await?;
        let mut take = |kind: Kind| {
            let position = items.iter().position(|item| kind.check(item).is_ok());
            position.map(|position| items.swap_remove(position)).ok_or(Failure::NotFound)
        };
        let profile = COMPANY.decode(take(COMPANY)?)?;
        let member = member.map(|_| MEMBER.decode(take(MEMBER)?)).transpose()?;
        Ok((profile, member))
    }

    /// Those of these members who exist, as of the last write. None is asked for twice.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn members(&self, company: Company, wanted: &BTreeSet<MemberId>) -> Result<Vec<Member>, Failure> {
        let wanted: Vec<_> = wanted.iter().map(|member| keys::member(company, *member)).collect();
        let mut members = Vec::with_capacity(wanted.len());
        for wanted in wanted.chunks(KEYS_MAX) {
            let items = self.batch_get(company, wanted, ReadMode::Consistent).await?;
            for item in items {
                members.push(MEMBER.decode(item)?);
            }
        }
        Ok(members)
    }

    /// A member.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn member(&self, company: Company, member: MemberId) -> Result<Member, Failure> {
        self.get_latest(company, &keys::member(company, member), MEMBER).await?.ok_or(Failure::NotFound)
    }

    /// The members that pass the filter, the first added first. A filter looks through
    /// as many members as one call reads, so a page may be short and not the last.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn list_members(
        &self,
        company: Company,
        filter: &MemberFilter,
        after: Option<MemberId>,
        limit: u32,
    ) -> Result<Page<Member, MemberId>, Failure> {
        let (partition, start) = (keys::members(company), after.map(|member| keys::member(company, member)));
        let search = Search { kind: MEMBER, partition: &partition, start, order: Order::OldestFirst, limit };
        let filtered = *filter != MemberFilter::default();
        let passes = |member: &Member| filter.passes(member);
        self.search(search, filtered.then_some(passes), |member| member.id).await
    }
}
