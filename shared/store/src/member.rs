//! Members: adding, claiming, listing.

use aws_sdk_dynamodb::types::Update;
use domain::card::Card;
use domain::company::{Company, CompanyProfile, Person};
use domain::id::MemberId;
use domain::idempotency::Idempotency;
use domain::member::Member;
use domain::text::OpenId;
use domain::timestamp::{DAY_MS, Timestamp};
use serde::{Deserialize, Serialize};

use crate::batch_get::Read;
use crate::card::CARD;
use crate::company::COMPANY;
use crate::item::{Kind, expire, number, text};
use crate::read::Order;
use crate::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};
use domain::failure::Failure;

pub(crate) const MEMBER: Kind = Kind::new("member", 1);
const CLAIM: Kind = Kind::new("claim", 1);

/// How long a used or expired claim is kept to explain itself.
const CLAIM_KEPT_MS: i64 = 30 * DAY_MS;

/// A member about to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMember {
    /// The member.
    pub member: Member,
    /// His card, unless he gets one later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Hash of the code with which he claims the membership.
    pub claim_hash: String,
    /// Until when he can.
    #[serde(with = "domain::timestamp::as_millis")]
    pub claim_expires_at: Timestamp,
}

/// A stored claim.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    member: MemberId,
    /// Unix milliseconds.
    expires_ms: i64,
}

/// A person claiming a membership.
#[derive(Debug, Clone, Copy)]
pub struct Claiming<'a> {
    /// Who.
    pub person: Person,
    /// His id inside the mini-program.
    pub openid: &'a OpenId,
    /// Hash of the code he gave.
    pub hash: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// He is this member now, or has been before.
    Member(MemberId),
    /// No such code, expired, or used by somebody else.
    Refused,
    /// He is another member of this company already.
    OtherMember,
}

/// Adds a member's items to a transaction: member, claim, and card if there is one.
pub(crate) fn create_member(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    new: &NewMember,
) -> Result<(), Failure> {
    transaction.create(table, MEMBER.encode(&keys::member(company, new.member.id), &new.member)?);
    let expires = new.claim_expires_at;
    let claim = Claim { member: new.member.id, expires_ms: expires.millis() };
    let mut claim = CLAIM.encode(&keys::claim(company, &new.claim_hash), &claim)?;
    expire(&mut claim, expires.plus_millis(CLAIM_KEPT_MS));
    transaction.create(table, claim);
    if let Some(card) = &new.card {
        transaction.create(table, CARD.encode(&keys::card(company, card.id), card)?);
    }
    Ok(())
}

impl Store {
    /// Adds a member, with his card and claim code.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn add_member(
        &self,
        company: Company,
        new: NewMember,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<NewMember, Failure> {
        let key = keys::idempotency(company, &request.key);
        let items = new.clone();
        let add = |transaction: &mut Transaction| create_member(transaction, &self.table, company, &items);
        self.create_once(&key, request, now, new, &["member", "claim", "card"], add).await
    }

    /// Makes a person the member whose code he gives.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else claims at the same moment.
    pub async fn claim_membership(&self, company: Company, claiming: Claiming<'_>) -> Result<Claimed, Failure> {
        let Some(claim) = self.get::<Claim>(&keys::claim(company, claiming.hash), CLAIM).await? else {
            return Ok(Claimed::Refused);
        };
        match claiming.person.member {
            Some(member) if member == claim.member => return Ok(Claimed::Member(member)),
            Some(_) => return Ok(Claimed::OtherMember),
            None if claim.expires_ms <= claiming.now.millis() => return Ok(Claimed::Refused),
            None => {}
        }
        match self.commit(self.claim(company, &claiming, claim.member)).await {
            Ok(()) => Ok(Claimed::Member(claim.member)),
            // The code was used, or the person became a member, a moment ago.
            Err(Cancelled::Conditions(failed)) if failed.first().is_some_and(|(position, _)| *position == 2) => {
                Ok(Claimed::OtherMember)
            }
            Err(Cancelled::Conditions(_)) => Ok(Claimed::Refused),
            Err(Cancelled::Store(error)) => Err(error),
        }
    }

    fn claim(&self, company: Company, claiming: &Claiming<'_>, member: MemberId) -> Transaction {
        let mut transaction = Transaction::default();
        let used = Update::builder()
            .update_expression("SET used_at = :now")
            .condition_expression("attribute_exists(expires_ms) AND attribute_not_exists(used_at)")
            .expression_attribute_values(":now", number(claiming.now.millis()));
        transaction.update(&self.table, &keys::claim(company, claiming.hash), used);
        let joined = Update::builder()
            .update_expression("SET person = :person")
            .condition_expression("attribute_exists(id) AND attribute_not_exists(person)")
            .expression_attribute_values(":person", text(claiming.person.id.to_string()));
        transaction.update(&self.table, &keys::member(company, member), joined);
        let linked = Update::builder()
            .update_expression("SET #member = :member")
            .condition_expression("attribute_exists(id) AND attribute_not_exists(#member)")
            .expression_attribute_names("#member", "member")
            .expression_attribute_values(":member", text(member.to_string()));
        transaction.update(&self.table, &keys::person(company, claiming.openid), linked);
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
        let mut items = self.batch_get(&wanted, Read::Eventual).await?;
        let mut take = |kind: Kind| {
            let position = items.iter().position(|item| kind.check(item).is_ok());
            position.map(|position| items.swap_remove(position)).ok_or(Failure::NotFound)
        };
        let profile = COMPANY.decode(take(COMPANY)?)?;
        let member = member.map(|_| MEMBER.decode(take(MEMBER)?)).transpose()?;
        Ok((profile, member))
    }

    /// The members of a company, the first added first.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn list_members(
        &self,
        company: Company,
        after: Option<MemberId>,
        limit: u32,
    ) -> Result<Page<Member, MemberId>, Failure> {
        let start = after.map(|member| keys::member(company, member));
        let page = self.query(&keys::members(company), start, limit, Order::OldestFirst).await?;
        let items: Vec<Member> = page.items.into_iter().map(|item| MEMBER.decode(item)).collect::<Result<_, _>>()?;
        let next = page.next.and_then(|_| items.last().map(|member| member.id));
        Ok(Page { items, next })
    }
}
